package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Shape;

/// Shapes of a broadcasting elementwise operation: `a` and `b` align with `out` at the last dimension, sizes of 1 (and missing dimensions)
/// stretch.
public record BroadcastSizes(BinaryFunction function, Shape a, Shape b, Shape out) {}
