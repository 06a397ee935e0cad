package dev.normlab.lip.projection;

import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.SliceNormSizes.TapSet;
import dev.normlab.lip.norm.PatternSlices;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntToDoubleFunction;

/// Projects the weights of a layer onto those whose l1 or linf norm is at most a radius.
///
/// The norm is the largest slice sum, and slices of different channels share no weight, so that every channel is projected by itself. Where
/// the tap sets of a channel do not overlap, each is an l1 ball ([L1Ball]); where they do, they are solved together ([OverlappingSums]).
/// All slices that violate the constraint are treated at once, and the others keep their bits. Results are rounded towards zero and, if
/// their sum still exceeds the radius, scaled by the excess, so that the constraint really holds afterwards.
public final class SliceProjection {

    private SliceProjection() {}

    /// Projects in place onto the nearest weights of norm at most `r`, up to the rounding to float.
    ///
    /// @param weight `[o, c/groups, kh, kw]`, finite
    /// @param r      at least 0
    /// @return how many channels were changed
    public static int project(SliceNormSizes s, float[] weight, double r) {
        List<int[]> sets = s.tapSets().stream().map(set -> taps(set, s.kw())).toList();
        boolean overlapping = overlap(sets, s.kh() * s.kw());
        int changed = 0;
        for (int channel = 0; channel < s.channels(); channel++) {
            Slice slice = new Slice(weight, kernels(s, channel), s.kh() * s.kw());
            if (sets.stream().anyMatch(set -> slice.sum(set) > r)) {
                changed++;
                if (overlapping) {
                    slice.projectTogether(sets, r);
                } else {
                    sets.stream().filter(set -> slice.sum(set) > r).forEach(set -> slice.projectAlone(set, r));
                }
                sets.forEach(set -> slice.scaleInside(set, r));
            }
        }
        return changed;
    }

    /// Scales the channels whose norm exceeds `r` to it, in place: feasible but not nearest, since with borders that are not zero the
    /// constraint is no l1 ball.
    ///
    /// @param weight `[o, c/groups, kh, kw]`, finite
    /// @return how many channels were changed
    public static int scale(PatternSlices s, float[] weight, double r) {
        int changed = 0;
        for (int channel = 0; channel < s.channels(); channel++) {
            double norm = s.norm(weight, channel).norm();
            changed += norm > r ? 1 : 0;
            double slack = 1;
            while (norm > r) {
                Slice slice = new Slice(weight, s.kernels(channel), s.area());
                slice.scale(r / norm * slack);
                norm = s.norm(weight, channel).norm();
                slack *= 1 - 0x1p-23; // sums of taps of both signs can grow when their terms are rounded towards zero
            }
        }
        return changed;
    }

    private static int[] taps(TapSet set, int kw) {
        return set.rows().stream().flatMapToInt(t -> set.columns().stream().mapToInt(u -> t * kw + u)).toArray();
    }

    private static boolean overlap(List<int[]> sets, int area) {
        int[] count = new int[area];
        sets.forEach(set -> Arrays.stream(set).forEach(tap -> count[tap]++));
        return Arrays.stream(count).anyMatch(c -> c > 1);
    }

    /// The kernels of a channel: all inputs of an output channel, or all outputs that an input channel reaches.
    private static int[] kernels(SliceNormSizes s, int channel) {
        int groupOutputs = s.o() / s.groups();
        int[] kernels = new int[s.byOutput() ? s.groupInputs() : groupOutputs];
        for (int i = 0; i < kernels.length; i++) {
            kernels[i] = s.byOutput()
                    ? channel * s.groupInputs() + i
                    : (channel / s.groupInputs() * groupOutputs + i) * s.groupInputs() + channel % s.groupInputs();
        }
        return kernels;
    }

    /// The largest float that is not above a value of at least 0.
    static float towardsZero(double value) {
        float rounded = (float) value;
        return rounded > value ? Math.nextDown(rounded) : rounded;
    }

    /// The weights of one channel.
    private record Slice(float[] weight, int[] kernels, int area) {

        /// The sum over a tap set, in the order in which norms are measured: first over the kernels, then over the taps.
        double sum(int[] set) {
            double sum = 0;
            for (int tap : set) {
                double tapSum = 0;
                for (int kernel : kernels) {
                    tapSum += Math.abs(weight[kernel * area + tap]);
                }
                sum += tapSum;
            }
            return sum;
        }

        void projectAlone(int[] set, double r) {
            double[] magnitudes = magnitudes(set);
            double threshold = L1Ball.threshold(magnitudes, r);
            shrink(set, tap -> threshold);
        }

        void projectTogether(List<int[]> sets, double r) {
            int[] all = new int[area];
            Arrays.setAll(all, tap -> tap);
            double[] thresholds = OverlappingSums.project(magnitudes(all), area, sets, r).thresholds();
            shrink(all, tap -> thresholds[tap]);
        }

        /// `[kernels, set]`.
        private double[] magnitudes(int[] set) {
            double[] magnitudes = new double[kernels.length * set.length];
            for (int i = 0; i < kernels.length; i++) {
                for (int k = 0; k < set.length; k++) {
                    magnitudes[i * set.length + k] = Math.abs(weight[kernels[i] * area + set[k]]);
                }
            }
            return magnitudes;
        }

        private void shrink(int[] set, IntToDoubleFunction threshold) {
            for (int tap : set) {
                double by = threshold.applyAsDouble(tap);
                for (int kernel : kernels) {
                    float value = weight[kernel * area + tap];
                    weight[kernel * area + tap] = by == 0
                            ? value
                            : Math.copySign(towardsZero(Math.max(0, Math.abs(value) - by)), value);
                }
            }
        }

        void scaleInside(int[] set, double r) {
            double slack = 1;
            for (double sum = sum(set); sum > r; sum = sum(set)) {
                double factor = r / sum * slack;
                for (int tap : set) {
                    for (int kernel : kernels) {
                        scale(kernel * area + tap, factor);
                    }
                }
                slack *= 1 - 0x1p-50;
            }
        }

        void scale(double factor) {
            for (int kernel : kernels) {
                for (int tap = 0; tap < area; tap++) {
                    scale(kernel * area + tap, factor);
                }
            }
        }

        private void scale(int index, double factor) {
            float value = weight[index];
            weight[index] = Math.copySign(towardsZero(Math.abs(value) * factor), value);
        }
    }
}
