package dev.normlab.testkit;

import dev.normlab.engine.kernel.SliceLimit;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.SliceNormSizes.TapSet;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Projections of weights to a norm, with references in double: multipliers of the tap sets, each set in turn to what it has to be beside
/// the others until they rest, whether the sets overlap or not.
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

    /// Multipliers rest when none moves by more than this part of the largest weight.
    private static final double REST = 1e-13;
    private static final int SWEEPS = 50_000;
    /// How far thresholds may be off.
    private static final double THRESHOLD = 1e-8;

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
        cases.addAll(hard(seed + 3));
        return cases;
    }

    /// Weights on which multipliers that are raised one after the other come to rest slowly: kernels whose middle is large, more sets that
    /// share taps. And channels a little beyond the radius, as after every step of a training.
    private static List<OperationCase> hard(long seed) {
        List<OperationCase> cases = new ArrayList<>();
        SliceNormSizes rows = new SliceNormSizes(4, 48, 3, 3, 1, true, OVERLAPPING);
        for (double fall : new double[] {1, 2.4}) {
            Tensor weight = withLargeMiddle(rows, fall, seed);
            double largest = largest(rows, weight);
            for (double share : new double[] {1 - 1e-6, 0.77, 0.05, 1e-3}) {
                cases.add(projection("large middle ", SliceLimit.of(rows, largest * share), weight, null));
            }
        }
        List<TapSet> four = windows(5, 4, 2);
        List<TapSet> nine = windows(5, 3, 3);
        List<TapSet> sixteen = windows(7, 4, 4);
        for (SliceNormSizes s : List.of(new SliceNormSizes(3, 16, 5, 5, 1, true, four), new SliceNormSizes(16, 3, 5, 5, 1, false, nine),
                new SliceNormSizes(3, 16, 7, 7, 1, true, sixteen), new SliceNormSizes(6, 512, 3, 3, 1, true, OVERLAPPING))) {
            Tensor weight = withLargeMiddle(s, 0.52, seed + 1);
            double largest = largest(s, weight);
            for (double share : new double[] {1 - 1e-5, 0.55}) {
                cases.add(projection("large middle ", SliceLimit.of(s, largest * share), weight, null));
            }
        }
        SliceNormSizes many = new SliceNormSizes(2, 16, 7, 7, 1, true, windows(7, 2, 6));
        Tensor little = withLargeMiddle(many, 0.1, seed + 2);
        for (double share : new double[] {0.3, 0.01}) {
            cases.add(projection("36 sets ", SliceLimit.of(many, largest(many, little) * share), little, null));
        }
        cases.add(projection("no limit ", SliceLimit.of(rows, 1e300), withLargeMiddle(rows, 1, seed), null));
        SliceNormSizes one = new SliceNormSizes(1, 2, 1, 1, 1, true, ONE);
        cases.add(projection("sums beyond floats ", SliceLimit.of(one, 1e39), Tensor.of(Shape.of(1, 2, 1, 1), 3e38f, -3e38f), null));
        return cases;
    }

    /// The sets of a square kernel whose rows and columns meet the image in windows of `length` taps.
    private static List<TapSet> windows(int taps, int length, int count) {
        List<List<Integer>> windows = IntStream.range(0, count)
                .mapToObj(first -> IntStream.range(first, Math.min(taps, first + length)).boxed().toList()).toList();
        return windows.stream().flatMap(each -> windows.stream().map(other -> taps(each, other))).toList();
    }

    private static Tensor withLargeMiddle(SliceNormSizes s, double fall, long seed) {
        Tensor weight = Samples.uniform(seed, s.o(), s.groupInputs(), s.kh(), s.kw());
        float[] values = weight.toArray();
        for (int i = 0; i < values.length; i++) {
            double down = i / s.kw() % s.kh() - (s.kh() - 1) / 2.0;
            double right = i % s.kw() - (s.kw() - 1) / 2.0;
            values[i] *= (float) StrictMath.exp(-fall * (down * down + right * right));
        }
        return Tensor.of(weight.shape(), values);
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
        Tensor gamma = Tensor.of(Shape.of(3, 1, 1, 1), 3f, -4f, 5f);
        return List.of(projection("ties ", SliceLimit.of(rows, 2.25), tied, null),
                projection("NaN and infinity ", SliceLimit.of(rows, 1.5), notFinite, null),
                projection("NaN and infinite variance ", new SliceLimit(three, 1, 1e-5f), gamma,
                        Tensor.of(Shape.of(3), Float.NaN, Float.POSITIVE_INFINITY, 0.25f)));
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
                    // Results are rounded towards zero. The threshold of a tap that loses all of its weights is not the only one.
                    tolerance[at] = Math.abs(after[at]) * 0x1p-22 + THRESHOLD;
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
        double rest = REST * Arrays.stream(magnitudes).max().orElse(0);
        double moved = Double.POSITIVE_INFINITY;
        for (int sweep = 0; moved > rest; sweep++) {
            if (sweep == SWEEPS) {
                throw new IllegalStateException("the reference of a projection moves by " + moved + " still");
            }
            moved = 0;
            for (int i = 0; i < multipliers.length; i++) {
                double before = multipliers[i];
                multipliers[i] = 0;
                sumUp(thresholds, sets, multipliers);
                multipliers[i] = root(magnitudes, sets.get(i), thresholds, r);
                moved = Math.max(moved, Math.abs(multipliers[i] - before));
            }
        }
        sumUp(thresholds, sets, multipliers);
        return thresholds;
    }

    private static void sumUp(double[] thresholds, List<boolean[]> sets, double[] multipliers) {
        Arrays.fill(thresholds, 0);
        for (int i = 0; i < multipliers.length; i++) {
            for (int tap = 0; tap < thresholds.length; tap++) {
                thresholds[tap] += sets.get(i)[tap] ? multipliers[i] : 0;
            }
        }
    }

    /// By how much the magnitudes of a set have to shrink further so that they sum to `r`: by sorting (Duchi et al., ICML 2008).
    private static double root(double[] magnitudes, boolean[] set, double[] thresholds, double r) {
        double[] ascending = IntStream.range(0, magnitudes.length).filter(i -> set[i % set.length])
                .mapToDouble(i -> Math.max(0, magnitudes[i] - thresholds[i % set.length])).sorted().toArray();
        double sum = 0;
        double by = 0;
        for (int count = 1; count <= ascending.length; count++) {
            double next = ascending[ascending.length - count];
            sum += next;
            by = (sum - r) / count < next || count == 1 ? (sum - r) / count : by;
        }
        return Math.max(0, by);
    }
}
