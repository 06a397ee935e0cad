package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `--conv exact|fast`: how convolutions are computed, and where a run says so.
class ConvolutionModeTest {

    @TempDir
    private Path folder = Path.of("");

    private Output train(String... more) {
        String[] args = {"train", "--model", "vgg11:width=0.25", "--data", "synthetic:train=16,test=8", "--epochs", "1", "--batch-size",
            "8",
            "--threads", "1", "--quiet", "--out", folder.resolve("run").toString()};
        String[] all = Arrays.copyOf(args, args.length + more.length);
        System.arraycopy(more, 0, all, args.length, more.length);
        return Output.of(all);
    }

    private static void requireVectors() {
        assumeTrue(Device.providers().stream().anyMatch(provider -> provider.name().equals("vector") && provider.obstacle().isEmpty()),
                "the vector kernels do not run here");
    }

    @Test
    void aRunRecordsItsModeAndAlgorithmsAndKeepsThemWhenResumed() throws IOException {
        requireVectors();
        assertEquals(0, train("--conv", "fast").code());
        RunInfo info = RunFolder.open(folder.resolve("run")).readInfo();
        assertEquals("fast", info.settings().get("conv"));
        assertEquals("fast", info.provenance().get("convolutions"));
        String algorithms = info.provenance().getOrDefault("convolution_algorithms", "");
        assertTrue(algorithms.contains("features.0: forward direct"), algorithms);
        assertTrue(algorithms.contains("features.4: forward F(4x4,3x3), backward_input F(4x4,3x3), backward_weight F(4x4,3x3)"),
                algorithms);
        String run = folder.resolve("run").toString();
        Output other = Output.of("train", "--out", run, "--resume", "--conv", "exact");
        assertEquals(2, other.code());
        assertTrue(other.err().contains("leave --conv out"), other.err());
        Output again = Output.of("train", "--out", run, "--resume", "--quiet");
        assertEquals(0, again.code(), again.err());
    }

    @Test
    void evaluateAndAttackTakeTheModeOfTheRunUnlessToldOtherwise() {
        requireVectors();
        assertEquals(0, train("--conv", "fast").code());
        String run = folder.resolve("run").toString();
        String said = "convolutions: fast, as in the run";
        Output evaluated = Output.of("evaluate", "--weights", run);
        assertEquals(0, evaluated.code(), evaluated.err());
        assertTrue(evaluated.err().contains(said), evaluated.err());
        Output attacked = Output.of("attack", "--weights", run, "--attacks", "fgsm", "--limit", "4");
        assertEquals(0, attacked.code(), attacked.err());
        assertTrue(attacked.err().contains(said), attacked.err());
        Output exact = Output.of("evaluate", "--weights", run, "--conv", "exact");
        assertEquals(0, exact.code(), exact.err());
        assertFalse(exact.err().contains("convolutions:"), exact.err());
    }

    @Test
    void withoutTheOptionConvolutionsAreExact() throws IOException {
        assertEquals(0, train().code());
        RunInfo info = RunFolder.open(folder.resolve("run")).readInfo();
        assertEquals("exact", info.settings().get("conv"));
        assertEquals("exact", info.provenance().get("convolutions"));
        assertFalse(info.provenance().containsKey("convolution_algorithms"));
    }

    @Test
    void theScalarDeviceAndUnknownModesAreRefused() {
        Output scalar = train("--device", "scalar", "--conv", "fast");
        assertEquals(2, scalar.code());
        assertTrue(scalar.err().contains("the device 'scalar' has only exact convolutions"), scalar.err());
        Output unknown = train("--conv", "quick");
        assertEquals(2, unknown.code());
        assertTrue(unknown.err().contains("there is no mode of convolutions 'quick'; known modes: exact, fast"), unknown.err());
        assertFalse(Files.exists(folder.resolve("run")), "nothing is written");
    }

    @Test
    void theSummaryNamesTheAlgorithmOfEveryConvolution() {
        requireVectors();
        Output fast = Output.of("summary", "--model", "vgg11", "--conv", "fast");
        assertEquals(0, fast.code(), fast.err());
        assertTrue(fast.out().contains("F(4x4,3x3)") && fast.out().contains("map 2x2") && fast.out().contains("direct"), fast.out());
        Output exact = Output.of("summary", "--model", "vgg11");
        assertTrue(exact.out().contains("direct") && !exact.out().contains("F(4x4,3x3)"), exact.out());
    }
}
