package dev.normlab.experiments.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderLockTest {

    @TempDir
    private Path folder = Path.of("");

    @Test
    void oneAtATimeHasTheLock() throws IOException {
        Path run = folder.resolve("a").resolve("run");
        try (FolderLock first = new FolderLock(run); FolderLock second = new FolderLock(run)) {
            assertTrue(first.tryAcquire());
            assertTrue(first.tryAcquire(), "who has it, has it");
            assertFalse(second.tryAcquire());
            IOException error = assertThrows(IOException.class, second::acquire);
            assertEquals(run + " is in use by " + second.holder() + "; wait until it has ended, or choose another folder",
                    error.getMessage());
            assertTrue(second.holder().startsWith("process " + ProcessHandle.current().pid() + " on "), second.holder());
            first.close();
            assertTrue(second.tryAcquire());
        }
    }

    @Test
    void whoWaitsGetsTheLockWhenItIsFreeAndSaysOnceForWhom() throws Exception {
        List<String> told = new ArrayList<>();
        FolderLock first = new FolderLock(folder);
        first.acquire();
        Thread other = new Thread(() -> {
            try {
                Thread.sleep(500);
                first.close();
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        other.start();
        try (FolderLock second = new FolderLock(folder)) {
            second.await(told::add);
            assertFalse(first.tryAcquire());
        }
        other.join();
        assertEquals(1, told.size());
        assertTrue(told.getFirst().startsWith("waiting for process "), told.getFirst());
    }

    /// A process that takes the lock and keeps it until it is killed.
    static final class Holder {

        private Holder() {}

        public static void main(String[] args) throws Exception {
            try (FolderLock lock = new FolderLock(Path.of(args[0]))) {
                lock.acquire();
                Files.createFile(Path.of(args[0]).resolve("taken"));
                Thread.sleep(120_000);
            }
        }
    }

    @Test
    void aKilledProcessLeavesNoLockBehind() throws Exception {
        Process process = new ProcessBuilder(ProcessHandle.current().info().command().orElseThrow(), "-cp",
                System.getProperty("java.class.path"), Holder.class.getName(), folder.toString()).inheritIO().start();
        try (FolderLock lock = new FolderLock(folder)) {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (!Files.exists(folder.resolve("taken")) && System.nanoTime() < end) {
                Thread.sleep(10);
            }
            assertFalse(lock.tryAcquire());
            assertTrue(lock.holder().startsWith("process " + process.pid() + " on "), lock.holder());
            process.destroyForcibly();
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            assertTrue(lock.tryAcquire());
        } finally {
            process.destroyForcibly();
        }
    }
}
