package dev.normlab.testkit;

import dev.normlab.engine.kernel.BinaryFunction;
import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.RandomFill;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.program.Attributes.ClampRange;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;

/// Elementwise functions at awkward sizes and special values.
public final class ElementwiseCases {

    private static final int[][] SHAPES = {{}, {1}, {17}, {3, 5}, {1000}, {2, 10, 7, 9}, {1, 152, 1, 1}, {0, 3, 2, 2}, {5, 16, 2, 2},
        {2, 33, 3, 1}, {1, 3, 1, 2},
        {70_001}, {3, 33, 40, 20}};

    private static final float[] SPECIAL = {0f, -0f, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 1f, -1f, 1e-40f, -1e-40f,
        Float.MIN_VALUE,
        Float.MIN_NORMAL, 3e38f, -3e38f, 88.5f, 89f, -87.5f, -104f, 0.5f, 2f, -1e-8f, 1e-8f, 20f, -20f};

    private ElementwiseCases() {}

    /// All elementwise kernels.
    public static List<OperationCase> all() {
        List<OperationCase> cases = new ArrayList<>();
        for (UnaryFunction function : UnaryFunction.values()) {
            cases.addAll(unary(function));
        }
        for (BinaryFunction function : BinaryFunction.values()) {
            cases.addAll(binary(function));
        }
        for (int[] sizes : SHAPES) {
            cases.addAll(clamps(Samples.uniform(5, sizes)));
            cases.add(scale(Samples.uniform(6, sizes), -1.7f));
            cases.add(addRelu(Samples.uniform(7, sizes), Samples.uniform(8, sizes)));
        }
        cases.addAll(clamps(Samples.repeated(67, 0f, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0.5f, -0.25f, 0.6f)));
        cases.add(scale(Samples.repeated(67, SPECIAL), 0f));
        cases.add(addRelu(Samples.repeated(67, SPECIAL), Samples.repeated(67, 0f, 1f, -1f)));
        // whatever the factor, the lanes of channels that do not exist stay zero
        for (float factor : new float[] {Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NaN, 0f}) {
            Tensor x = Samples.uniform(9, 2, 10, 3, 4);
            cases.add(scale(x, factor));
            for (BinaryFunction function : BinaryFunction.values()) {
                cases.add(binary("by " + factor + " ", function, x, Tensor.scalar(factor)));
                cases.add(binary(factor + " by ", function, Tensor.full(factor, 1, 1, 1, 1), x));
                cases.add(binary("channels by " + factor + " ", function, x, Tensor.full(factor, 2, 10, 1, 1)));
            }
        }
        cases.addAll(broadcasts());
        for (int count : new int[] {0, 1, 33}) {
            cases.add(equalIndices(count));
        }
        cases.addAll(randoms());
        return cases;
    }

    private static OperationCase addRelu(Tensor a, Tensor b) {
        float[] as = a.toArray();
        float[] bs = b.toArray();
        return OperationCase.of(a.shape().toString(), Opcode.ADD_RELU, null, a.spec(),
                () -> Expected.exactly(as.length, i -> Math.max(0f, as[i] + bs[i])), a, b);
    }

    private static List<OperationCase> unary(UnaryFunction f) {
        List<OperationCase> cases = new ArrayList<>();
        boolean positive = f == UnaryFunction.LOG || f == UnaryFunction.SQRT || f == UnaryFunction.X_LOG_X;
        for (int[] sizes : SHAPES) {
            Tensor x = positive ? Samples.uniform(1, 0.01f, 3f, sizes) : Samples.uniform(1, -3f, 3f, sizes);
            cases.addAll(unary("", f, x));
        }
        cases.addAll(unary("wide range ", f, positive ? Samples.uniform(2, 0f, 1e6f, 333) : Samples.uniform(2, -100f, 100f, 333)));
        float[] special = SPECIAL.clone();
        if (f == UnaryFunction.SILU) {
            special[4] = -50f;
        }
        cases.add(forward("special values ", f, Samples.repeated(69, special)));
        return cases;
    }

