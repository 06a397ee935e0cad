package dev.normlab.nn.layer;

import dev.normlab.engine.tensor.Tensor;

/// Sees every layer's input and output during a forward pass, inner layers before the containers they are in.
@FunctionalInterface
public interface ForwardObserver {

    /// Called when a layer's forward pass has ended. While a program is recorded the tensors have shapes but no values.
    void afterForward(Layer layer, Tensor input, Tensor output);
}
