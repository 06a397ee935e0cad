package dev.normlab.experiments.stats;

import java.util.Optional;

/// A kernel density estimate with Gaussian kernels of one bandwidth.
///
/// The density at x is the mean over the sample of the normal density with standard deviation [#bandwidth()] around each value. The
/// exponential is `StrictMath.exp`, so that figures have the same bytes on every machine.
public final class GaussianKde {

    private static final double SQRT_TWO_PI = Math.sqrt(2 * Math.PI);

    private final double[] values;
    private final double bandwidth;

    private GaussianKde(double[] values, double bandwidth) {
        this.values = values;
        this.bandwidth = bandwidth;
    }

    /// The estimate with Silverman's bandwidth, or nothing if the sample has no spread (one value, or all values equal).
    public static Optional<GaussianKde> of(Sample sample) {
        double bandwidth = silvermanBandwidth(sample);
        return bandwidth > 0 ? Optional.of(new GaussianKde(sample.values(), bandwidth)) : Optional.empty();
    }

    /// The estimate with a chosen bandwidth.
    ///
    /// @throws IllegalArgumentException if the bandwidth is not positive and finite
    public static GaussianKde withBandwidth(Sample sample, double bandwidth) {
        if (!(bandwidth > 0) || Double.isInfinite(bandwidth)) {
            throw new IllegalArgumentException("the bandwidth must be positive and finite, but is " + bandwidth);
        }
        return new GaussianKde(sample.values(), bandwidth);
    }

    /// Silverman's rule of thumb, `0.9 min(s, IQR / 1.34) n^(-1/5)`, with s the standard deviation and IQR the interquartile range; where
    /// the IQR is 0 although the values differ, s alone. 0 if all values are equal. Source: B. W. Silverman, "Density Estimation for
    /// Statistics and Data Analysis" (1986), equation 3.31.
    public static double silvermanBandwidth(Sample sample) {
        double deviation = sample.standardDeviation();
        double range = (sample.quantile(0.75) - sample.quantile(0.25)) / 1.34;
        double spread = range > 0 ? Math.min(deviation, range) : deviation;
        return 0.9 * spread * StrictMath.pow(sample.size(), -0.2);
    }

    /// The standard deviation of each kernel, in the unit of the values.
    public double bandwidth() {
        return bandwidth;
    }

    /// The estimated density at `x`, per unit of the values.
    public double density(double x) {
        double sum = 0;
        for (double value : values) {
            double u = (x - value) / bandwidth;
            sum += StrictMath.exp(-0.5 * u * u);
        }
        return sum / (values.length * bandwidth * SQRT_TWO_PI);
    }
}
