package dev.normlab.lip.bound;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.PadSizes;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.lip.norm.ConvolutionNorms;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.norm.PatternSlices;
import dev.normlab.lip.norm.PoolingNorms;

/// How much single operations can stretch a difference of inputs.
final class Factors {

    /// The largest slope of `x·sigmoid(x)`, at x = 2.3993572805.., rounded up.
    static final double SILU = 1.0998393195;

    private Factors() {}

    static PNorms convolution(Conv2dSizes s, PadMode mode, float[] weight, SpectralBound spectral) {
        return new PNorms(sumNorm(s, mode, weight, Norm.L1), spectral.of(s, mode, weight), sumNorm(s, mode, weight, Norm.LINF));
    }

    /// The exact l1 or linf norm of a convolution with any kind of border.
    static double sumNorm(Conv2dSizes s, PadMode mode, float[] weight, Norm norm) {
        return mode == PadMode.ZERO
                ? ConvolutionNorms.norm(ConvolutionNorms.slices(s, norm), weight).norm()
                : PatternSlices.of(s, mode, norm).norm(weight).norm();
    }

    /// A linear layer `[out, in]` as a convolution.
    static Conv2dSizes linear(int out, int in) {
        return new Conv2dSizes(1, in, 1, 1, out, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1);
    }

    static PNorms pooling(PoolingNorms norms) {
        return new PNorms(norms.l1(), norms.l2(), norms.linf());
    }

    /// Padding copies border values; it is a convolution of one tap, 1, of each channel.
    static PNorms padding(PadSizes s) {
        Conv2dSizes one = new Conv2dSizes(1, 1, s.h(), s.w(), 1, 1, 1, 1, 1, s.top(), s.bottom(), s.left(), s.right(), 1, 1, 1, s.oh(),
                s.ow());
        double copies = sumNorm(one, s.mode(), new float[] {1}, Norm.L1);
        return PNorms.copies(copies);
    }

    /// The largest slope of an activation; NaN for functions without one.
    static double slope(UnaryFunction function) {
        return switch (function) {
            case RELU, ABS, NEGATE -> 1;
            case SIGMOID -> 0.25;
            case SILU -> SILU;
            case EXP, LOG, SQRT, SIGN, SQUARE, X_LOG_X -> Double.NaN;
        };
    }

    /// The values of an activation.
    static ValueRange range(UnaryFunction function, ValueRange x) {
        return switch (function) {
            case RELU -> x.increasing(value -> Math.max(0, value));
            case SIGMOID -> x.increasing(Factors::sigmoid);
            case SILU -> new ValueRange(x.increasing(value -> Math.min(0, Math.max(value, -0.27846455))).low(),
                    x.increasing(value -> Math.max(0, value)).high());
            case NEGATE -> ValueRange.of(x.low().length, 0, 0).minus(x);
            default -> ValueRange.of(x.low().length, -x.magnitude(), x.magnitude());
        };
    }

    private static double sigmoid(double x) {
        return 1 / (1 + StrictMath.exp(-x));
    }
}
