package dev.normlab.experiments.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnfinishedFilesTest {

    @TempDir
    private Path folder = Path.of("");

    private Path file(String name, Duration age) throws IOException {
        Path file = Files.writeString(folder.resolve(name), "half of");
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(age)));
        return file;
    }

    /// What another machine is writing has the same form of name.
    @Test
    void onlyOldOnesGo() throws IOException {
        Path young = file(".report.html.1-7-1f00.tmp", Duration.ofMinutes(5));
        Path old = file(".report.html.1-8-1f00.tmp", Duration.ofHours(2));
        Path older = file(".table.csv.4711-3.tmp", Duration.ofDays(9));
        List<Path> others = List.of(file("report.html", Duration.ofDays(9)), file(".mine.tmp", Duration.ofDays(9)));
        UnfinishedFiles.removeFrom(folder);
        assertTrue(Files.exists(young), "it may be under way");
        assertFalse(Files.exists(old));
        assertFalse(Files.exists(older), "those of earlier versions go as well");
        for (Path other : others) {
            assertTrue(Files.exists(other), other.toString());
        }
    }

    /// In containers every process is number 1: names need more than that.
    @Test
    void temporaryNamesTellMachinesApart() throws IOException {
        AtomicFile.write(folder.resolve("a.json"), out -> {
            try (Stream<Path> files = Files.list(folder)) {
                Path temporary = files.findFirst().orElseThrow();
                assertEquals(Optional.of("a.json"), AtomicFile.unfinished(temporary));
                assertTrue(temporary.getFileName().toString().matches("\\.a\\.json\\.\\d+-\\d+-[0-9a-f]{8,16}\\.tmp"),
                        temporary.toString());
            }
        });
        assertEquals(Optional.empty(), AtomicFile.unfinished(folder.resolve("a.json")));
    }
}
