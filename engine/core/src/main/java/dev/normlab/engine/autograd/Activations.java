package dev.normlab.engine.autograd;

import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.tensor.Tensor;

/// Activation functions, elementwise on any shape.
public final class Activations {

    private Activations() {}

    /// `max(0, x)`; the derivative at 0 is 0. Keeps the output.
    public static Tensor relu(Tape tape, Tensor x) {
        return Arithmetic.unary(tape, UnaryFunction.RELU, x);
    }

    /// `1 / (1 + e^-x)`. Keeps the output.
    public static Tensor sigmoid(Tape tape, Tensor x) {
        return Arithmetic.unary(tape, UnaryFunction.SIGMOID, x);
    }

    /// `x · sigmoid(x)`, also called swish. Keeps the input.
    public static Tensor silu(Tape tape, Tensor x) {
        return Arithmetic.unary(tape, UnaryFunction.SILU, x);
    }
}