    private static List<OperationCase> unary(String what, UnaryFunction f, Tensor x) {
        Tensor dOut = Samples.uniform(3, x.shape().toArray());
        float[] xs = x.toArray();
        float[] ds = dOut.toArray();
        float[] ys = new float[xs.length];
        for (int i = 0; i < ys.length; i++) {
            ys[i] = (float) value(f, xs[i]);
        }
        Tensor operand = f.derivativeFromOutput() ? Tensor.of(x.shape(), ys) : x;
        double[] slopes = Expected.fill(xs.length, i -> derivative(f, f.derivativeFromOutput() ? ys[i] : xs[i]));
        double[] dx = Expected.fill(xs.length, i -> slopes[i] * ds[i]);
        double[] tolerances = Expected.fill(xs.length,
                i -> 8 * Expected.ROUNDING * Math.abs(ds[i]) * Math.max(Math.abs(slopes[i]), slack(f, xs[i])));
        return List.of(forward(what, f, x), OperationCase.of(what + f + x.shape(), Opcode.UNARY_BACKWARD, f, x.spec(),
                () -> isExact(f) && f != UnaryFunction.SQRT
                        ? Expected.exactly(xs.length, i -> (float) dx[i])
                        : new Expected(dx, tolerances),
                operand, dOut));
    }

    /// Absolute error of a derivative, in roundings, beside its relative one: sums of terms of this size cancel.
    private static double slack(UnaryFunction f, float x) {
        return switch (f) {
            case SILU -> 1 + Math.abs(x) * Math.exp(-Math.abs(x));
            case X_LOG_X -> 1 + Math.abs(Math.log(x));
            default -> 0;
        };
    }

    private static OperationCase forward(String what, UnaryFunction f, Tensor x) {
        float[] xs = x.toArray();
        return OperationCase.of(what + f + x.shape(), Opcode.UNARY, f, x.spec(), () -> {
            double[] y = Expected.fill(xs.length, i -> value(f, xs[i]));
            double tiny = f == UnaryFunction.LOG || f == UnaryFunction.X_LOG_X ? 1e-3 : Float.MIN_NORMAL * 0x1p24;
            return isExact(f) ? Expected.exactly(y.length, i -> (float) y[i]) : Expected.rounded(6, tiny, y);
        }, x);
    }

    private static boolean isExact(UnaryFunction f) {
        return switch (f) {
            case RELU, ABS, SIGN, NEGATE, SQUARE, SQRT -> true;
            case SIGMOID, SILU, EXP, LOG, X_LOG_X -> false;
        };
    }

    private static double value(UnaryFunction f, double x) {
        return switch (f) {
            case RELU -> Math.max(0, x);
            case SIGMOID -> 1 / (1 + Math.exp(-x));
            case SILU -> x / (1 + Math.exp(-x));
            case EXP -> overflow(Math.exp(x));
            case LOG -> Math.log(x);
            case SQRT -> Math.sqrt(x);
            case ABS -> Math.abs(x);
            case SIGN -> Math.signum(x);
            case NEGATE -> -x;
            case SQUARE -> overflow(x * x);
            case X_LOG_X -> x == 0 ? 0 : overflow(x * Math.log(x));
        };
    }

    private static double overflow(double value) {
        return Float.isInfinite((float) value) ? (float) value : value;
    }

    /// The derivative, from the output for functions that say so.
    private static double derivative(UnaryFunction f, double v) {
        return switch (f) {
            case RELU -> v > 0 ? 1 : 0;
            case SIGMOID -> v * (1 - v);
            case SILU -> (1 + v * (1 - 1 / (1 + Math.exp(-v)))) / (1 + Math.exp(-v));
            case EXP -> v;
            case LOG -> 1 / v;
            case SQRT -> 0.5 / v;
            case ABS -> Math.signum(v);
            case SIGN -> 0;
            case NEGATE -> -1;
            case SQUARE -> 2 * v;
            case X_LOG_X -> v == 0 ? 0 : Math.log(v) + 1;
        };
    }

