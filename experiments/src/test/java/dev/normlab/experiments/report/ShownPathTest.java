package dev.normlab.experiments.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShownPathTest {

    @TempDir
    private Path folder = Path.of("");

    @Test
    void detoursAreLeftOut() throws IOException {
        Files.createDirectories(folder.resolve("a/b"));
        Path file = Files.createFile(folder.resolve("report.html"));
        assertEquals(file, ShownPath.of(folder.resolve("a/b/../../report.html")));
        assertEquals(Path.of("").toAbsolutePath(), ShownPath.of(Path.of(".")));
    }

    /// `link/..` is the folder above the link's target, and not the one that holds the link.
    @Test
    void aLinkIsFollowedWhereItMakesADifference() throws IOException {
        Path inside = Files.createDirectories(folder.resolve("a/b"));
        Files.createSymbolicLink(folder.resolve("link"), inside);
        Path file = Files.createFile(folder.resolve("a/report.html"));
        assertEquals(file.toRealPath(), ShownPath.of(folder.resolve("link/../report.html")));
        assertEquals(folder.resolve("link"), ShownPath.of(folder.resolve("link")));
    }
}
