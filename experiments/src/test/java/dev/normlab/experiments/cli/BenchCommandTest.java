package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class BenchCommandTest {

    private static final String TINY = "vgg11:width=0.0625";

    private static JsonNode json(Output output) {
        assertEquals(0, output.code(), output.err());
        return JsonMapper.shared().readTree(output.out());
    }

    @Test
    void aStepSaysItsSpeedItsMemoryAndItsOperations() {
        JsonNode step = json(Output.of("bench", "step", "--model", TINY, "--data", "synthetic:train=64,test=32", "--batch-size", "8",
                "--warmup", "1", "--steps", "2", "--json", "-"));
        assertTrue(step.get("train_images_per_second").asDouble() > 0);
        assertTrue(step.get("infer_images_per_second").asDouble() > 0);
        assertEquals(8000 / step.get("train_images_per_second").asDouble(), step.get("step_ms").asDouble(), 1e-6);
        assertTrue(step.get("first_step_seconds").asDouble() > 0);
        assertTrue(step.get("seconds_to_first_step").asDouble() > 0);
        assertTrue(step.get("allocated_bytes_per_step").asLong() >= 0);
        assertEquals(8, step.get("operations_per_step").get("CONV2D_STATISTICS").asInt());
        assertTrue(step.has("peak_resident_bytes") && step.has("train_peak_resident_bytes"));
    }

    @Test
    void aStepMeasuredBySecondsTakesThreeStepsAtLeast() {
        Output output = Output.of("bench", "step", "--model", TINY, "--data", "synthetic:train=64,test=32", "--batch-size", "8", "--warmup",
                "0", "--seconds", "0.001");
        assertEquals(0, output.code(), output.err());
        assertTrue(output.out().contains("images/s") && output.out().contains("on the heap"), output.out());
        assertEquals(2, Output.of("bench", "step", "--seconds", "-1").code());
        Output profiled = Output.of("bench", "step", "--model", TINY, "--profile");
        assertEquals(2, profiled.code());
        assertTrue(profiled.err().contains("--profile: expected --device gpu"), profiled.err());
        Output math = Output.of("bench", "step", "--model", TINY, "--gpu-math", "cublas");
        assertEquals(2, math.code());
        assertTrue(math.err().contains("--gpu-math: expected --device gpu beside it, but the device is cpu"), math.err());
        assertTrue(Output.of("bench", "step", "--device", "gpu", "--gpu-math", "mkl").err()
                .contains("--gpu-math: expected own, cublas or tf32, but got 'mkl'"));
    }

    @Test
    void kernelsAreListedBesideTheMachinesPeak() {
        JsonNode kernels = json(Output.of("bench", "kernels", "--models", TINY, "--filter", "conv 3x3 3->", "--batch-size", "4", "--rounds",
                "1", "--cache", "1", "--json", "-"));
        assertTrue(kernels.get("machine").get("gflops_all_threads").asDouble() > 0);
        assertEquals(3, kernels.get("kernels").size(),
                "forward in training, fused in inference, and the weight's gradient; none of the input's");
        for (JsonNode kernel : kernels.get("kernels")) {
            assertEquals("GFLOP/s", kernel.get("unit").asString());
            assertEquals(2.0 * 4 * 4 * 32 * 32 * 3 * 9, kernel.get("operations").asDouble());
            assertTrue(kernel.get("share").asDouble() > 0);
        }
    }

    @Test
    void theTableOfKernelsLeavesSmallOnesOutUnlessAsked() {
        String[] few = {"bench", "kernels", "--models", TINY, "--filter", "sgd", "--batch-size", "4", "--rounds", "1", "--cache", "1"};
        Output output = Output.of(few);
        assertEquals(0, output.code(), output.err());
        assertTrue(output.out().contains("--all lists them"), output.out());
        String[] all = Arrays.copyOf(few, few.length + 1);
        all[few.length] = "--all";
        assertTrue(Output.of(all).out().lines().count() > output.out().lines().count());
        Output nothing = Output.of("bench", "kernels", "--models", TINY, "--filter", "no such thing", "--batch-size", "4", "--cache", "1");
        assertEquals(2, nothing.code());
        assertTrue(nothing.err().contains("no such thing"), nothing.err());
        assertEquals(2, Output.of("bench", "kernels", "--cache", "0").code());
    }

    @Test
    void whatOnlyTheCpuHasIsNotTimedOnAGpu() {
        Output refused = Output.of("bench", "norms", "--device", "gpu");
        assertEquals(2, refused.code(), refused.err());
        assertTrue(refused.err().contains("--device: bench norms times single kernels of the CPU"), refused.err());
    }

    @Test
    void optionsOfKernelsThatDoNotFitTheDeviceAreRefused() {
        Output peak = Output.of("bench", "kernels", "--models", TINY, "--peak", "1000");
        assertEquals(2, peak.code());
        assertTrue(peak.err().contains("--peak") && peak.err().contains("1000"), peak.err());
        assertEquals(2, Output.of("bench", "kernels", "--models", TINY, "--device", "gpu", "--peak", "-1").code());
        Output cache = Output.of("bench", "kernels", "--models", TINY, "--device", "gpu", "--cache", "4096");
        assertEquals(2, cache.code());
        assertTrue(cache.err().contains("from 1 to 512, but got 4096"), cache.err());
        Output model = Output.of("bench", "kernels", "--models", "vgg12");
        assertTrue(model.err().contains("--models: there is no model 'vgg12'"), model.err());
    }

    @Test
    void anAttackIsTimedBesideItsPasses() {
        JsonNode attack = json(
                Output.of("bench", "attack", "--model", TINY, "--data", "synthetic:train=64,test=32", "--batch-size", "8", "--steps", "50",
                        "--norm", "l2", "--eps", "0.5", "--json", "-"));
        assertTrue(attack.get("image_steps_per_second").asDouble() > 0);
        assertTrue(attack.get("pass_share").asDouble() > 0 && attack.get("pass_share").asDouble() <= 1);
        assertTrue(attack.get("allocated_bytes_per_step").asDouble() < 1e6, attack.toString());
        assertEquals(2, Output.of("bench", "attack", "--model", TINY, "--norm", "l7").code());
        Output few = Output.of("bench", "attack", "--model", TINY, "--data", "synthetic:train=64,test=32", "--batch-size", "33");
        assertTrue(few.err().contains("only 32 test images"), few.err());
    }

    @Test
    void normsAreTimedBesideReading() {
        JsonNode norms = json(Output.of("bench", "norms", "--seconds", "0.001", "--json", "-"));
        assertEquals(12, norms.get("norms").size());
        JsonNode first = norms.get("norms").get(0);
        assertEquals("3x3 32->32", first.get("convolution").asString());
        assertEquals("cache", first.get("weights_in").asString());
        assertTrue(first.get("l1_ratio").asDouble() > 0);
        assertEquals(2, Output.of("bench", "norms", "--seconds", "0").code());
    }
}
