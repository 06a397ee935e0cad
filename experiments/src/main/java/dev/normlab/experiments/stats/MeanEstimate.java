package dev.normlab.experiments.stats;

/// A mean over repetitions, with the half width of its two-sided 95% confidence interval by Student's t.
///
/// @param mean      of the values
/// @param halfWidth of the interval; NaN for a single value, which says nothing about the spread
/// @param n         how many values there are
/// @param error     the standard error of the mean; NaN for a single value
public record MeanEstimate(double mean, double halfWidth, int n, double error) {

    private static final double CONFIDENCE = 0.95;

    /// The estimate of some values.
    ///
    /// @throws IllegalArgumentException if there are none, or one is not finite
    public static MeanEstimate of(double... values) {
        Sample sample = Sample.of(values);
        int n = sample.size();
        if (n == 1) {
            return new MeanEstimate(sample.mean(), Double.NaN, 1, Double.NaN);
        }
        double error = sample.standardDeviation() / Math.sqrt(n);
        return new MeanEstimate(sample.mean(), error * StudentT.twoSided(n - 1.0, CONFIDENCE), n, error);
    }

    /// This minus another, of independent repetitions, with the degrees of freedom of Welch and Satterthwaite; without an interval if one
    /// of them is a single value.
    public MeanEstimate minus(MeanEstimate other) {
        double difference = mean - other.mean;
        if (n < 2 || other.n < 2) {
            return new MeanEstimate(difference, Double.NaN, Math.min(n, other.n), Double.NaN);
        }
        double mine = error * error;
        double others = other.error * other.error;
        double both = mine + others;
        if (both == 0) {
            return new MeanEstimate(difference, 0, Math.min(n, other.n), 0);
        }
        double degrees = both * both / (mine * mine / (n - 1) + others * others / (other.n - 1));
        return new MeanEstimate(difference, Math.sqrt(both) * StudentT.twoSided(degrees, CONFIDENCE), Math.min(n, other.n),
                Math.sqrt(both));
    }

    /// Whether the interval does not contain 0; false without an interval.
    public boolean isApartFromZero() {
        return Math.abs(mean) > halfWidth;
    }
}
