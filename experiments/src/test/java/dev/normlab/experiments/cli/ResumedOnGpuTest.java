package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.store.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A run goes on where it was computed, unless somebody says otherwise: a GPU's sums are not the CPU's.
class ResumedOnGpuTest {

    private static final String GPU = "NVIDIA H200, gpu (TornadoVM, opencl), 139.8 GiB";

    @TempDir
    private Path folder = Path.of("");

    private Path run = Path.of("");

    @BeforeEach
    void train() {
        run = folder.resolve("run");
        Output output = Output.of("train", "--model", "lenet", "--data", "synthetic:train=64,test=32", "--epochs", "1", "--batch-size",
                "32", "--threads", "1", "--quiet", "--out", run.toString());
        assertEquals(0, output.code(), output.err());
    }

    private Output resume(String... more) {
        String[] arguments = new String[4 + more.length];
        System.arraycopy(new String[] {"train", "--resume", "--out", run.toString()}, 0, arguments, 0, 4);
        System.arraycopy(more, 0, arguments, 4, more.length);
        return Output.of(arguments);
    }

    private void assertAsksForADevice() {
        Output output = resume();
        assertEquals(2, output.code());
        assertTrue(output.err().contains("was computed on a GPU (" + GPU + "); add --device gpu to go on there"), output.err());
        assertFalse(resume("--device", "cpu").err().contains("was computed on a GPU"));
    }

    @Test
    void aRunThatBeganOnAGpuDoesNotGoOnElsewhereWithoutAWord() throws IOException {
        Path info = run.resolve("run.json");
        String text = Files.readString(info);
        String kernels = RunFolder.open(run).readInfo().provenance().getOrDefault("kernels", "");
        Files.writeString(info, text.replace(kernels, GPU));
        assertAsksForADevice();
    }

    @Test
    void whatCountsIsWhereItWasComputedLast() throws IOException {
        Map<String, String> cpu = RunFolder.open(run).readInfo().provenance();
        Map<String, String> gpu = new HashMap<>(cpu);
        gpu.put("kernels", GPU);
        RunFolder.open(run).addProvenance(Instant.EPOCH, gpu);
        assertAsksForADevice();
        RunFolder.open(run).addProvenance(Instant.EPOCH, cpu);
        assertFalse(resume().err().contains("was computed on a GPU"));
    }
}
