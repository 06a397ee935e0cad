package dev.normlab.lip.bound;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.Workers;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.spectral.CircularConvolution;
import dev.normlab.lip.spectral.GramIteration;
import dev.normlab.lip.spectral.L2Bound;

/// A guaranteed upper bound of the largest singular value of a convolution.
@FunctionalInterface
public interface SpectralBound {

    /// Iterations that leave less than a tenth of a percent above the truth.
    int GRAM_STEPS = 8;

    /// The bound for a weight `[o, c/groups, kh, kw]`, row-major. A linear layer is a convolution of one tap on an image of one pixel.
    double of(Conv2dSizes sizes, PadMode mode, float[] weight);

    /// The best bound that is known: [L2Bound] for zero padding, Gram iteration for circular borders whose outputs go all around the image,
    /// and [#byExactNorms] where neither holds or is smaller. NaN or infinite weights give NaN or infinity.
    static SpectralBound guaranteed(Workers workers) {
        return (s, mode, weight) -> {
            double sums = byExactNorms(s, mode, weight);
            if (!(sums < Double.POSITIVE_INFINITY)) {
                return sums;
            }
            return switch (mode) {
                case ZERO -> L2Bound.ofConvolution(s, weight, workers).value();
                case CIRCULAR ->
                    goesAround(s) ? Math.min(sums, GramIteration.bound(CircularConvolution.of(s), weight, GRAM_STEPS, workers)) : sums;
                case REFLECT, REPLICATE -> sums;
            };
        };
    }

    /// Whether the outputs of a circularly padded convolution are those of the torus of the image's size.
    private static boolean goesAround(Conv2dSizes s) {
        return CircularConvolution.exists(s) && s.oh() * s.strideH() == s.h() && s.ow() * s.strideW() == s.w();
    }

    /// `sqrt(‖M‖₁·‖M‖∞)`, for every kind of border.
    static double byExactNorms(Conv2dSizes sizes, PadMode mode, float[] weight) {
        return Math.sqrt(Factors.sumNorm(sizes, mode, weight, Norm.L1) * Factors.sumNorm(sizes, mode, weight, Norm.LINF));
    }
}
