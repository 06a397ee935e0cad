package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.GpuMath;

/// The GPU of the tests: the first device of TornadoVM.
final class Gpu {

    private Gpu() {}

    /// The device, or a skipped test that says what is missing.
    static Device open() {
        String obstacle = new TornadoProvider().obstacle().orElse("");
        assumeTrue(obstacle.isEmpty(), "skipped: " + obstacle);
        return Device.accelerated(new TornadoProvider().open(0, GpuMath.OWN), 2);
    }
}
