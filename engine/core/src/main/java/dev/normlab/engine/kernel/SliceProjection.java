package dev.normlab.engine.kernel;

import dev.normlab.engine.kernel.SliceNormSizes.TapSet;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntToDoubleFunction;

/// Projects the weights of a layer onto those whose l1 or linf norm is at most a radius.
///
/// The norm is the largest slice sum, and slices of different channels share no weight, so that every channel is projected by itself. Where
/// the tap sets of a channel do not overlap, each is an l1 ball ([L1Ball]); where they do, they are solved together ([OverlappingSums]).
/// All slices that violate the constraint are treated at once, and the others keep their bits. Results are rounded towards zero and, if
/// their sum still exceeds the radius, scaled by the excess, so that the constraint really holds afterwards. A channel with a weight that
/// is NaN or infinite stays as it is.
public final class SliceProjection {

    private final SliceNormSizes s;
    private final List<int[]> sets;
    private final boolean overlapping;

    /// A projection of weights of these sizes.
    public SliceProjection(SliceNormSizes s) {
        this.s = s;
        this.sets = s.tapSets().stream().map(set -> taps(set, s.kw())).toList();
        this.overlapping = overlap(sets, s.kh() * s.kw());
    }

    /// Projects all channels in place onto the nearest weights of norm at most `r`, up to the rounding to float.
    ///
    /// @param weight `[o, c/groups, kh, kw]`
    /// @param r      at least 0
    /// @return how many channels were changed
    public int project(float[] weight, double r) {
        int changed = 0;
        for (int channel = 0; channel < s.channels(); channel++) {
            changed += project(channel, weight, r) ? 1 : 0;
        }
        return changed;
    }

    /// Projects one channel in place; see [#project(float[], double)].
    ///
    /// @return whether it was changed
    public boolean project(int channel, float[] weight, double r) {
        Slice slice = new Slice(s, channel, weight);
        if (!slice.isFinite() || sets.stream().noneMatch(set -> slice.sum(set) > r)) {
            return false;
        }
        if (overlapping) {
            slice.projectTogether(sets, r);
        } else {
            sets.stream().filter(set -> slice.sum(set) > r).forEach(set -> slice.projectAlone(set, r));
        }
        sets.forEach(set -> slice.scaleInside(set, r));
        return true;
    }

    private static int[] taps(TapSet set, int kw) {
        return set.rows().stream().flatMapToInt(t -> set.columns().stream().mapToInt(u -> t * kw + u)).toArray();
    }

    private static boolean overlap(List<int[]> sets, int area) {
        int[] count = new int[area];
        sets.forEach(set -> Arrays.stream(set).forEach(tap -> count[tap]++));
        return Arrays.stream(count).anyMatch(c -> c > 1);
    }

    /// The largest float that is not above a value of at least 0.
    public static float towardsZero(double value) {
        float rounded = (float) value;
        return rounded > value ? Math.nextDown(rounded) : rounded;
    }

    /// The weights of one channel.
    private record Slice(SliceNormSizes s, int channel, float[] weight) {

        private int area() {
            return s.kh() * s.kw();
        }

        /// The place of a tap of one of the channel's kernels.
        private int at(int kernel, int tap) {
            return s.filter(channel, kernel) * area() + tap;
        }

        boolean isFinite() {
            for (int kernel = 0; kernel < s.filters(); kernel++) {
                for (int tap = 0; tap < area(); tap++) {
                    if (!Float.isFinite(weight[at(kernel, tap)])) {
                        return false;
                    }
                }
            }
            return true;
        }

        /// The sum over a tap set, in the order in which norms are measured: first over the kernels, then over the taps.
        double sum(int[] set) {
            double sum = 0;
            for (int tap : set) {
                double tapSum = 0;
                for (int kernel = 0; kernel < s.filters(); kernel++) {
                    tapSum += Math.abs(weight[at(kernel, tap)]);
                }
                sum += tapSum;
            }
            return sum;
        }

        void projectAlone(int[] set, double r) {
            double threshold = L1Ball.threshold(magnitudes(set), r);
            shrink(set, _ -> threshold);
        }

        void projectTogether(List<int[]> sets, double r) {
            int[] all = new int[area()];
            Arrays.setAll(all, tap -> tap);
            double[] thresholds = OverlappingSums.project(magnitudes(all), area(), sets, r).thresholds();
            shrink(all, tap -> thresholds[tap]);
        }

        /// `[kernels, set]`.
        private double[] magnitudes(int[] set) {
            double[] magnitudes = new double[s.filters() * set.length];
            for (int kernel = 0; kernel < s.filters(); kernel++) {
                for (int k = 0; k < set.length; k++) {
                    magnitudes[kernel * set.length + k] = Math.abs(weight[at(kernel, set[k])]);
                }
            }
            return magnitudes;
        }

        private void shrink(int[] set, IntToDoubleFunction threshold) {
            for (int tap : set) {
                double by = threshold.applyAsDouble(tap);
                for (int kernel = 0; by != 0 && kernel < s.filters(); kernel++) {
                    float value = weight[at(kernel, tap)];
                    weight[at(kernel, tap)] = Math.copySign(towardsZero(Math.max(0, Math.abs(value) - by)), value);
                }
            }
        }

        void scaleInside(int[] set, double r) {
            double slack = 1;
            for (double sum = sum(set); sum > r; sum = sum(set)) {
                double factor = r / sum * slack;
                for (int tap : set) {
                    for (int kernel = 0; kernel < s.filters(); kernel++) {
                        float value = weight[at(kernel, tap)];
                        weight[at(kernel, tap)] = Math.copySign(towardsZero(Math.abs(value) * factor), value);
                    }
                }
                slack *= 1 - 0x1p-50;
            }
        }
    }
}
