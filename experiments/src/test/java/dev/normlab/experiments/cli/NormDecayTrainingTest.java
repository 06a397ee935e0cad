package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.store.RunFolder;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What norm decay is for: three trainings that differ in its strength only.
class NormDecayTrainingTest {

    @TempDir
    private Path folder = Path.of("");

    @Test
    @Tag("slow")
    void theNormsOfConvolutionsAndLinearLayersAreTheSmallerTheStrongerTheDecay() throws IOException {
        double plain = normsAfterTraining("none");
        double weak = normsAfterTraining("l1:1e-3:conv+linear");
        double strong = normsAfterTraining("l1:1e-2:conv+linear");
        assertTrue(plain > weak && weak > strong, "sums of l1 norms: " + plain + ", " + weak + " and " + strong);
    }

    private double normsAfterTraining(String normDecay) throws IOException {
        Path run = folder.resolve(normDecay.replace(':', '-'));
        Output output = Output.of("train", "--model", "vgg11:width=0.125", "--data", "synthetic:train=256,test=32", "--epochs", "6",
                "--batch-size", "32", "--seed", "5", "--norm-decay", normDecay, "--threads", "1", "--quiet", "--out", run.toString());
        assertEquals(0, output.code(), output.err());
        double sum = RunFolder.open(run).read().metrics().getLast().normSumL1();
        return sum;
    }
}
