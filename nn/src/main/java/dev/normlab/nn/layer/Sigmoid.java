package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Activations;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;

/// The logistic function `1 / (1 + e^-x)` of every element.
public final class Sigmoid extends Layer {

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        return Activations.sigmoid(tape, x);
    }
}
