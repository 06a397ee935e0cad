package dev.normlab.testkit;

import dev.normlab.engine.kernel.AxisSizes;
import dev.normlab.engine.kernel.ReduceSizes;
import dev.normlab.engine.program.Attributes.ArgExtreme;
import dev.normlab.engine.program.Attributes.Softmax;
import dev.normlab.engine.program.Attributes.TopK;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/// Sums, extremes and softmax at awkward sizes, with references in double.
public final class ReductionCases {

    private static final int[][] AXIS_SHAPES = {{1}, {7}, {6, 10}, {3, 100}, {2, 3, 7}, {2, 10, 3, 4}, {5, 1}, {1, 17, 2, 2}, {0, 10},
        {300, 40}, {5, 259}};

    private ReductionCases() {}

    /// All reductions.
    public static List<OperationCase> all() {
        List<OperationCase> cases = new ArrayList<>();
        long seed = 1;
        int[][][] reduced = {{{3, 17}, {0, 1}}, {{3, 17}, {0}}, {{3, 17}, {1}}, {{2, 3, 4, 5}, {2, 3}}, {{2, 3, 4, 5}, {0, 2, 3}},
            {{2, 3, 4, 5}, {1}},
            {{2, 3, 4, 5}, {1, 3}}, {{2, 3, 4, 5}, {0}}, {{2, 10, 7, 9}, {0, 1, 2, 3}}, {{2, 10, 7, 9}, {3}}, {{100, 33}, {0}},
            {{33, 1000}, {1}}, {{5}, {}},
            {{1}, {0}}, {{5000}, {0}}, {{2, 16, 3, 3}, {2, 3}}, {{3, 1, 4}, {1}}, {{70_001}, {0}}, {{300, 300}, {0}},
            {{5, 40, 16, 16}, {0, 2, 3}}};
        for (int[][] pair : reduced) {
            cases.addAll(reduce(Samples.uniform(seed++, pair[0]), pair[1]));
        }
        for (int c : new int[] {1, 3, 5, 10, 16, 17, 24, 33, 56, 152}) {
            cases.add(channelSum(Samples.uniform(seed++, 3, c, 2, 5)));
        }
        cases.add(channelSum(Samples.uniform(seed++, 4, 16, 32, 32)));
        cases.add(channelSum(Samples.uniform(seed++, 20, 40, 16, 16)));
        cases.add(channelSum(Samples.uniform(seed++, 0, 10, 2, 2)));
        cases.add(channelSum(Samples.uniform(seed++, 5, 17, 1, 1)));
        for (int[] sizes : AXIS_SHAPES) {
            for (int axis = 0; axis < sizes.length; axis++) {
                if (sizes[axis] > 0) {
                    cases.addAll(extremes(sizes, axis, seed));
                    cases.addAll(softmaxes(sizes, axis, 3f, seed));
                    cases.addAll(softmaxes(sizes, axis, 1000f, seed++));
                }
            }
        }
        return cases;
    }

    private static List<OperationCase> reduce(Tensor x, int[] axes) {
        Shape in = x.shape();
        Shape kept = in;
        for (int axis : axes) {
            kept = kept.with(axis, 1);
        }
        Shape keptShape = kept;
        int[] left = IntStream.range(0, in.rank()).filter(d -> IntStream.of(axes).noneMatch(axis -> axis == d)).map(in::size).toArray();
        List<OperationCase> cases = new ArrayList<>();
        for (boolean mean : new boolean[] {false, true}) {
            for (Shape out : List.of(kept, Shape.of(left))) {
                ReduceSizes s = new ReduceSizes(in, kept, out, mean);
                cases.add(OperationCase.of(s.toString(), Opcode.REDUCE, s, TensorSpec.floats(out), () -> reduced(x, keptShape, mean), x));
            }
        }
        return cases;
    }

    private static Expected reduced(Tensor x, Shape kept, boolean mean) {
        float[] xs = x.toArray();
        double[] sums = new double[kept.elements()];
        double[] magnitudes = new double[sums.length];
        int terms = xs.length / Math.max(1, sums.length);
        for (int i = 0; i < xs.length; i++) {
            int target = ElementwiseCases.source(i, x.shape(), kept);
            sums[target] += xs[i] / (mean ? (double) terms : 1);
            magnitudes[target] += Math.abs(xs[i]) / (mean ? (double) terms : 1);
        }
        return Expected.sums(sums, magnitudes, terms);
    }

