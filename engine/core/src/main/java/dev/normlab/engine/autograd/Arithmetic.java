package dev.normlab.engine.autograd;

import dev.normlab.engine.kernel.AdaptivePoolSizes;
import dev.normlab.engine.kernel.BinaryFunction;
import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.program.Attributes.ClampRange;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.List;
import java.util.Locale;

/// Elementwise arithmetic. Binary operations broadcast as in NumPy and PyTorch: shapes align at the last dimension, sizes of 1 stretch.
public final class Arithmetic {

    private Arithmetic() {}

    /// `a + b`.
    public static Tensor add(Tape tape, Tensor a, Tensor b) {
        return tape.onBackward(binary(tape, BinaryFunction.ADD, a, b), List.of(a, b), (dOut, sink) -> {
            sink.add(a, () -> sumTo(tape, dOut, a.shape()));
            sink.add(b, () -> sumTo(tape, dOut, b.shape()));
        });
    }

    /// `a - b`.
    public static Tensor subtract(Tape tape, Tensor a, Tensor b) {
        return tape.onBackward(binary(tape, BinaryFunction.SUBTRACT, a, b), List.of(a, b), (dOut, sink) -> {
            sink.add(a, () -> sumTo(tape, dOut, a.shape()));
            sink.add(b, () -> sumTo(tape, tape.run(Opcode.SCALE, -1f, dOut.spec(), dOut), b.shape()));
        });
    }

    /// `a · b`. Keeps both.
    public static Tensor multiply(Tape tape, Tensor a, Tensor b) {
        return tape.onBackward(binary(tape, BinaryFunction.MULTIPLY, a, b), List.of(a, b), (dOut, sink) -> {
            sink.add(a, () -> sumTo(tape, binary(tape, BinaryFunction.MULTIPLY, dOut, b), a.shape()));
            sink.add(b, () -> sumTo(tape, binary(tape, BinaryFunction.MULTIPLY, dOut, a), b.shape()));
        });
    }

    /// `a / b`. Keeps b and the output.
    public static Tensor divide(Tape tape, Tensor a, Tensor b) {
        Tensor y = binary(tape, BinaryFunction.DIVIDE, a, b);
        return tape.onBackward(y, List.of(a, b), (dOut, sink) -> {
            Tensor scaled = binary(tape, BinaryFunction.DIVIDE, dOut, b);
            sink.add(a, () -> sumTo(tape, scaled, a.shape()));
            sink.add(b, () -> {
                Tensor product = binary(tape, BinaryFunction.MULTIPLY, scaled, y);
                return sumTo(tape, tape.run(Opcode.SCALE, -1f, product.spec(), product), b.shape());
            });
        });
    }

    /// The smaller of both, elementwise; where they are equal each gets half of the gradient. Keeps both.
    public static Tensor minimum(Tape tape, Tensor a, Tensor b) {
        return extreme(tape, BinaryFunction.MINIMUM, a, b);
    }

    /// The larger of both, elementwise; where they are equal each gets half of the gradient. Keeps both.
    public static Tensor maximum(Tape tape, Tensor a, Tensor b) {
        return extreme(tape, BinaryFunction.MAXIMUM, a, b);
    }

    private static Tensor extreme(Tape tape, BinaryFunction function, Tensor a, Tensor b) {
        boolean largest = function == BinaryFunction.MAXIMUM;
        return tape.onBackward(binary(tape, function, a, b), List.of(a, b), (dOut, sink) -> {
            sink.add(a, () -> sumTo(tape, chosen(tape, dOut, largest ? a : b, largest ? b : a), a.shape()));
            sink.add(b, () -> sumTo(tape, chosen(tape, dOut, largest ? b : a, largest ? a : b), b.shape()));
        });
    }

    /// `dOut · ([upper > lower] + ½ [upper = lower])`.
    private static Tensor chosen(Tape tape, Tensor dOut, Tensor upper, Tensor lower) {
        Tensor equal = binary(tape, BinaryFunction.EQUAL, upper, lower);
        Tensor half = tape.run(Opcode.SCALE, 0.5f, equal.spec(), equal);
        Tensor share = binary(tape, BinaryFunction.ADD, binary(tape, BinaryFunction.GREATER, upper, lower), half);
        return binary(tape, BinaryFunction.MULTIPLY, dOut, share);
    }

    /// 1 where `a > b`, else 0; no gradient flows.
    public static Tensor greater(Tape tape, Tensor a, Tensor b) {
        return binary(tape, BinaryFunction.GREATER, a, b);
    }

    /// 1 where `a >= b`, else 0; no gradient flows.
    public static Tensor greaterOrEqual(Tape tape, Tensor a, Tensor b) {
        return binary(tape, BinaryFunction.GREATER_OR_EQUAL, a, b);
    }

    /// 1 where `a = b`, else 0; no gradient flows.
    public static Tensor equal(Tape tape, Tensor a, Tensor b) {
        return binary(tape, BinaryFunction.EQUAL, a, b);
    }

    /// 1 where two int tensors of one shape agree, else 0.
    ///
    /// @throws ShapeException if the shapes differ or one holds floats
    public static Tensor equalIndices(Tape tape, Tensor a, Tensor b) {
        if (a.dtype() != DType.INT32 || !a.spec().equals(b.spec())) {
            throw new ShapeException("equalIndices: expected two int tensors of one shape, but got " + a + " and " + b);
        }
        return tape.run(Opcode.EQUAL_INDICES, null, TensorSpec.floats(a.shape()), a, b);
    }

