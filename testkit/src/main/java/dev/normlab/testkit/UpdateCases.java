package dev.normlab.testkit;

import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.SliceNormSizes.TapSet;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Optimisers and norm decay, with references in double.
public final class UpdateCases {

    private UpdateCases() {}

    /// All updates.
    public static List<OperationCase> all() {
        List<OperationCase> cases = new ArrayList<>();
        long seed = 1;
        float[][] sgd = {{0.1f, 0, 0, 0, 0, 1}, {0.1f, 0, 0, 5e-4f, 0, 0}, {0.05f, 0.9f, 0, 0, 0, 1}, {0.05f, 0.9f, 0, 5e-4f, 0, 0},
            {0.02f, 0.9f, 0.1f, 0.01f, 0, 0},
            {0.05f, 0.9f, 0, 5e-4f, 1, 1}, {0.05f, 0.9f, 0, 5e-4f, 1, 0}};
        float[][] adam = {{1e-3f, 0.9f, 0.999f, 1e-8f, 0, 0, 0.1f, 0.001f}, {1e-2f, 0.9f, 0.99f, 1e-8f, 0.1f, 0, 0.5f, 0.2f},
            {1e-2f, 0.8f, 0.99f, 1e-6f, 0.1f, 1, 0.5f, 0.2f}};
        for (int[] sizes : new int[][] {{1}, {5}, {17}, {10, 3, 3, 3}, {33, 31}, {70_001}, {0}}) {
            for (float[] scalars : sgd) {
                cases.add(sgd(sizes, scalars, seed++));
            }
            for (float[] scalars : adam) {
                cases.add(adam("", Samples.uniform(seed + 1000, sizes), scalars, seed++));
            }
            cases.add(addScaled(sizes, seed++));
            Tensor x = Samples.uniform(seed++, sizes);
            float[] xs = x.toArray();
            cases.add(OperationCase.update(x.shape().toString(), Opcode.ASSIGN, null, List.of(Samples.uniform(seed++, sizes)),
                    () -> List.of(Expected.exactly(xs.length, i -> xs[i])), x));
        }
        float[] weights = Samples.uniform(seed + 1000, 40).toArray();
        weights[3] = Float.POSITIVE_INFINITY; // decays by itself: moments stay finite
        cases.add(adam("infinite parameter ", Tensor.of(Shape.of(40), weights), adam[adam.length - 1], seed++));
        cases.addAll(slices());
        cases.addAll(ProjectionCases.all());
        return cases;
    }

    private static OperationCase sgd(int[] sizes, float[] k, long seed) {
        Tensor grad = Samples.uniform(seed, sizes);
        Tensor parameter = Samples.uniform(seed + 1000, sizes);
        Tensor velocity = Samples.uniform(seed + 2000, sizes);
        float[] gs = grad.toArray();
        float[] ps = parameter.toArray();
        float[] vs = velocity.toArray();
        return OperationCase.update(Arrays.toString(sizes) + " " + Arrays.toString(k), Opcode.SGD, null, List.of(parameter, velocity),
                () -> {
                    double[] decayed = Expected.fill(gs.length, i -> gs[i] + (double) k[3] * ps[i]);
                    double[] v = Expected.fill(gs.length,
                            i -> k[1] == 0 ? vs[i] : k[5] != 0 ? decayed[i] : (double) k[1] * vs[i] + (1 - (double) k[2]) * decayed[i]);
                    double[] p = Expected.fill(gs.length,
                            i -> ps[i] - (double) k[0] * (k[1] == 0 ? decayed[i] : k[4] != 0 ? decayed[i] + (double) k[1] * v[i] : v[i]));
                    return List.of(Expected.rounded(6, 1, p), k[1] == 0 ? anything(v) : Expected.rounded(6, 1, v));
                }, grad, Tensor.of(Shape.of(6), k));
    }

    /// Without momentum the velocity has no meaning and may or may not be written.
    private static Expected anything(double[] values) {
        return new Expected(values, Expected.fill(values.length, _ -> Double.POSITIVE_INFINITY));
    }

