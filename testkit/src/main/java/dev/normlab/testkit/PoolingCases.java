package dev.normlab.testkit;

import dev.normlab.engine.kernel.AdaptivePoolSizes;
import dev.normlab.engine.kernel.Pool2dSizes;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Pooling at awkward sizes, with references that follow the definitions.
public final class PoolingCases {

    private PoolingCases() {}

    private static Pool2dSizes sizes(int n, int c, int h, int w, int[] kernel, int[] stride, int[] pad, int dilation, boolean ceil,
            boolean countPad,
            int divisor) {
        return new Pool2dSizes(n, c, h, w, kernel[0], kernel[1], stride[0], stride[1], pad[0], pad[1], dilation, dilation,
                windows(h, kernel[0], stride[0], pad[0], dilation, ceil), windows(w, kernel[1], stride[1], pad[1], dilation, ceil),
                countPad, divisor);
    }

    /// How many windows fit; in ceil mode one that starts inside the image or its left padding may hang over the right edge.
    private static int windows(int size, int kernel, int stride, int pad, int dilation, boolean ceil) {
        int count = 0;
        for (int start = -pad;; start += stride, count++) {
            int last = start + dilation * (kernel - 1);
            boolean fits = last < size + pad;
            boolean hangsOver = ceil && start < size && last - (size + pad - 1) < stride;
            if (!fits && !hangsOver) {
                return count;
            }
        }
    }

    private static int[] both(int value) {
        return new int[] {value, value};
    }

    private static List<Pool2dSizes> windows() {
        List<Pool2dSizes> sizes = new ArrayList<>();
        for (int c : new int[] {1, 3, 5, 10, 16, 17, 24, 33, 56, 152}) {
            sizes.add(sizes(2, c, 4, 6, both(2), both(2), both(0), 1, false, true, 0));
            sizes.add(sizes(1, c, 7, 9, both(3), both(2), both(1), 1, false, true, 0));
        }
        sizes.add(sizes(1, 16, 32, 32, both(2), both(2), both(0), 1, false, true, 0));
        sizes.add(sizes(4, 40, 32, 32, both(2), both(2), both(0), 1, false, true, 0));
        sizes.add(sizes(20, 24, 16, 16, both(3), both(2), both(1), 1, false, true, 0));
        sizes.add(sizes(0, 10, 4, 4, both(2), both(2), both(0), 1, false, true, 0));
        sizes.add(sizes(5, 10, 1, 1, both(1), both(1), both(0), 1, false, true, 0));
        sizes.add(sizes(1, 17, 2, 2, both(2), both(2), both(0), 1, false, true, 0));
        sizes.add(sizes(2, 10, 7, 8, both(2), both(2), both(0), 1, true, true, 0));
        sizes.add(sizes(2, 10, 8, 8, both(3), both(2), both(1), 1, true, true, 0));
        sizes.add(sizes(2, 10, 8, 8, both(3), both(2), both(1), 1, true, false, 0));
        sizes.add(sizes(2, 24, 5, 5, both(3), both(3), both(1), 1, true, false, 0));
        sizes.add(sizes(1, 3, 7, 9, new int[] {3, 2}, new int[] {1, 2}, new int[] {1, 0}, 1, false, false, 0));
        sizes.add(sizes(1, 17, 6, 6, new int[] {2, 3}, new int[] {2, 3}, both(0), 1, false, true, 5));
        sizes.add(sizes(2, 17, 6, 6, both(4), both(1), both(2), 1, false, true, 0));
        sizes.add(sizes(2, 10, 3, 3, both(2), both(3), both(1), 1, false, false, 0));
        return sizes;
    }

