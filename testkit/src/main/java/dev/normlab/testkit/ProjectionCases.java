package dev.normlab.testkit;

import dev.normlab.engine.kernel.SliceLimit;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.SliceNormSizes.TapSet;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Projections of weights to a norm, with references in double: multipliers of the tap sets, raised one after the other by bisection until
/// they rest, whether the sets overlap or not.
final class ProjectionCases {

    private static final List<TapSet> ONE = List.of(taps(List.of(0), List.of(0)));
    private static final List<TapSet> WHOLE = List.of(taps(List.of(0, 1, 2), List.of(0, 1, 2)));
    /// Columns of a convolution of stride 2: no two share a tap.
    private static final List<TapSet> APART = List.of(taps(List.of(0, 2), List.of(0, 2)), taps(List.of(0, 2), List.of(1)),
            taps(List.of(1), List.of(0, 2)), taps(List.of(1), List.of(1)));
    /// Rows on images of two by two pixels: all four share the middle tap.
    private static final List<TapSet> OVERLAPPING = List.of(taps(List.of(0, 1), List.of(0, 1)), taps(List.of(0, 1), List.of(1, 2)),
            taps(List.of(1, 2), List.of(0, 1)), taps(List.of(1, 2), List.of(1, 2)));
    /// Three sets of which two share taps; the last column is in none.
    private static final List<TapSet> RAGGED = List.of(taps(List.of(0, 1), List.of(0, 1, 2)), taps(List.of(1, 2, 3), List.of(2)),
            taps(List.of(4), List.of(0, 1, 2, 3)));

    private static final double REST = 1e-14;
    private static final int SWEEPS = 20_000;
    private static final int BISECTIONS = 100;

    private ProjectionCases() {}

    private static TapSet taps(List<Integer> rows, List<Integer> columns) {
        return new TapSet(rows, columns);
    }

    static List<OperationCase> all() {
        List<OperationCase> cases = new ArrayList<>();
        long seed = 1;
        for (boolean byOutput : new boolean[] {false, true}) {
            for (SliceNormSizes s : List.of(new SliceNormSizes(16, 3, 3, 3, 1, byOutput, WHOLE),
                    new SliceNormSizes(33, 17, 3, 3, 1, byOutput, APART), new SliceNormSizes(24, 8, 3, 3, 3, byOutput, OVERLAPPING),
                    new SliceNormSizes(10, 1, 3, 3, 5, byOutput, APART), new SliceNormSizes(10, 512, 1, 1, 1, byOutput, ONE),
                    new SliceNormSizes(5, 4, 5, 5, 1, byOutput, RAGGED), new SliceNormSizes(40, 33, 3, 3, 1, byOutput, OVERLAPPING),
                    new SliceNormSizes(4, 3, 3, 3, 1, byOutput, List.of()), new SliceNormSizes(1, 1, 1, 1, 1, byOutput, ONE))) {
                Tensor weight = Samples.uniform(seed, s.o(), s.groupInputs(), s.kh(), s.kw());
                double largest = largest(s, weight);
                // far inside, about half of the slices inside, and nearly nothing left
                for (double share : new double[] {1.001, 0.93, 0.1}) {
                    cases.add(projection("", SliceLimit.of(s, largest * share), weight, null));
                }
                cases.add(projection("zero ", SliceLimit.of(s, 0), weight, null));
                seed++;
            }
        }
        SliceNormSizes diagonal = new SliceNormSizes(150, 1, 1, 1, 1, true, ONE);
        cases.add(projection("batch norm ", new SliceLimit(diagonal, 0.7, 1e-5f), Samples.uniform(seed, 150, 1, 1, 1),
                Samples.uniform(seed + 1, 0.1f, 2f, 150)));
        cases.addAll(unusual(seed + 2));
        return cases;
    }

    /// Slices that all have the same weights, and channels that no projection can reach.
    private static List<OperationCase> unusual(long seed) {
        SliceNormSizes rows = new SliceNormSizes(4, 6, 3, 3, 1, true, OVERLAPPING);
        Tensor tied = Tensor.full(-0.5f, 4, 6, 3, 3);
        float[] values = Samples.uniform(seed, 4, 6, 3, 3).toArray();
        values[3] = Float.NaN;
        values[2 * 54 + 7] = Float.POSITIVE_INFINITY;
        Tensor notFinite = Tensor.of(tied.shape(), values);
        SliceNormSizes three = new SliceNormSizes(3, 1, 1, 1, 1, true, ONE);
        Tensor gamma = Tensor.of(Samples.uniform(seed, 3, 1, 1, 1).shape(), 3f, -4f, 5f);
        return List.of(projection("ties ", SliceLimit.of(rows, 2.25), tied, null),
                projection("NaN and infinity ", SliceLimit.of(rows, 1.5), notFinite, null),
                projection("NaN and infinite variance ", new SliceLimit(three, 1, 1e-5f), gamma,
                        Tensor.of(Samples.uniform(seed, 3).shape(), Float.NaN, Float.POSITIVE_INFINITY, 0.25f)));
    }

