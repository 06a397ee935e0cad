package dev.normlab.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.store.LineWriter;
import dev.normlab.experiments.store.MetricsLine;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunInfo;
import dev.normlab.experiments.store.RunResult;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuickstartTest {

    @TempDir
    private Path folder = Path.of("");

    private final Device device = Device.cpu(1);
    private final ByteArrayOutputStream told = new ByteArrayOutputStream();

    private Quickstart quickstart(long seed) {
        return quickstart(seed, true);
    }

    private Quickstart quickstart(long seed, boolean resume) {
        Progress progress = new Progress(new PrintStream(told, true, StandardCharsets.UTF_8), false, false);
        return new Quickstart(folder, device, progress, seed, "quickstart", resume);
    }

    /// A training as an earlier part of the quickstart left it.
    private void finished(TrainingSettings settings, int correct) throws IOException {
        RunFolder run = RunFolder.create(folder.resolve(settings.method()),
                new RunInfo(RunInfo.FORMAT, RunInfo.VERSION, settings.method(), "quickstart", Instant.EPOCH, settings.model(),
                        settings.data(),
                        settings.method(), settings.seed(), settings.epochs(), 5000, 1000, settings.toMap(), Map.of()));
        try (LineWriter<MetricsLine> metrics = run.appendMetrics(-1); var norms = run.appendNorms(-1)) {
            metrics.write(new MetricsLine(6, 474, 0, 0.1, 0.9, Double.NaN, 0.2, 0.9, 123, 8, 1000, 20));
        }
        run.writeResult(new RunResult(RunResult.Status.FINISHED, "", 6, 20, RunResult.Score.of(1000, 900, 0.2),
                List.of(RunResult.AttackScore.of("pgd-20", "linf", 8f / 255, 500, correct, 5))));
    }

    @Test
    void whatIsFinishedIsTakenOverAndReported() throws IOException {
        List<TrainingSettings> settings = quickstart(0).settings();
        for (int i = 0; i < settings.size(); i++) {
            finished(settings.get(i), 50 + i);
        }
        Quickstart.Result result = quickstart(0).run();
        assertTrue(result.completed());
        assertEquals(List.of("plain", "nd-l1", "wd"), result.lines().stream().map(Quickstart.Line::name).toList());
        assertEquals(List.of(50L, 51L, 52L), result.lines().stream().map(line -> line.robust().successes()).toList());
        assertEquals(123, result.lines().getFirst().normSum());
        assertTrue(Files.readString(result.report()).contains("nd-l1"));
        assertTrue(told.toString(StandardCharsets.UTF_8).contains("trained and attacked already"));
    }

    @Test
    void aQuickstartOfAnotherSeedIsNotGoneOnWith() throws IOException {
        finished(quickstart(0).settings().getFirst(), 50);
        String message = assertThrows(UserError.class, () -> quickstart(1).run()).getMessage();
        assertTrue(message.contains("was begun with seed 0, not 1"), message);
    }

    @Test
    void aFolderThatHoldsAQuickstartIsNotTrainedIntoAgain() throws IOException {
        finished(quickstart(0).settings().getLast(), 50);
        String message = assertThrows(FileAlreadyExistsException.class, () -> quickstart(0, false).run()).getMessage();
        assertTrue(message.contains("go on with it by quickstart --out " + folder + " --resume, or choose another folder"), message);
        assertEquals("", told.toString(StandardCharsets.UTF_8), "nothing is trained before");
    }
}
