package dev.normlab.experiments.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StepBenchmarkTest {

    private static final StepBenchmark TINY = new StepBenchmark("vgg11:width=0.0625", "synthetic:train=64,test=32", "plain", 8, 1);
    private static final StepBenchmark.Duration SHORT = new StepBenchmark.Duration(1, 3, 0);

    @Test
    void aProfilerSaysWhatAStepDoesOnItsDevice() {
        InterpretingAccelerator accelerator = new InterpretingAccelerator();
        try (Device device = Device.accelerated(accelerator, 1)) {
            StepBenchmark.Profiled profiled = TINY.profile(device, SHORT).orElseThrow();
            assertEquals(0.001, profiled.kernelMillis(), 1e-12, "of one step, not of all");
            assertTrue(profiled.beyondMillis() > 0 && profiled.beyondMillis() < profiled.stepMillis());
            assertEquals(4 * (8 * 3 * 32 * 32 + 8), profiled.bytesIn(), "images and labels");
            assertTrue(profiled.bytesOut() > 0 && profiled.bytesOut() <= 16, "scalars, but got " + profiled.bytesOut());
        }
        assertEquals(2, accelerator.compiled().size(), "both stages");
        assertEquals(1, accelerator.closed());
    }

    @Test
    void aDeviceWithoutProfilerHasNothingToSay() {
        try (Device device = Device.scalar(1)) {
            assertEquals(Optional.empty(), TINY.profile(device, SHORT));
        }
    }
}
