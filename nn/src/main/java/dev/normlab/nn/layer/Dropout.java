package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;

/// In training sets every element to zero with probability `p` and divides the others by `1 - p` (Srivastava et al. 2014); in evaluation
/// passes its input on. When a mask changes is said by [RandomMask].
public final class Dropout extends RandomMask {

    /// A layer that drops values with probability `p`.
    ///
    /// @throws IllegalArgumentException unless `0 <= p < 1`
    public Dropout(float p) {
        super(p, "dropout");
    }

    @Override
    Tensor masked(Tape tape, Tensor x, float probability, Tensor counterOfUse) {
        return dev.normlab.engine.autograd.Dropout.dropout(tape, x, probability, counterOfUse);
    }
}
