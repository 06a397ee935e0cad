package dev.normlab.engine.autograd;

import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.kernel.ReduceSizes;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Matrix products.
public final class Matrices {

    private Matrices() {}

    /// A linear layer, `y = x · weightᵀ + bias`.
    ///
    /// Shapes: x `[.., in]`, weight `[out, in]`, bias `[out]` or absent; y `[.., out]`. Keeps x and weight.
    ///
    /// @throws ShapeException if sizes do not match
    public static Tensor linear(Tape tape, Tensor x, Tensor weight, @Nullable Tensor bias) {
        Shape shape = x.shape();
        if (weight.shape().rank() != 2 || shape.rank() < 1 || shape.size(-1) != weight.shape().size(1)) {
            throw new ShapeException(
                    "linear: expected input [.., in] to match weight [out, in], but got input " + shape + " and weight " + weight.shape()
                            + (shape.rank() == 4 ? ". Flatten images first." : ""));
        }
        int in = weight.shape().size(1);
        int out = weight.shape().size(0);
        if (bias != null && !bias.shape().equals(Shape.of(out))) {
            throw new ShapeException("linear: expected bias [out=" + out + "], but got " + bias.shape());
        }
        int m = shape.elements() / Math.max(in, 1);
        GemmSizes forward = new GemmSizes(m, out, in, false, true);
        Tensor y = tape.run(Opcode.GEMM, forward, TensorSpec.floats(shape.with(-1, out)), x, weight, bias);
        return tape.onBackward(y, Arrays.asList(x, weight, bias), (dOut, sink) -> {
            sink.add(x, () -> tape.run(Opcode.GEMM, new GemmSizes(m, in, out, false, false), x.spec(), dOut, weight, null));
            sink.add(weight, () -> tape.run(Opcode.GEMM, new GemmSizes(out, in, m, true, false), weight.spec(), dOut, x, null));
            sink.add(bias, () -> {
                Shape rows = Shape.of(m, out);
                Tensor flat = dOut.shape().rank() == 2 ? dOut : tape.run(Opcode.RESHAPE, null, TensorSpec.floats(rows), dOut);
                return tape.run(Opcode.REDUCE, new ReduceSizes(rows, Shape.of(1, out), Shape.of(out), false), TensorSpec.floats(out), flat);
            });
        });
    }

    /// The product of two matrices, `a[m, k] · b[k, n]`. Keeps both.
    ///
    /// @throws ShapeException if they are not matrices or the inner sizes differ
    public static Tensor matmul(Tape tape, Tensor a, Tensor b) {
        if (a.shape().rank() != 2 || b.shape().rank() != 2 || a.shape().size(1) != b.shape().size(0)) {
            throw new ShapeException("matmul: expected a [m, k] and b [k, n], but got a " + a.shape() + " and b " + b.shape());
        }
        int m = a.shape().size(0);
        int k = a.shape().size(1);
        int n = b.shape().size(1);
        Tensor y = tape.run(Opcode.GEMM, new GemmSizes(m, n, k, false, false), TensorSpec.floats(m, n), a, b, null);
        return tape.onBackward(y, List.of(a, b), (dOut, sink) -> {
            sink.add(a, () -> tape.run(Opcode.GEMM, new GemmSizes(m, k, n, false, true), a.spec(), dOut, b, null));
            sink.add(b, () -> tape.run(Opcode.GEMM, new GemmSizes(k, n, m, true, false), b.spec(), a, dOut, null));
        });
    }
}
