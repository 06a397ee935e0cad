package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Shape;

/// A tensor seen as `[outer, axis, inner]` around one axis: what softmax, arg max, top-k, gather, slice and concatenation work on.
public record AxisSizes(int outer, int axis, int inner) {

    /// The view of a shape around one of its axes.
    public static AxisSizes of(Shape shape, int axis) {
        int outer = 1;
        int inner = 1;
        for (int d = 0; d < shape.rank(); d++) {
            if (d < axis) {
                outer *= shape.size(d);
            } else if (d > axis) {
                inner *= shape.size(d);
            }
        }
        return new AxisSizes(outer, shape.size(axis), inner);
    }
}
