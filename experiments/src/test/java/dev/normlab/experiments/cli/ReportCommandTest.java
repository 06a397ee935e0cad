package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportCommandTest {

    @TempDir
    private Path folder = Path.of("");

    @Test
    void pathsAreToldWithoutDetours() throws IOException {
        RunFolder.create(folder.resolve("runs/a"), new RunInfo(RunInfo.FORMAT, RunInfo.VERSION, "plain", "train", Instant.EPOCH, "vgg11",
                "synthetic", "plain", 0, 1, 40, 20, Map.of(), Map.of()));
        Files.createDirectories(folder.resolve("elsewhere"));
        Output output = Output.of("report", folder.resolve("elsewhere/../runs").toString(), "--figures",
                folder.resolve("elsewhere/../figures").toString());
        assertEquals(0, output.code(), output.err());
        assertTrue(output.out().contains("report: " + folder.resolve("runs/report.html")), output.out());
        assertTrue(output.out().contains(" figures in " + folder.resolve("figures")), output.out());
        assertTrue(Files.exists(folder.resolve("runs/report.html")));
    }
}
