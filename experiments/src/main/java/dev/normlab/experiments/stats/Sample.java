package dev.normlab.experiments.stats;

import java.util.Arrays;

/// A sorted sample of finite real numbers and its usual summaries.
public final class Sample {

    private final double[] sorted;

    private Sample(double[] sorted) {
        this.sorted = sorted;
    }

    /// The sample with these values, in any order; the array is copied.
    ///
    /// @throws IllegalArgumentException if there are no values, or one is not finite
    public static Sample of(double... values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("a sample needs at least one value");
        }
        for (double value : values) {
            if (!Double.isFinite(value)) {
                throw new IllegalArgumentException("a sample holds finite values only, but got " + value);
            }
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return new Sample(sorted);
    }

    /// The number of values.
    public int size() {
        return sorted.length;
    }

    /// A sorted copy of the values.
    public double[] values() {
        return sorted.clone();
    }

    /// The smallest value.
    public double min() {
        return sorted[0];
    }

    /// The largest value.
    public double max() {
        return sorted[sorted.length - 1];
    }

    /// The arithmetic mean, summed in ascending order.
    public double mean() {
        double sum = 0;
        for (double value : sorted) {
            sum += value;
        }
        return sum / sorted.length;
    }

    /// The unbiased standard deviation (divisor n - 1); exactly 0 if all values are equal.
    public double standardDeviation() {
        if (min() == max()) {
            return 0;
        }
        double mean = mean();
        double squares = 0;
        for (double value : sorted) {
            squares += (value - mean) * (value - mean);
        }
        return Math.sqrt(squares / (sorted.length - 1));
    }

    /// The median.
    public double median() {
        return quantile(0.5);
    }

    /// A quantile by linear interpolation between the order statistics at position `(n - 1) * p` (type 7 of Hyndman and Fan, NumPy's
    /// default).
    ///
    /// @param p the probability, in [0, 1]
    /// @throws IllegalArgumentException if `p` is outside [0, 1]
    public double quantile(double p) {
        if (!(p >= 0 && p <= 1)) {
            throw new IllegalArgumentException("a quantile needs a probability in [0, 1], but got " + p);
        }
        double position = (sorted.length - 1) * p;
        int below = (int) Math.floor(position);
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }
}