    private static OperationCase adam(String what, Tensor parameter, float[] k, long seed) {
        int[] sizes = parameter.shape().toArray();
        Tensor grad = Samples.uniform(seed, sizes);
        Tensor first = Samples.uniform(seed + 2000, sizes);
        Tensor second = Samples.uniform(seed + 3000, 0.01f, 1f, sizes);
        float[] gs = grad.toArray();
        float[] ps = parameter.toArray();
        float[] ms = first.toArray();
        float[] ss = second.toArray();
        boolean decoupled = k[5] != 0;
        return OperationCase.update(what + Arrays.toString(sizes) + " " + Arrays.toString(k), Opcode.ADAM, null,
                List.of(parameter, first, second),
                () -> {
                    double[] g = Expected.fill(gs.length, i -> decoupled ? gs[i] : gs[i] + (double) k[4] * ps[i]);
                    double[] m = Expected.fill(gs.length, i -> (double) k[1] * ms[i] + (1 - (double) k[1]) * g[i]);
                    double[] s = Expected.fill(gs.length, i -> (double) k[2] * ss[i] + (1 - (double) k[2]) * g[i] * g[i]);
                    double[] p = Expected.fill(gs.length, i -> ps[i] * (decoupled ? 1 - (double) k[0] * k[4] : 1)
                            - (double) k[0] / k[6] * m[i] / (Math.sqrt(s[i]) / Math.sqrt(k[7]) + k[3]));
                    return List.of(Expected.rounded(8, 1, p), Expected.rounded(6, 1, m), Expected.rounded(6, 1, s));
                }, grad, Tensor.of(Shape.of(8), k));
    }

    private static OperationCase addScaled(int[] sizes, long seed) {
        Tensor x = Samples.uniform(seed, sizes);
        Tensor target = Samples.uniform(seed + 1000, sizes);
        float[] xs = x.toArray();
        float[] ts = target.toArray();
        return OperationCase.update(x.shape().toString(), Opcode.ADD_SCALED, null, List.of(target),
                () -> List.of(Expected.rounded(2, 1, Expected.fill(xs.length, i -> ts[i] + (double) -0.3f * xs[i]))), x,
                Tensor.scalar(-0.3f));
    }

    private static List<OperationCase> slices() {
        List<TapSet> all3x3 = List.of(new TapSet(List.of(0, 1, 2), List.of(0, 1, 2)));
        List<TapSet> one = List.of(new TapSet(List.of(0), List.of(0)));
        List<TapSet> strided = List.of(new TapSet(List.of(0, 2), List.of(0, 2)), new TapSet(List.of(0, 2), List.of(1)),
                new TapSet(List.of(1), List.of(0, 2)),
                new TapSet(List.of(1), List.of(1)));
        List<TapSet> ragged = List.of(new TapSet(List.of(0, 1), List.of(0, 1, 2, 3, 4)), new TapSet(List.of(1, 2, 3, 4), List.of(2)));
        List<OperationCase> cases = new ArrayList<>();
        long seed = 1;
        for (boolean byOutput : new boolean[] {false, true}) {
            List<SliceNormSizes> sizes = List.of(new SliceNormSizes(16, 3, 3, 3, 1, byOutput, all3x3),
                    new SliceNormSizes(33, 17, 3, 3, 1, byOutput, strided),
                    new SliceNormSizes(24, 8, 3, 3, 3, byOutput, all3x3), new SliceNormSizes(10, 1, 3, 3, 5, byOutput, strided),
                    new SliceNormSizes(10, 512, 1, 1, 1, byOutput, one), new SliceNormSizes(152, 56, 1, 1, 1, byOutput, one),
                    new SliceNormSizes(5, 4, 5, 5, 1, byOutput, ragged), new SliceNormSizes(4, 3, 3, 3, 1, byOutput, List.of()),
                    new SliceNormSizes(1, 1, 1, 1, 1, byOutput, one), new SliceNormSizes(130, 120, 3, 3, 1, byOutput, all3x3),
                    // More than a megabyte, whose kernels may add in another way, with remainders of rows and columns.
                    new SliceNormSizes(530, 517, 1, 1, 1, byOutput, one));
            for (SliceNormSizes s : sizes) {
                for (boolean scaled : new boolean[] {false, true}) {
                    Tensor weight = Samples.uniform(seed, s.o(), s.groupInputs(), s.kh(), s.kw());
                    Tensor scale = scaled ? Samples.uniform(seed + 1000, 0.1f, 2f, s.channels()) : null;
                    cases.addAll(slices("", s, weight, scale, seed++));
                }
            }
        }
        SliceNormSizes tied = new SliceNormSizes(17, 5, 3, 3, 1, true, strided.subList(1, 3));
        cases.addAll(slices("ties ", tied, Tensor.full(-0.5f, 17, 5, 3, 3), null, seed));
        return cases;
    }