    private static OperationCase channelSum(Tensor x) {
        int c = x.shape().size(1);
        float[] xs = x.toArray();
        int pixels = x.shape().size(2) * x.shape().size(3);
        return OperationCase.of(x.shape().toString(), Opcode.CHANNEL_SUM, null, TensorSpec.floats(c), () -> {
            double[] sums = new double[c];
            double[] magnitudes = new double[c];
            for (int i = 0; i < xs.length; i++) {
                sums[i / pixels % c] += xs[i];
                magnitudes[i / pixels % c] += Math.abs(xs[i]);
            }
            return Expected.sums(sums, magnitudes, x.shape().size(0) * pixels);
        }, x);
    }

    /// The positions of all vectors along an axis.
    private static int[][] lines(AxisSizes s) {
        int[][] lines = new int[s.outer() * s.inner()][s.axis()];
        for (int line = 0; line < lines.length; line++) {
            for (int j = 0; j < s.axis(); j++) {
                lines[line][j] = (line / s.inner() * s.axis() + j) * s.inner() + line % s.inner();
            }
        }
        return lines;
    }

    private static List<OperationCase> extremes(int[] sizes, int axis, long seed) {
        Tensor tied = Samples.whole(seed, 4, sizes);
        Tensor withNaN = Samples.uniform(seed + 50, sizes);
        float[] values = withNaN.toArray();
        for (int i = 2; i < values.length; i += 7) {
            values[i] = i % 2 == 0 ? Float.NaN : Float.NEGATIVE_INFINITY;
        }
        withNaN.set(values);
        List<OperationCase> cases = new ArrayList<>();
        for (Tensor x : List.of(Samples.uniform(seed, sizes), tied, withNaN)) {
            Shape kept = x.shape().with(axis, 1);
            for (boolean largest : new boolean[] {true, false}) {
                cases.add(OperationCase.of((largest ? "max " : "min ") + x.shape() + " axis " + axis, Opcode.ARG_EXTREME,
                        new ArgExtreme(axis, largest),
                        List.of(TensorSpec.ints(kept)), () -> List.of(argExtreme(x, axis, largest)), x));
            }
        }
        for (Tensor x : List.of(Samples.uniform(seed, sizes), tied)) {
            for (int k : new int[] {1, (sizes[axis] + 1) / 2, sizes[axis]}) {
                Shape out = x.shape().with(axis, k);
                cases.add(OperationCase.of(k + " of " + x.shape() + " axis " + axis, Opcode.TOP_K, new TopK(axis, k),
                        List.of(TensorSpec.floats(out), TensorSpec.ints(out)), () -> topK(x, axis, k), x));
            }
        }
        return cases;
    }

    private static Expected argExtreme(Tensor x, int axis, boolean largest) {
        float[] xs = x.toArray();
        int[][] lines = lines(AxisSizes.of(x.shape(), axis));
        return Expected.exactly(lines.length, line -> {
            int best = 0;
            for (int j = 0; j < lines[line].length; j++) {
                float value = xs[lines[line][j]];
                float known = xs[lines[line][best]];
                boolean better = largest ? value > known : value < known;
                if (!Float.isNaN(known) && (better || Float.isNaN(value))) {
                    best = j;
                }
            }
            return best;
        });
    }

    private static List<Expected> topK(Tensor x, int axis, int k) {
        float[] xs = x.toArray();
        AxisSizes s = AxisSizes.of(x.shape(), axis);
        int[][] lines = lines(s);
        double[] values = new double[lines.length * k];
        double[] indices = new double[values.length];
        for (int line = 0; line < lines.length; line++) {
            int[] positions = lines[line];
            List<Integer> order = IntStream.range(0, positions.length).boxed()
                    .sorted(Comparator.<Integer>comparingDouble(j -> -xs[positions[j]]).thenComparingInt(j -> j)).toList();
            for (int rank = 0; rank < k; rank++) {
                int to = (line / s.inner() * k + rank) * s.inner() + line % s.inner();
                values[to] = xs[positions[order.get(rank)]];
                indices[to] = order.get(rank);
            }
        }
        return List.of(Expected.exactly(values), Expected.exactly(indices));
    }

