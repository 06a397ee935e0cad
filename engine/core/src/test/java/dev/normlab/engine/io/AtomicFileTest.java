package dev.normlab.engine.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {

    @TempDir
    Path folder;

    private List<String> files() throws IOException {
        try (Stream<Path> list = Files.list(folder)) {
            return list.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void aFileIsWrittenAndReplacedAndNothingElseStays() throws IOException {
        Path target = folder.resolve("state");
        AtomicFile.writeText(target, "first");
        AtomicFile.writeText(target, "sécond");
        assertEquals("sécond", Files.readString(target));
        assertEquals(List.of("state"), files());
    }

    @Test
    void theOldContentStaysVisibleUntilTheNewIsComplete() throws IOException {
        Path target = folder.resolve("state");
        AtomicFile.writeText(target, "old");
        AtomicFile.write(target, out -> {
            out.write(new byte[1 << 20]);
            out.flush();
            assertEquals("old", Files.readString(target));
        });
        assertEquals(1 << 20, Files.size(target));
    }

    @Test
    void aFailureInTheMiddleLeavesTheOldContentAndNoTemporaryFile() throws IOException {
        Path target = folder.resolve("state");
        AtomicFile.writeText(target, "old");
        IOException error = assertThrows(IOException.class, () -> AtomicFile.write(target, out -> {
            out.write(new byte[1 << 20]);
            throw new IOException("disk full");
        }));
        assertEquals("disk full", error.getMessage());
        assertThrows(IllegalStateException.class, () -> AtomicFile.write(target, _ -> {
            throw new IllegalStateException();
        }));
        assertEquals("old", Files.readString(target));
        assertEquals(List.of("state"), files());
    }

    @Test
    void anInterruptedThreadStillWritesTheWholeFile() throws IOException {
        Path target = folder.resolve("state");
        Thread.currentThread().interrupt();
        AtomicFile.writeText(target, "complete");
        assertTrue(Thread.interrupted());
        assertEquals("complete", Files.readString(target));
    }

    @Test
    void aSymbolicLinkStaysOneAndItsFileIsReplaced() throws IOException {
        Path real = folder.resolve("real");
        Path link = folder.resolve("link");
        Files.writeString(real, "old");
        Files.createSymbolicLink(link, real);
        AtomicFile.writeText(link, "new");
        assertTrue(Files.isSymbolicLink(link));
        assertEquals("new", Files.readString(real));
    }

    @Test
    void aMissingFolderAndAFolderAsTargetAreErrorsThatSaySo() {
        IOException missing = assertThrows(IOException.class, () -> AtomicFile.writeText(folder.resolve("absent/state"), ""));
        assertTrue(missing.getMessage().contains("the folder " + folder.resolve("absent") + " does not exist"), missing.getMessage());
        IOException directory = assertThrows(IOException.class, () -> AtomicFile.writeText(folder, ""));
        assertTrue(directory.getMessage().endsWith("it is a folder"), directory.getMessage());
        assertFalse(Files.exists(folder.resolve("absent")));
    }
}