    private static List<OperationCase> slices(String what, SliceNormSizes s, Tensor weight, @Nullable Tensor scale, long seed) {
        double[][] sums = sliceSums(s, weight, scale);
        int[] argMax = largestSlice(sums);
        String name = what + s + (scale == null ? "" : " scaled");
        Tensor trace = Samples.uniform(seed + 2000, weight.shape().toArray());
        Tensor grad = Samples.uniform(seed + 3000, weight.shape().toArray());
        Tensor scalars = Tensor.of(Shape.of(2), 1e-3f, 0.9f);
        return List.of(
                OperationCase.of(name, Opcode.SLICE_NORM, s, List.of(TensorSpec.floats(1), TensorSpec.ints(Shape.of(2))), () -> {
                    double norm = argMax[0] < 0 ? 0 : sums[argMax[0]][argMax[1]];
                    int terms = weight.shape().elements() / s.channels() + 1;
                    return List.of(Expected.sums(new double[] {norm}, new double[] {norm}, terms), Expected.exactly(2, i -> argMax[i]));
                }, weight, scale),
                OperationCase.update(name, Opcode.SLICE_DECAY, s, List.of(trace, grad), () -> decay(s, weight, scale, argMax, trace, grad),
                        weight, scale,
                        Tensor.ofInts(Shape.of(2), argMax), scalars));
    }

    /// The channel by which a weight is compared: its output channel, or its input channel among those of all groups.
    private static int channel(SliceNormSizes s, int index) {
        int ic = index / (s.kw() * s.kh()) % s.groupInputs();
        int io = index / (s.kw() * s.kh() * s.groupInputs());
        return s.byOutput() ? io : io / (s.o() / s.groups()) * s.groupInputs() + ic;
    }

    private static boolean isTapIn(SliceNormSizes s, int index, TapSet taps) {
        return taps.rows().contains(index / s.kw() % s.kh()) && taps.columns().contains(index % s.kw());
    }

    /// The sums of all slices, `[channel][tap set]`.
    private static double[][] sliceSums(SliceNormSizes s, Tensor weight, @Nullable Tensor scale) {
        float[] ws = weight.toArray();
        double[][] sums = new double[s.channels()][s.tapSets().size()];
        for (int i = 0; i < ws.length; i++) {
            double factor = scale == null ? 1 : scale.storage().floats()[channel(s, i)];
            for (int tapSet = 0; tapSet < s.tapSets().size(); tapSet++) {
                sums[channel(s, i)][tapSet] += isTapIn(s, i, s.tapSets().get(tapSet)) ? factor * Math.abs(ws[i]) : 0;
            }
        }
        return sums;
    }

    private static int[] largestSlice(double[][] sums) {
        int[] best = {-1, -1};
        double largest = Double.NEGATIVE_INFINITY;
        for (int channel = 0; channel < sums.length; channel++) {
            for (int tapSet = 0; tapSet < sums[channel].length; tapSet++) {
                if (sums[channel][tapSet] > largest) {
                    largest = sums[channel][tapSet];
                    best = new int[] {channel, tapSet};
                }
            }
        }
        return best;
    }

    private static List<Expected> decay(SliceNormSizes s, Tensor weight, @Nullable Tensor scale, int[] argMax, Tensor trace, Tensor grad) {
        float[] ws = weight.toArray();
        float[] ts = trace.toArray();
        float[] gs = grad.toArray();
        double factor = scale == null || argMax[0] < 0 ? 1 : scale.toArray()[argMax[0]];
        double[] newTrace = Expected.fill(ts.length, i -> channel(s, i) == argMax[0] && isTapIn(s, i, s.tapSets().get(argMax[1]))
                ? Math.signum(ws[i]) * factor
                : (double) 0.9f * ts[i]);
        double[] newGrad = Expected.fill(gs.length, i -> gs[i] + (double) 1e-3f * newTrace[i]);
        return List.of(Expected.rounded(2, 1, newTrace), Expected.rounded(3, 1, newGrad));
    }
}
