package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import java.util.List;

/// Layers one after the other, named `0`, `1`, `2`, .. as in PyTorch. Without layers it passes its input on.
public final class Sequential extends Layer {

    /// These layers, in this order.
    public Sequential(Layer... layers) {
        this(List.of(layers));
    }

    /// These layers, in this order.
    public Sequential(List<? extends Layer> layers) {
        for (int i = 0; i < layers.size(); i++) {
            child(Integer.toString(i), layers.get(i));
        }
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = x;
        for (Layer layer : children().values()) {
            y = layer.forward(tape, y);
        }
        return y;
    }
}
