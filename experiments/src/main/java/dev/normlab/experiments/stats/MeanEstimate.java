package dev.normlab.experiments.stats;

/// A mean over repetitions, with the half width of its two-sided 95% confidence interval by Student's t.
///
/// @param mean      of the values
/// @param halfWidth of the interval; NaN without one: for a single value, and where all values are the same. Three equal accuracies of a
///                  thousand images each do not make the mean certain
/// @param n         how many values there are
/// @param error     the standard error of the mean; NaN for a single value, 0 for equal ones
public record MeanEstimate(double mean, double halfWidth, int n, double error) {

    private static final double CONFIDENCE = 0.95;
    /// What remains of a difference of equal means that were rounded differently.
    private static final double ROUNDING = 1e-12;

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
        return new MeanEstimate(sample.mean(), error == 0 ? Double.NaN : error * StudentT.twoSided(n - 1.0, CONFIDENCE), n, error);
    }

    /// This minus another, of independent repetitions, with the degrees of freedom of Welch and Satterthwaite; without an interval if one
    /// of them is a single value or neither has any spread. A difference below 1e-12 is 0.
    public MeanEstimate minus(MeanEstimate other) {
        double difference = Math.abs(mean - other.mean) < ROUNDING ? 0 : mean - other.mean;
        if (n < 2 || other.n < 2) {
            return new MeanEstimate(difference, Double.NaN, Math.min(n, other.n), Double.NaN);
        }
        double mine = error * error;
        double others = other.error * other.error;
        double both = mine + others;
        if (both == 0) {
            return new MeanEstimate(difference, Double.NaN, Math.min(n, other.n), 0);
        }
        double degrees = both * both / (mine * mine / (n - 1) + others * others / (other.n - 1));
        return new MeanEstimate(difference, Math.sqrt(both) * StudentT.twoSided(degrees, CONFIDENCE), Math.min(n, other.n),
                Math.sqrt(both));
    }

    /// Whether there is an interval.
    public boolean hasInterval() {
        return Double.isFinite(halfWidth);
    }

    /// Whether the interval does not contain 0; false without an interval.
    public boolean isApartFromZero() {
        return Math.abs(mean) > halfWidth;
    }
}
