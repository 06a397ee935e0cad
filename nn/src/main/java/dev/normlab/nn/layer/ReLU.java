package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Activations;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;

/// The rectifier `max(x, 0)` of every element; its derivative at 0 is 0.
public final class ReLU extends Layer {

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        return Activations.relu(tape, x);
    }
}
