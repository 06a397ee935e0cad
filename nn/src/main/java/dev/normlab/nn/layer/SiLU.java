package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Activations;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;

/// The function `x / (1 + e^-x)` of every element, also called swish.
public final class SiLU extends Layer {

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        return Activations.silu(tape, x);
    }
}
