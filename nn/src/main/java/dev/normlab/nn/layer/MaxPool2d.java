package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Pool2dGeometry;
import dev.normlab.engine.autograd.Pooling;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;

/// The largest value of every window; on ties the gradient goes to the first one in row-major order.
///
/// Shapes: `[n, c, h, w]` to `[n, c, oh, ow]`; the windows are those of [Pool2dGeometry].
public final class MaxPool2d extends Layer {

    private final Pool2dGeometry geometry;

    /// Square windows without padding.
    public MaxPool2d(int kernel, int stride) {
        this(Pool2dGeometry.of(kernel, stride, 0));
    }

    /// Windows of any geometry.
    public MaxPool2d(Pool2dGeometry geometry) {
        this.geometry = geometry;
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        return Pooling.maxPool2d(tape, x, geometry);
    }

    /// The windows.
    public Pool2dGeometry geometry() {
        return geometry;
    }
}