    private static double largest(SliceNormSizes s, Tensor weight) {
        double largest = 0;
        for (int channel = 0; channel < s.channels(); channel++) {
            double[] magnitudes = magnitudes(s, channel, weight.toArray());
            for (boolean[] set : masks(s)) {
                largest = Math.max(largest, sum(magnitudes, set, new double[set.length]));
            }
        }
        return largest;
    }

    private static OperationCase projection(String what, SliceLimit limit, Tensor weight, @Nullable Tensor variance) {
        String name = what + limit;
        return OperationCase.update(name, Opcode.PROJECT_SLICES, limit, List.of(weight), () -> List.of(expected(limit, weight, variance)),
                variance);
    }

    private static Expected expected(SliceLimit limit, Tensor weight, @Nullable Tensor variance) {
        SliceNormSizes s = limit.slices();
        float[] before = weight.toArray();
        double[] after = Expected.fill(before.length, i -> before[i]);
        double[] tolerance = new double[before.length];
        int area = s.kh() * s.kw();
        for (int channel = 0; channel < s.channels(); channel++) {
            double r = variance == null
                    ? limit.radius()
                    : limit.radius() * Math.sqrt((double) variance.toArray()[channel] + limit.eps());
            double[] magnitudes = magnitudes(s, channel, before);
            if (!Double.isFinite(Arrays.stream(magnitudes).sum()) || !(r < Double.POSITIVE_INFINITY)) {
                continue;
            }
            double[] thresholds = thresholds(magnitudes, masks(s), area, r);
            for (int i = 0; i < magnitudes.length; i++) {
                double threshold = thresholds[i % area];
                int at = s.filter(channel, i / area) * area + i % area;
                if (threshold > 0) {
                    after[at] = Math.copySign(Math.max(0, magnitudes[i] - threshold), before[at]);
                    // results are rounded towards zero, thresholds are found to within 1e-9
                    tolerance[at] = after[at] == 0 && magnitudes[i] < threshold * (1 - 1e-8) ? 0 : Math.abs(after[at]) * 0x1p-22 + 1e-8;
                }
            }
        }
        return new Expected(after, tolerance);
    }

    /// The magnitudes of a channel, `[filters, taps]`.
    private static double[] magnitudes(SliceNormSizes s, int channel, float[] weight) {
        int area = s.kh() * s.kw();
        return Expected.fill(s.filters() * area, i -> Math.abs(weight[s.filter(channel, i / area) * area + i % area]));
    }

    /// For every set, for every tap: whether it belongs to the set.
    private static List<boolean[]> masks(SliceNormSizes s) {
        List<boolean[]> masks = new ArrayList<>();
        for (TapSet set : s.tapSets()) {
            boolean[] mask = new boolean[s.kh() * s.kw()];
            for (int tap = 0; tap < mask.length; tap++) {
                mask[tap] = set.rows().contains(tap / s.kw()) && set.columns().contains(tap % s.kw());
            }
            masks.add(mask);
        }
        return masks;
    }

    private static double sum(double[] magnitudes, boolean[] set, double[] thresholds) {
        double sum = 0;
        for (int i = 0; i < magnitudes.length; i++) {
            int tap = i % set.length;
            sum += set[tap] ? Math.max(0, magnitudes[i] - thresholds[tap]) : 0;
        }
        return sum;
    }

    /// The thresholds of the taps: sums of the multipliers of the sets that they belong to.
    private static double[] thresholds(double[] magnitudes, List<boolean[]> sets, int area, double r) {
        double[] multipliers = new double[sets.size()];
        double[] thresholds = new double[area];
        double moved = Double.POSITIVE_INFINITY;
        for (int sweep = 0; sweep < SWEEPS && moved > REST; sweep++) {
            moved = 0;
            for (int i = 0; i < multipliers.length; i++) {
                boolean[] set = sets.get(i);
                shift(thresholds, set, -multipliers[i]);
                double best = sum(magnitudes, set, thresholds) <= r ? 0 : bisected(magnitudes, set, thresholds, r);
                moved = Math.max(moved, Math.abs(best - multipliers[i]));
                multipliers[i] = best;
                shift(thresholds, set, best);
            }
        }
        // sums of what was added and taken away are not exact
        Arrays.fill(thresholds, 0);
        for (int i = 0; i < multipliers.length; i++) {
            shift(thresholds, sets.get(i), multipliers[i]);
        }
        return thresholds;
    }

    private static void shift(double[] thresholds, boolean[] set, double by) {
        for (int tap = 0; tap < set.length; tap++) {
            thresholds[tap] += set[tap] ? by : 0;
        }
    }

    private static double bisected(double[] magnitudes, boolean[] set, double[] thresholds, double r) {
        double low = 0;
        double high = Arrays.stream(magnitudes).max().orElse(0);
        for (int i = 0; i < BISECTIONS; i++) {
            double middle = (low + high) / 2;
            double[] shifted = thresholds.clone();
            shift(shifted, set, middle);
            if (sum(magnitudes, set, shifted) > r) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }
}
