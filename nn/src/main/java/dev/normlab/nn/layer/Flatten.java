package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;

/// Makes one vector of every example: `[n, ..]` to `[n, product of the rest]`.
public final class Flatten extends Layer {

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        return Arrangement.flatten(tape, x);
    }
}
