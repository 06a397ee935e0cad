package dev.normlab.engine.kernel;

import java.util.List;
import java.util.Optional;

/// Finds accelerators; registered with `ServiceLoader`.
public interface AcceleratorProvider {

    /// Why there is no accelerator here, in one sentence that says what to do; empty if there is one.
    Optional<String> obstacle();

    /// The accelerators, one line each; the index of a line is that of [#open].
    List<String> list();

    /// Opens an accelerator.
    ///
    /// @param index as in `gpu:1`, counted from 0
    /// @param math  what computes matrix products
    /// @throws IllegalArgumentException if there is none of this index, or its products are not computed so
    /// @throws IllegalStateException    if there is an [#obstacle()]
    Accelerator open(int index, GpuMath math);
}