    private static List<OperationCase> softmaxes(int[] sizes, int axis, float range, long seed) {
        Tensor x = Samples.uniform(seed, -range, range, sizes);
        Tensor dOut = Samples.uniform(seed + 500, sizes);
        List<OperationCase> cases = new ArrayList<>();
        for (boolean logarithm : new boolean[] {false, true}) {
            Softmax softmax = new Softmax(axis, logarithm);
            String name = (logarithm ? "logarithm " : "") + x.shape() + " axis " + axis + " range " + range;
            double[] y = softmax(x, axis, logarithm);
            float[] rounded = new float[y.length];
            for (int i = 0; i < y.length; i++) {
                rounded[i] = (float) y[i];
            }
            Tensor output = Tensor.of(x.shape(), rounded);
            cases.add(OperationCase.of(name, Opcode.SOFTMAX, softmax, x.spec(), () -> softmaxWithin(x, axis, logarithm, y), x));
            cases.add(OperationCase.of(name, Opcode.SOFTMAX_BACKWARD, softmax, x.spec(),
                    () -> softmaxBackward(output, dOut, axis, logarithm), output, dOut));
        }
        return cases;
    }

    private static double[] softmax(Tensor x, int axis, boolean logarithm) {
        float[] xs = x.toArray();
        double[] y = new double[xs.length];
        for (int[] line : lines(AxisSizes.of(x.shape(), axis))) {
            double max = Arrays.stream(line).mapToDouble(i -> xs[i]).max().orElseThrow();
            double sum = Arrays.stream(line).mapToDouble(i -> Math.exp(xs[i] - max)).sum();
            for (int i : line) {
                y[i] = logarithm ? xs[i] - max - Math.log(sum) : Math.exp(xs[i] - max) / sum;
            }
        }
        return y;
    }

    /// The rounding of `x - max`, of size `|x - max| * 2^-24`, is a relative error of the exponential.
    private static Expected softmaxWithin(Tensor x, int axis, boolean logarithm, double[] y) {
        float[] xs = x.toArray();
        double[] tolerances = new double[y.length];
        for (int[] line : lines(AxisSizes.of(x.shape(), axis))) {
            double max = Arrays.stream(line).mapToDouble(i -> xs[i]).max().orElseThrow();
            for (int i : line) {
                double reach = 12 + 2 * (max - xs[i]) + Math.sqrt(line.length);
                tolerances[i] = Expected.ROUNDING * (logarithm ? reach + Math.log(line.length) : reach * y[i] + Float.MIN_NORMAL * 0x1p26);
            }
        }
        return new Expected(y, tolerances);
    }

    private static Expected softmaxBackward(Tensor output, Tensor dOut, int axis, boolean logarithm) {
        float[] ys = output.toArray();
        float[] ds = dOut.toArray();
        double[] dx = new double[ys.length];
        double[] tolerances = new double[ys.length];
        for (int[] line : lines(AxisSizes.of(output.shape(), axis))) {
            double sum = Arrays.stream(line).mapToDouble(i -> logarithm ? ds[i] : (double) ds[i] * ys[i]).sum();
            double magnitude = Arrays.stream(line).mapToDouble(i -> Math.abs(logarithm ? ds[i] : (double) ds[i] * ys[i])).sum();
            for (int i : line) {
                double share = logarithm ? Math.exp(ys[i]) : ys[i];
                dx[i] = logarithm ? ds[i] - share * sum : share * (ds[i] - sum);
                double terms = magnitude * (4 * Math.sqrt(line.length) + 8) + 4 * Math.abs(ds[i]);
                tolerances[i] = Expected.ROUNDING
                        * (logarithm ? 4 * Math.abs(ds[i]) + share * terms * (1 + Math.abs(ys[i])) : share * terms)
                        + Float.MIN_NORMAL * 8;
            }
        }
        return new Expected(dx, tolerances);
    }
}
