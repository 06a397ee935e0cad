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

    /// What the backend makes of this machine, in one line for `devices`.
    String describe();
}
