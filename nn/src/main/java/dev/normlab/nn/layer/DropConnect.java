package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;

/// In training sets every image `x[i]` of `[n, c, h, w]` to zero as a whole with probability `p` and divides the others by `1 - p`, which
/// skips a residual block for some images (stochastic depth, Huang et al. 2016; EfficientNet calls it drop connect); in evaluation passes
/// its input on. When a mask changes is said by [RandomMask].
public final class DropConnect extends RandomMask {

    /// A layer that drops with probability `p`.
    ///
    /// @throws IllegalArgumentException unless `0 <= p < 1`
    public DropConnect(float p) {
        super(p, "drop connect");
    }

    @Override
    Tensor masked(Tape tape, Tensor x, float probability, Tensor counterOfUse) {
        return dev.normlab.engine.autograd.Dropout.dropConnect(tape, x, probability, counterOfUse);
    }
}