    private static List<OperationCase> binary(BinaryFunction f) {
        int[][][] shapes = {{{}, {}}, {{17}, {17}}, {{3, 5}, {5}}, {{2, 10, 4, 4}, {2, 10, 4, 4}}, {{2, 10, 4, 4}, {1, 10, 1, 1}},
            {{2, 17, 3, 5}, {2, 17, 1, 1}},
            {{2, 16, 3, 5}, {1, 16, 3, 5}}, {{2, 17, 3, 3}, {2, 1, 3, 3}}, {{2, 1, 3, 3}, {1, 5, 1, 1}}, {{2, 33, 2, 2}, {1}},
            {{1}, {2, 33, 2, 2}},
            {{3, 1, 5}, {4, 1}}, {{1, 10, 1, 1}, {2, 10, 7, 9}}, {{2, 24, 4, 1}, {2, 24, 1, 6}}, {{2, 10, 3, 4}, {4}},
            {{2, 10, 3, 4}, {3, 1}},
            {{2, 10, 1, 1}, {}}, {{0, 10, 2, 2}, {1, 10, 1, 1}}, {{5, 152, 1, 1}, {5, 152, 1, 1}}, {{1, 1, 1, 1}, {2, 17, 2, 2}},
            {{40, 30}, {40, 1}}, {{70_001}, {70_001}},
            {{3, 33, 40, 20}, {1, 33, 1, 1}}, {{3, 33, 40, 20}, {3, 33, 1, 1}}, {{3, 33, 40, 20}, {3, 33, 40, 20}}, {{3, 33, 40, 20}, {1}}};
        List<OperationCase> cases = new ArrayList<>();
        for (int[][] pair : shapes) {
            boolean comparison = f == BinaryFunction.EQUAL || f == BinaryFunction.GREATER_OR_EQUAL || f == BinaryFunction.GREATER;
            Tensor a = comparison ? Samples.whole(1, 3, pair[0]) : Samples.uniform(1, pair[0]);
            Tensor b = comparison ? Samples.whole(2, 3, pair[1]) : Samples.uniform(2, pair[1]);
            cases.add(binary("", f, a, b));
        }
        Tensor special = Samples.repeated(23 * 23, SPECIAL);
        float[] other = new float[23 * 23];
        for (int i = 0; i < other.length; i++) {
            other[i] = SPECIAL[i / 23];
        }
        cases.add(binary("special values ", f, special, Tensor.of(special.shape(), other)));
        return cases;
    }

    private static OperationCase binary(String what, BinaryFunction f, Tensor a, Tensor b) {
        Shape out = Shape.broadcast("test", a.shape(), b.shape());
        float[] as = a.toArray();
        float[] bs = b.toArray();
        return OperationCase.of(what + f + " " + a.shape() + " " + b.shape(), Opcode.BINARY,
                new BroadcastSizes(f, a.shape(), b.shape(), out),
                TensorSpec.floats(out),
                () -> Expected.exactly(out.elements(), i -> value(f, as[source(i, out, a.shape())], bs[source(i, out, b.shape())])), a,
                b);
    }

    private static float value(BinaryFunction f, float a, float b) {
        return switch (f) {
            case ADD -> a + b;
            case SUBTRACT -> a - b;
            case MULTIPLY -> a * b;
            case DIVIDE -> a / b;
            case MINIMUM -> Math.min(a, b);
            case MAXIMUM -> Math.max(a, b);
            case GREATER -> a > b ? 1 : 0;
            case GREATER_OR_EQUAL -> a >= b ? 1 : 0;
            case EQUAL -> a == b ? 1 : 0;
        };
    }

    /// The row-major index in a stretched operand of element `index` of the output.
    static int source(int index, Shape out, Shape operand) {
        int source = 0;
        int stride = 1;
        int rest = index;
        for (int d = 1; d <= out.rank(); d++) {
            int position = rest % out.size(-d);
            rest /= out.size(-d);
            if (d <= operand.rank()) {
                source += operand.size(-d) == 1 ? 0 : position * stride;
                stride *= operand.size(-d);
            }
        }
        return source;
    }

    private static List<OperationCase> clamps(Tensor x) {
        float[] xs = x.toArray();
        Tensor dOut = Samples.uniform(8, x.shape().toArray());
        float[] ds = dOut.toArray();
        List<OperationCase> cases = new ArrayList<>();
        for (ClampRange range : List.of(new ClampRange(-0.25f, 0.5f), new ClampRange(0f, Float.POSITIVE_INFINITY),
                new ClampRange(Float.NEGATIVE_INFINITY, 0.1f))) {
            String name = range + " " + x.shape();
            cases.add(OperationCase.of(name, Opcode.CLAMP, range, x.spec(),
                    () -> Expected.exactly(xs.length, i -> Math.min(Math.max(xs[i], range.low()), range.high())), x));
            cases.add(OperationCase.of(name, Opcode.CLAMP_BACKWARD, range, x.spec(),
                    () -> Expected.exactly(xs.length, i -> xs[i] >= range.low() && xs[i] <= range.high() ? ds[i] : 0), x, dOut));
        }
        return cases;
    }