    /// `factor · x` with a constant factor.
    public static Tensor scale(Tape tape, Tensor x, float factor) {
        Tensor y = tape.run(Opcode.SCALE, factor, x.spec(), x);
        return tape.onBackward(y, List.of(x), (dOut, sink) -> sink.add(x, () -> tape.run(Opcode.SCALE, factor, x.spec(), dOut)));
    }

    /// `e^x`. Keeps the output.
    public static Tensor exp(Tape tape, Tensor x) {
        return unary(tape, UnaryFunction.EXP, x);
    }

    /// The natural logarithm. Keeps the input.
    public static Tensor log(Tape tape, Tensor x) {
        return unary(tape, UnaryFunction.LOG, x);
    }

    /// The square root. Keeps the output; the derivative at 0 is infinite.
    public static Tensor sqrt(Tape tape, Tensor x) {
        return unary(tape, UnaryFunction.SQRT, x);
    }

    /// `|x|`; the derivative at 0 is 0. Keeps the input.
    public static Tensor abs(Tape tape, Tensor x) {
        return unary(tape, UnaryFunction.ABS, x);
    }

    /// -1, 0 or 1; the gradient is 0.
    public static Tensor sign(Tape tape, Tensor x) {
        return tape.run(Opcode.UNARY, UnaryFunction.SIGN, x.spec(), x);
    }

    /// `x²`. Keeps the input.
    public static Tensor square(Tape tape, Tensor x) {
        return unary(tape, UnaryFunction.SQUARE, x);
    }

    /// `x · ln x`, 0 at 0. Keeps the input.
    public static Tensor xLogX(Tape tape, Tensor x) {
        return unary(tape, UnaryFunction.X_LOG_X, x);
    }

    /// `-x`.
    public static Tensor negate(Tape tape, Tensor x) {
        return scale(tape, x, -1f);
    }

    /// `min(max(x, low), high)`; gradients pass where `low <= x <= high`. Either bound may be infinite. Keeps the input.
    ///
    /// @throws IllegalArgumentException if `low > high` or a bound is NaN
    public static Tensor clamp(Tape tape, Tensor x, float low, float high) {
        if (!(low <= high)) {
            throw new IllegalArgumentException("clamp: expected low <= high, but got low " + low + " and high " + high);
        }
        ClampRange range = new ClampRange(low, high);
        Tensor y = tape.run(Opcode.CLAMP, range, x.spec(), x);
        return tape.onBackward(y, List.of(x), (dOut, sink) -> sink.add(x, () -> tape.run(Opcode.CLAMP_BACKWARD, range, x.spec(), x, dOut)));
    }

    /// `x / max(‖x‖₂, eps)` with the norm taken along one axis. The gradient at a vector shorter than `eps` is that of `x / eps`.
    public static Tensor l2Normalize(Tape tape, Tensor x, int axis, float eps) {
        Tensor squares = Reductions.sum(tape, square(tape, x), true, axis);
        Tensor norm = sqrt(tape, clamp(tape, squares, eps * eps, Float.POSITIVE_INFINITY));
        return divide(tape, x, norm);
    }

    static Tensor unary(Tape tape, UnaryFunction function, Tensor x) {
        Tensor y = tape.run(Opcode.UNARY, function, x.spec(), x);
        return tape.onBackward(y, List.of(x), (dOut, sink) -> sink.add(x,
                () -> tape.run(Opcode.UNARY_BACKWARD, function, x.spec(), function.derivativeFromOutput() ? y : x, dOut)));
    }

    static Tensor binary(Tape tape, BinaryFunction function, Tensor a, Tensor b) {
        Shape out = Shape.broadcast(function.name().toLowerCase(Locale.ROOT), a.shape(), b.shape());
        return tape.run(Opcode.BINARY, new BroadcastSizes(function, a.shape(), b.shape(), out), TensorSpec.floats(out), a, b);
    }

    /// Sums a gradient over the dimensions in which an operand of this shape was stretched.
    static Tensor sumTo(Tape tape, Tensor gradient, Shape shape) {
        Shape from = gradient.shape();
        if (from.equals(shape)) {
            return gradient;
        }
        if (from.rank() == 4 && shape.rank() == 4 && from.size(1) == shape.size(1) && shape.size(2) == 1 && shape.size(3) == 1) {
            return sumImages(tape, gradient, shape);
        }
        int missing = from.rank() - shape.rank();
        int[] kept = new int[from.rank()];
        for (int d = 0; d < kept.length; d++) {
            kept[d] = d < missing || shape.size(d - missing) == 1 ? 1 : from.size(d);
        }
        if (Shape.of(kept).equals(from)) {
            return tape.run(Opcode.RESHAPE, null, TensorSpec.floats(shape), gradient);
        }
        return Reductions.reduce(tape, gradient, Shape.of(kept), shape, false);
    }

    /// To `[n, c, 1, 1]` or `[1, c, 1, 1]` in the layout of activations, so that nothing is repacked.
    private static Tensor sumImages(Tape tape, Tensor gradient, Shape shape) {
        Shape from = gradient.shape();
        if (shape.size(0) != from.size(0)) {
            Tensor sums = tape.run(Opcode.CHANNEL_SUM, null, TensorSpec.floats(from.size(1)), gradient);
            return tape.run(Opcode.RESHAPE, null, TensorSpec.floats(shape), sums);
        }
        int pixels = from.size(2) * from.size(3);
        AdaptivePoolSizes sizes = new AdaptivePoolSizes(from.size(0), from.size(1), from.size(2), from.size(3), 1, 1);
        Tensor means = tape.run(Opcode.ADAPTIVE_AVERAGE_POOL, sizes, TensorSpec.floats(shape), gradient);
        return tape.run(Opcode.SCALE, (float) pixels, means.spec(), means);
    }
}
