package dev.normlab.lip.bound;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.Workers;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.spectral.L2Bound;

/// An upper bound of the largest singular value of a convolution.
@FunctionalInterface
public interface SpectralBound {

    /// The bound for a weight `[o, c/groups, kh, kw]`, row-major. A linear layer is a convolution of one tap on an image of one pixel.
    double of(Conv2dSizes sizes, PadMode mode, float[] weight);

    /// The best bound that is known, rounding included: [L2Bound]. NaN or infinite weights give NaN or infinity.
    static SpectralBound guaranteed(Workers workers) {
        return (s, mode, weight) -> {
            double sums = byExactNorms(s, mode, weight);
            return sums < Double.POSITIVE_INFINITY ? L2Bound.ofConvolution(s, mode, weight, workers).value() : sums;
        };
    }

    /// `sqrt(‖M‖₁·‖M‖∞)`, for every kind of border, without an allowance for rounding.
    static double byExactNorms(Conv2dSizes sizes, PadMode mode, float[] weight) {
        return Math.sqrt(Factors.sumNorm(sizes, mode, weight, Norm.L1) * Factors.sumNorm(sizes, mode, weight, Norm.LINF));
    }
}
