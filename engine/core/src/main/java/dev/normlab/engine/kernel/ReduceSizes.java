package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Shape;

/// A sum or mean over some axes of `in`.
///
/// @param kept the shape of the result with every reduced axis kept as size 1
/// @param out  the shape of the result as asked for: `kept`, or `kept` without the reduced axes
/// @param mean whether the sum is divided by the number of summed elements
public record ReduceSizes(Shape in, Shape kept, Shape out, boolean mean) {}
