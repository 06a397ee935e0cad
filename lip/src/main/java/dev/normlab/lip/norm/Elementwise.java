package dev.normlab.lip.norm;

import dev.normlab.engine.kernel.BinaryFunction;
import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;

/// Arithmetic of training hooks, without gradients.
final class Elementwise {

    private Elementwise() {}

    /// `f(a, b)` with broadcasting.
    static Tensor binary(Executor executor, BinaryFunction function, Tensor a, Tensor b) {
        Shape out = Shape.broadcast("training hook", a.shape(), b.shape());
        return executor.run(Opcode.BINARY, new BroadcastSizes(function, a.shape(), b.shape(), out), TensorSpec.floats(out), a, b);
    }

    /// `sqrt(var + eps)` `[c]`: what batch norm divides by.
    static Tensor deviation(Executor executor, Tensor var, Tensor eps) {
        Tensor shifted = binary(executor, BinaryFunction.ADD, var, eps);
        return executor.run(Opcode.UNARY, UnaryFunction.SQRT, shifted.spec(), shifted);
    }
}
