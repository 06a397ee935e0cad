package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Workers;
import java.util.Arrays;

/// Upper bounds of largest singular values by Gram iteration (Delattre et al., Efficient Bound of Lipschitz Constant for Convolutional
/// Layers by Gram Iteration, ICML 2023).
///
/// Squaring `G ← GᴴG` squares singular values; the Frobenius norm is above the largest one, and its `2^N`-th root closes in on it:
///
///     L = 0;   N times:  ρ = ‖G‖_F,  G ← G/ρ,  L ← 2(L + ln ρ),  G ← GᴴG;   bound = ‖G‖_F^(2^-N) · exp(L·2^-N)
///
/// In exact arithmetic this is a bound for every `N`. The value here is raised by what rounding in double precision can take away. What
/// [L2Bound] finds for the same layer is tighter and takes a fraction of the time; each is the other's check.
public final class GramIteration {

    private GramIteration() {}

    /// The largest bound over all frequencies and groups of a circular convolution.
    ///
    /// @param weight     `[o, c/groups, kh, kw]`, row-major
    /// @param iterations `N`, at least 1
    /// @throws ArithmeticException if the weights are not finite
    public static double bound(CircularConvolution s, float[] weight, int iterations, Workers workers) {
        if (iterations < 1 || iterations > 20) {
            throw new IllegalArgumentException("Gram iteration takes 1 to 20 iterations, but got " + iterations);
        }
        ConvolutionSpectrum.requireFinite(weight);
        double largest = 0;
        for (int group = 0; group < s.groups(); group++) {
            CircularSymbol symbol = CircularSymbol.of(s, weight, group).prepare(workers);
            double[] bounds = new double[symbol.frequencies().size()];
            workers.run(bounds.length, (k, _) -> bounds[k] = bound(symbol.at(k), iterations));
            largest = Math.max(largest, Rounding.raised(Arrays.stream(bounds).max().orElse(0), symbol));
        }
        return largest;
    }

    /// The bound of one matrix with at least as many rows as columns, with an allowance for the rounding of logarithm and exponential,
    /// which costs a share of the logarithm's size, but not for that of the Gram matrices.
    static double bound(ComplexMatrix tall, int iterations) {
        ComplexMatrix g = tall.copy();
        double log = 0;
        for (int i = 0; i < iterations; i++) {
            double norm = g.frobenius();
            if (norm == 0) {
                return 0;
            }
            g.scale(1 / norm);
            log = 2 * (log + StrictMath.log(norm));
            g = g.gram();
        }
        double power = StrictMath.pow(2, -iterations);
        return StrictMath.pow(g.frobenius(), power) * StrictMath.exp(log * power) * (1 + 0x1p-50 * (4 + Math.abs(log * power)));
    }
}