    private static OperationCase scale(Tensor x, float factor) {
        float[] xs = x.toArray();
        return OperationCase.of(factor + " " + x.shape(), Opcode.SCALE, factor, x.spec(),
                () -> Expected.exactly(xs.length, i -> factor * xs[i]), x);
    }

    private static OperationCase equalIndices(int count) {
        Tensor a = Samples.integers(1, 3, count);
        Tensor b = Samples.integers(2, 3, count);
        return OperationCase.of(a.shape().toString(), Opcode.EQUAL_INDICES, null, TensorSpec.floats(count),
                () -> Expected.exactly(count, i -> a.toIntArray()[i] == b.toIntArray()[i] ? 1 : 0), a, b);
    }

    private static List<OperationCase> broadcasts() {
        int[][][] shapes = {{{}, {3}}, {{1}, {2, 17}}, {{5}, {4, 5}}, {{3, 1, 5}, {3, 4, 5}}, {{2, 10, 1, 1}, {2, 10, 3, 3}},
            {{1, 1, 1, 1}, {2, 3, 4, 5}},
            {{2, 1, 4, 1}, {2, 17, 4, 3}}, {{0, 1}, {0, 5}}, {{7, 9}, {7, 9}}, {{1, 16, 1, 1}, {3, 16, 2, 2}}, {{1}, {70_001}}};
        List<OperationCase> cases = new ArrayList<>();
        for (int[][] pair : shapes) {
            Tensor x = Samples.uniform(9, pair[0]);
            float[] xs = x.toArray();
            Shape out = Shape.of(pair[1]);
            cases.add(OperationCase.of(x.shape() + " to " + out, Opcode.BROADCAST, out, TensorSpec.floats(out),
                    () -> Expected.exactly(out.elements(), i -> xs[source(i, out, x.shape())]), x));
        }
        return cases;
    }

    /// Random fills are bitwise those of [RandomStream], whose position counts words where the kernel's counts blocks of four.
    private static List<OperationCase> randoms() {
        List<OperationCase> cases = new ArrayList<>();
        int[][] counters = {{1, 2, 3, 0}, {-5, 77, 1, 8}, {0, 0, 0, 3}, {123456789, -1, 1000, 40}};
        int[][] shapes = {{1}, {17}, {4, 33}, {2, 10, 3, 3}, {0}, {40_003}};
        for (int[] counter : counters) {
            for (int[] sizes : shapes) {
                Shape shape = Shape.of(sizes);
                Tensor state = Tensor.ofInts(Shape.of(4), counter);
                for (RandomFill.Kind kind : RandomFill.Kind.values()) {
                    RandomFill fill = new RandomFill(kind, 0.7f);
                    cases.add(OperationCase.of(kind + " " + shape + " from position " + counter[3], Opcode.RANDOM, fill,
                            TensorSpec.floats(shape),
                            () -> random(fill, counter, shape.elements()), state));
                }
            }
        }
        return cases;
    }

    private static Expected random(RandomFill fill, int[] counter, int count) {
        long key = Integer.toUnsignedLong(counter[0]) | (long) counter[1] << 32;
        RandomStream stream = RandomStream
                .at(new RandomStream.State(key, Integer.toUnsignedLong(counter[2]), 4 * Integer.toUnsignedLong(counter[3])));
        float[] values = new float[count];
        switch (fill.kind()) {
            case UNIFORM -> stream.fillUniform(values, -1f, 1f);
            case NORMAL -> stream.fillNormal(values, 0f, 1f);
            case KEEP -> {
                for (int i = 0; i < count; i++) {
                    values[i] = stream.nextFloat() < fill.keepProbability() ? 1 / fill.keepProbability() : 0;
                }
            }
        }
        return Expected.exactly(count, i -> values[i]);
    }
}
