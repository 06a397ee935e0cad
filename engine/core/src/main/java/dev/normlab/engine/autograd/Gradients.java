package dev.normlab.engine.autograd;

import dev.normlab.engine.tensor.Tensor;
import java.util.Map;
import java.util.Optional;

/// The gradients of some tensors: what one backward pass found for the tensors its tape watches.
public final class Gradients {

    private final Map<Tensor, Tensor> byTensor;

    /// Gradients that are known from elsewhere, such as those that one program computed and another one uses.
    ///
    /// @param byTensor the gradient of every watched tensor, which are told apart by identity
    public Gradients(Map<Tensor, Tensor> byTensor) {
        this.byTensor = byTensor;
    }

    /// The gradient of a watched tensor, of the same shape.
    ///
    /// @throws IllegalArgumentException if the tape does not watch the tensor or the result does not depend on it
    public Tensor of(Tensor watched) {
        Tensor gradient = byTensor.get(watched);
        if (gradient == null) {
            throw new IllegalArgumentException("there is no gradient for " + watched
                    + ": the tape does not watch it, or the loss does not depend on it; pass it to the tape when you open it");
        }
        return gradient;
    }

    /// The gradient of a watched tensor if the result depends on it.
    public Optional<Tensor> find(Tensor watched) {
        return Optional.ofNullable(byTensor.get(watched));
    }
}
