package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunResult;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A loss that is a number, and absurd.
class RunawayTrainingTest {

    @TempDir
    private Path folder = Path.of("");

    private Output train(String rate, Path run) {
        return Output.of("train", "--model", "lenet", "--data", "synthetic:train=60,test=20", "--batch-size", "20", "--epochs", "1", "--lr",
                rate, "--out", run.toString());
    }

    @Test
    void aTrainingThatRanAwaySaysSo() throws IOException {
        Output away = train("1000", folder.resolve("away"));
        assertEquals(0, away.code(), away.err());
        assertTrue(away.err().contains("where guessing has 2.30: the training has run away; try a smaller --lr"), away.err());
        RunResult result = RunFolder.open(folder.resolve("away")).read().result().orElseThrow();
        assertTrue(result.message().contains("has run away"), result.message());
        Output usual = train("0.01", folder.resolve("usual"));
        assertFalse(usual.err().contains("run away"), usual.err());
    }
}
