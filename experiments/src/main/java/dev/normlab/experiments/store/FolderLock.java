package dev.normlab.experiments.store;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The right of one process to write in a folder. The operating system holds the lock and frees it when the process ends, however it ends,
/// so that a killed process leaves none behind; the file [#FILE] stays and says who holds or held it.
///
/// Closing any channel of the file would free the lock on many systems, so that inside one process nobody opens it twice: who has which
/// lock is kept in memory.
///
/// It works between machines where the file system hands locks on, as NFS since version 4 and Lustre with `flock` do.
public final class FolderLock implements Closeable {

    /// The name of the file that is locked.
    public static final String FILE = ".lock";

    /// What is locked lies far behind what the file says, so that others can read it on systems where locks keep readers out.
    private static final long PLACE = Long.MAX_VALUE - 1;
    private static final int LONGEST = 200;
    private static final long PAUSE_MILLIS = 200;
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path folder;
    private @Nullable Path held;
    private @Nullable FileChannel channel;
    private @Nullable FileLock lock;

    /// A lock of a folder; nobody has it yet.
    public FolderLock(Path folder) {
        this.folder = folder;
    }

    /// Takes the lock if it is free; makes the folder where there is none.
    ///
    /// @return whether this now has it
    /// @throws IOException if the folder cannot be made, or the file not written
    public boolean tryAcquire() throws IOException {
        if (lock != null) {
            return true;
        }
        RunFolder.makeFolder(folder);
        Path key = folder.toRealPath();
        if (!HELD.add(key)) {
            return false;
        }
        held = key;
        try {
            if (lockFile()) {
                return true;
            }
        } catch (IOException e) {
            close();
            throw e;
        }
        close();
        return false;
    }

    private boolean lockFile() throws IOException {
        FileChannel opened = FileChannel.open(folder.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        channel = opened;
        lock = opened.tryLock(PLACE, 1, false);
        if (lock == null) {
            return false;
        }
        opened.truncate(0);
        opened.write(ByteBuffer.wrap(self().getBytes(StandardCharsets.UTF_8)), 0);
        return true;
    }

    /// Takes the lock.
    ///
    /// @throws IOException if another process has it, with a message that says which and what to do
    public void acquire() throws IOException {
        if (!tryAcquire()) {
            throw new IOException(folder + " is in use by " + holder() + "; wait until it has ended, or choose another folder");
        }
    }

    /// Takes the lock, and waits until it is free; says so once.
    ///
    /// @throws IOException if it cannot be taken, or the thread is interrupted
    public void await(Consumer<String> tell) throws IOException {
        boolean told = false;
        while (!tryAcquire()) {
            if (!told) {
                tell.accept("waiting for " + holder() + ", which is writing in " + folder);
                told = true;
            }
            try {
                Thread.sleep(PAUSE_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted while waiting for " + folder, e);
            }
        }
    }

    /// Who has the lock, as far as is known: `process 1234 on host`.
    public String holder() {
        try {
            if (HELD.contains(folder.toRealPath())) {
                return self().strip();
            }
            String text = Files.readString(folder.resolve(FILE)).strip();
            return text.isEmpty() || text.length() > LONGEST ? "another process" : text;
        } catch (IOException e) {
            return "another process";
        }
    }

    private static String self() {
        String host;
        try {
            host = InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            host = "this machine";
        }
        return "process " + ProcessHandle.current().pid() + " on " + host + "\n";
    }

    /// Gives the lock back, if this has it.
    @Override
    public void close() throws IOException {
        FileChannel opened = channel;
        Path key = held;
        channel = null;
        lock = null;
        held = null;
        try {
            if (opened != null) {
                opened.close();
            }
        } finally {
            if (key != null) {
                HELD.remove(key);
            }
        }
    }
}
