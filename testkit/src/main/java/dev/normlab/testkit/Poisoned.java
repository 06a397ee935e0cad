package dev.normlab.testkit;

import dev.normlab.engine.kernel.Accelerator;
import dev.normlab.engine.kernel.Device;
import java.util.function.Supplier;

/// Runs checks in memory that is full of NaN, so that nothing passes because memory happens to be zero. (The pool of a CPU device poisons
/// or does not from its beginning.)
final class Poisoned {

    private Poisoned() {}

    /// What a check gives while programs on the accelerator of the device, if it has one, take poisoned memory.
    static <R> R during(Device device, Supplier<R> check) {
        Accelerator accelerator = device.accelerator();
        if (accelerator == null) {
            return check.get();
        }
        accelerator.poison(true);
        try {
            return check.get();
        } finally {
            accelerator.poison(false);
        }
    }
}
