package dev.normlab.engine.kernel;

import java.util.Optional;

/// A backend that can be found with `ServiceLoader`.
public interface KernelsProvider {

    /// The name by which the backend is chosen: `scalar`, `vector`.
    String name();

    /// Why the backend cannot run here, in one sentence that says what to do; empty if it can.
    Optional<String> obstacle();

    /// The kernels.
    ///
    /// @throws IllegalStateException if there is an [#obstacle()]
    Kernels create();

    /// The kernels with this mode of convolutions.
    ///
    /// @throws IllegalStateException    if there is an [#obstacle()]
    /// @throws IllegalArgumentException if the backend has no such mode
    default Kernels create(ConvolutionMode mode) {
        if (mode != ConvolutionMode.EXACT) {
            throw new IllegalArgumentException("the device '" + name() + "' has only exact convolutions, but the mode is " + mode);
        }
        return create();
    }

    /// What the backend makes of this machine, in one line for `devices`.
    String describe();
}
