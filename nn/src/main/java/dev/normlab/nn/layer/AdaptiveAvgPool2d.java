package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Pooling;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;

/// Means over a grid of windows that cover the image, as in PyTorch: a given output size for every input size.
///
/// Shapes: `[n, c, h, w]` to `[n, c, oh, ow]`.
public final class AdaptiveAvgPool2d extends Layer {

    private final int oh;
    private final int ow;

    /// With this output size; 1 and 1 is the global average.
    public AdaptiveAvgPool2d(int oh, int ow) {
        this.oh = oh;
        this.ow = ow;
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        return Pooling.adaptiveAveragePool2d(tape, x, oh, ow);
    }
}