    /// Max, average and adaptive average pooling, forward and backward.
    public static List<OperationCase> all() {
        List<OperationCase> cases = new ArrayList<>();
        long seed = 1;
        List<Pool2dSizes> dilated = List.of(sizes(1, 10, 9, 9, both(2), both(1), both(0), 2, false, true, 0),
                sizes(2, 17, 9, 10, both(3), both(2), both(1), 2, true, true, 0),
                sizes(2, 10, 1, 2, both(2), both(1), both(1), 2, false, true, 0));
        for (Pool2dSizes s : windows()) {
            cases.addAll(maximum("", s, Samples.uniform(seed, s.inputShape().toArray()), seed));
            cases.addAll(average(s, seed++));
        }
        for (Pool2dSizes s : dilated) {
            cases.addAll(maximum("", s, Samples.uniform(seed, s.inputShape().toArray()), seed++));
        }
        Pool2dSizes s = sizes(2, 10, 8, 8, both(3), both(2), both(1), 1, false, true, 0);
        cases.addAll(maximum("ties ", s, Samples.whole(seed, 3, s.inputShape().toArray()), seed));
        cases.addAll(maximum("negative ", s, Samples.uniform(seed, -3f, -2f, s.inputShape().toArray()), seed));
        cases.addAll(maximum("infinite and NaN ", s, special(s.inputShape()), seed));
        for (int c : new int[] {32, 40}) {
            Pool2dSizes tiles = sizes(3, c, 4, 6, both(2), both(2), both(0), 1, false, true, 0);
            cases.addAll(maximum("infinite and NaN ", tiles, special(tiles.inputShape()), seed));
            cases.addAll(maximum("one NaN ", tiles, oneNan(tiles.inputShape(), seed), seed));
        }
        for (int[] size : new int[][] {{2, 5, 7, 6, 1, 1}, {2, 10, 7, 7, 3, 5}, {1, 17, 4, 4, 1, 1}, {1, 24, 3, 2, 7, 7},
            {5, 16, 8, 8, 2, 2}, {1, 152, 2, 2, 1, 1},
            {0, 3, 4, 4, 2, 2}, {3, 33, 1, 1, 1, 1}, {2, 56, 1, 1, 3, 3}, {9, 40, 32, 32, 1, 1}}) {
            AdaptivePoolSizes sizes = new AdaptivePoolSizes(size[0], size[1], size[2], size[3], size[4], size[5]);
            cases.addAll(adaptive("", sizes, Samples.uniform(seed, size[0], size[1], size[2], size[3]), seed++));
        }
        // equal values round in one direction
        cases.addAll(adaptive("constant ", new AdaptivePoolSizes(1, 20, 64, 64, 1, 1), Tensor.full(0.1f, 1, 20, 64, 64), seed++));
        return cases;
    }

    private static Tensor special(Shape shape) {
        float[] pattern = {Float.NEGATIVE_INFINITY, 1, 2, Float.NEGATIVE_INFINITY, -1, Float.NaN, 3, Float.POSITIVE_INFINITY, 0, -0f, 5};
        float[] values = Samples.repeated(shape.elements(), pattern).toArray();
        for (int i = 0; i < shape.size(2) * shape.size(3) && i < values.length; i++) {
            values[i] = Float.NEGATIVE_INFINITY;
        }
        return Tensor.of(shape, values);
    }

    private static Tensor oneNan(Shape shape, long seed) {
        float[] values = Samples.uniform(seed, shape.toArray()).toArray();
        values[values.length / 2 + 1] = Float.NaN;
        return Tensor.of(shape, values);
    }

    /// What a window covers: visits the input positions `row * w + column` of every window, in row-major order.
    private interface Covered {

        void at(int output, int position);
    }

    private static void visit(Pool2dSizes s, Covered covered) {
        for (int ioh = 0; ioh < s.oh(); ioh++) {
            for (int iow = 0; iow < s.ow(); iow++) {
                for (int t = 0; t < s.kh() * s.kw(); t++) {
                    int ih = ioh * s.strideH() - s.padH() + t / s.kw() * s.dilationH();
                    int iw = iow * s.strideW() - s.padW() + t % s.kw() * s.dilationW();
                    if (ih >= 0 && ih < s.h() && iw >= 0 && iw < s.w()) {
                        covered.at(ioh * s.ow() + iow, ih * s.w() + iw);
                    }
                }
            }
        }
    }

    private static List<OperationCase> maximum(String what, Pool2dSizes s, Tensor x, long seed) {
        float[] xs = x.toArray();
        int planes = s.n() * s.c();
        int[] indices = new int[s.outputShape().elements()];
        Arrays.fill(indices, -1);
        for (int plane = 0; plane < planes; plane++) {
            int from = plane * s.h() * s.w();
            int to = plane * s.oh() * s.ow();
            boolean[] seen = new boolean[s.oh() * s.ow()];
            visit(s, (output, position) -> {
                float value = xs[from + position];
                float best = seen[output] ? xs[from + indices[to + output]] : value;
                boolean better = value > best || Float.isNaN(value) && !Float.isNaN(best);
                if (!seen[output] || better) {
                    indices[to + output] = position;
                }
                seen[output] = true;
            });
        }
        float[] positions = new float[indices.length];
        for (int i = 0; i < positions.length; i++) {
            positions[i] = indices[i];
        }
        Tensor chosen = Tensor.of(s.outputShape(), positions);
        Tensor dOut = Samples.uniform(seed + 1000, s.outputShape().toArray());
        int pixels = s.oh() * s.ow();
        List<Expected> forward = List.of(
                Expected.exactly(indices.length,
                        i -> indices[i] < 0 ? Double.NEGATIVE_INFINITY : xs[i / pixels * s.h() * s.w() + indices[i]]),
                Expected.exactly(indices.length, i -> indices[i]));
        return List.of(
                OperationCase.of(what + s, Opcode.MAX_POOL, s,
                        List.of(TensorSpec.floats(s.outputShape()), TensorSpec.floats(s.outputShape())), () -> forward, x),
                OperationCase.of(what + s, Opcode.MAX_POOL_BACKWARD, s, TensorSpec.floats(s.inputShape()),
                        () -> maximumBackward(s, dOut, indices), dOut,
                        chosen));
    }

