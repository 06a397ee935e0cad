package dev.normlab.lip.projection;

import dev.normlab.engine.kernel.SliceProjection;
import dev.normlab.lip.norm.PatternSlices;

/// Keeps convolutions with circular, reflected or replicated borders inside a norm, where the constraint is no l1 ball: channels beyond it
/// are scaled, which is feasible but not nearest.
final class PatternProjection {

    private PatternProjection() {}

    /// Scales the channels whose norm exceeds `r` to it, in place.
    ///
    /// @param weight `[o, c/groups, kh, kw]`, finite
    /// @return how many channels were changed
    static int scale(PatternSlices s, float[] weight, double r) {
        int changed = 0;
        for (int channel = 0; channel < s.channels(); channel++) {
            double norm = s.norm(weight, channel).norm();
            changed += norm > r ? 1 : 0;
            double slack = 1;
            while (norm > r) {
                scale(s.kernels(channel), s.area(), weight, r / norm * slack);
                norm = s.norm(weight, channel).norm();
                slack *= 1 - 0x1p-23; // sums of taps of both signs can grow when their terms are rounded towards zero
            }
        }
        return changed;
    }

    private static void scale(int[] kernels, int area, float[] weight, double factor) {
        for (int kernel : kernels) {
            for (int at = kernel * area; at < (kernel + 1) * area; at++) {
                weight[at] = Math.copySign(SliceProjection.towardsZero(Math.abs(weight[at]) * factor), weight[at]);
            }
        }
    }
}
