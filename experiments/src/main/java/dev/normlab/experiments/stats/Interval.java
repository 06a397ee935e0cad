package dev.normlab.experiments.stats;

/// A closed interval of real numbers.
///
/// @param low the lower end
/// @param high the upper end, not below `low`
public record Interval(double low, double high) {

    /// Checks the values.
    ///
    /// @throws IllegalArgumentException if an end is not a number or the ends are in the wrong order
    public Interval {
        if (!(low <= high)) {
            throw new IllegalArgumentException("an interval needs low <= high, but got [" + low + ", " + high + "]");
        }
    }

    /// Whether the two intervals share at least one point.
    public boolean overlaps(Interval other) {
        return low <= other.high && other.low <= high;
    }
}