    private static Expected maximumBackward(Pool2dSizes s, Tensor dOut, int[] indices) {
        float[] ds = dOut.toArray();
        double[] dx = new double[s.inputShape().elements()];
        double[] magnitude = new double[dx.length];
        for (int i = 0; i < ds.length; i++) {
            if (indices[i] >= 0) {
                int target = i / (s.oh() * s.ow()) * s.h() * s.w() + indices[i];
                dx[target] += ds[i];
                magnitude[target] += Math.abs(ds[i]);
            }
        }
        return Expected.sums(dx, magnitude, s.kh() * s.kw());
    }

    private static List<OperationCase> average(Pool2dSizes s, long seed) {
        double[] divisors = new double[s.oh() * s.ow()];
        for (int i = 0; i < divisors.length; i++) {
            divisors[i] = divisor(s, i / s.ow(), i % s.ow());
        }
        Tensor x = Samples.uniform(seed, s.inputShape().toArray());
        Tensor dOut = Samples.uniform(seed + 1000, s.outputShape().toArray());
        Linear linear = new Linear(s.n() * s.c(), s.h() * s.w(), s.oh() * s.ow(), s.kh() * s.kw(),
                entry -> visit(s, (output, position) -> entry.at(output, position, 1 / divisors[output])));
        return linear.cases(s.toString(), Opcode.AVERAGE_POOL, Opcode.AVERAGE_POOL_BACKWARD, s, x, dOut);
    }

    private static double divisor(Pool2dSizes s, int ioh, int iow) {
        if (s.divisorOverride() > 0) {
            return s.divisorOverride();
        }
        int top = ioh * s.strideH() - s.padH();
        int left = iow * s.strideW() - s.padW();
        int border = s.countIncludePad() ? 1 : 0;
        int rows = Math.min(top + s.kh(), s.h() + border * s.padH()) - Math.max(top, -border * s.padH());
        int columns = Math.min(left + s.kw(), s.w() + border * s.padW()) - Math.max(left, -border * s.padW());
        return (double) rows * columns;
    }

    private static List<OperationCase> adaptive(String what, AdaptivePoolSizes s, Tensor x, long seed) {
        Tensor dOut = Samples.uniform(seed + 1000, s.n(), s.c(), s.oh(), s.ow());
        Linear linear = new Linear(s.n() * s.c(), s.h() * s.w(), s.oh() * s.ow(), Math.max(s.h() * s.w(), s.oh() * s.ow()), entry -> {
            for (int output = 0; output < s.oh() * s.ow(); output++) {
                int top = output / s.ow() * s.h() / s.oh();
                int bottom = Math.ceilDiv((output / s.ow() + 1) * s.h(), s.oh());
                int left = output % s.ow() * s.w() / s.ow();
                int right = Math.ceilDiv((output % s.ow() + 1) * s.w(), s.ow());
                for (int position = 0; position < s.h() * s.w(); position++) {
                    int ih = position / s.w();
                    int iw = position % s.w();
                    if (ih >= top && ih < bottom && iw >= left && iw < right) {
                        entry.at(output, position, 1.0 / ((bottom - top) * (right - left)));
                    }
                }
            }
        });
        return linear.cases(what + s, Opcode.ADAPTIVE_AVERAGE_POOL, Opcode.ADAPTIVE_AVERAGE_POOL_BACKWARD, s, x, dOut);
    }

    /// A linear map of every plane by one matrix, and its transpose.
    private record Linear(int planes, int inputs, int outputs, int terms, Matrix matrix) {

        /// Visits the non-zero entries.
        private interface Matrix {

            void visit(Entry entry);
        }

        private interface Entry {

            void at(int row, int column, double value);
        }

        private List<OperationCase> cases(String name, Opcode forward, Opcode backward, Object attributes, Tensor x, Tensor dOut) {
            return List.of(
                    OperationCase.of(name, forward, attributes, dOut.spec(), () -> apply(x, false), x),
                    OperationCase.of(name, backward, attributes, x.spec(), () -> apply(dOut, true), dOut));
        }

        private Expected apply(Tensor operand, boolean transposed) {
            float[] values = operand.toArray();
            double[] result = new double[planes * (transposed ? inputs : outputs)];
            double[] magnitude = new double[result.length];
            for (int plane = 0; plane < planes; plane++) {
                int inputStart = plane * inputs;
                int outputStart = plane * outputs;
                matrix.visit((row, column, value) -> {
                    int to = transposed ? inputStart + column : outputStart + row;
                    double term = value * values[transposed ? outputStart + row : inputStart + column];
                    result[to] += term;
                    magnitude[to] += Math.abs(term);
                });
            }
            return Expected.sums(result, magnitude, terms);
        }
    }
}
