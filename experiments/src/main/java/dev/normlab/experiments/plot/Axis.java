package dev.normlab.experiments.plot;

/// What an axis shows: its label, kind of scale, format of the tick labels, and limits.
///
/// @param label the quantity and its unit, for example `l1 norm`; may be empty
/// @param kind the scale
/// @param format how tick labels are written
/// @param min the lower limit, or NaN to take it from the data
/// @param max the upper limit, or NaN to take it from the data
public record Axis(String label, Kind kind, Format format, double min, double max) {

    /// The kinds of scale.
    public enum Kind {
        /// Equal distances are equal differences.
        LINEAR,
        /// Linear with ticks at integers only.
        INTEGER,
        /// Equal distances are equal ratios; shows positive values only.
        LOG
    }

    /// How values are written.
    public enum Format {
        /// As they are.
        NUMBER,
        /// Fractions as percentages.
        PERCENT
    }

    /// Checks the values.
    ///
    /// @throws IllegalArgumentException if both limits are given and not in order, if a limit is infinite, or if a limit of a
    ///     logarithmic axis is not
    ///     positive
    public Axis {
        if (Double.isInfinite(min) || Double.isInfinite(max) || min >= max) {
            throw new IllegalArgumentException("the limits of axis '" + label + "' must be finite and min < max, but are " + min + " and "
                    + max);
        }
        if (kind == Kind.LOG && (min <= 0 || max <= 0)) {
            throw new IllegalArgumentException("the limits of the logarithmic axis '" + label + "' must be positive, but are " + min
                    + " and " + max);
        }
    }

    /// A linear axis with limits from the data.
    public static Axis linear(String label) {
        return new Axis(label, Kind.LINEAR, Format.NUMBER, Double.NaN, Double.NaN);
    }

    /// A linear axis with ticks at integers only, for epochs and counts.
    public static Axis integer(String label) {
        return new Axis(label, Kind.INTEGER, Format.NUMBER, Double.NaN, Double.NaN);
    }

    /// A logarithmic axis with limits from the data.
    public static Axis log(String label) {
        return new Axis(label, Kind.LOG, Format.NUMBER, Double.NaN, Double.NaN);
    }

    /// A linear axis from 0 to 1, written as 0% to 100%.
    public static Axis percent(String label) {
        return new Axis(label, Kind.LINEAR, Format.PERCENT, 0, 1);
    }

    /// This axis with other limits; NaN means from the data.
    public Axis withLimits(double min, double max) {
        return new Axis(label, kind, format, min, max);
    }

    /// Whether this axis can show the value: finite, not beyond 1e300 in magnitude, and positive on a logarithmic axis.
    public boolean shows(double value) {
        return Math.abs(value) <= 1e300 && (kind != Kind.LOG || value > 1e-300);
    }

    /// A value as text for tooltips and bar labels, with three significant digits, as an integer, or with one decimal of a percentage.
    String describe(double value) {
        if (format == Format.PERCENT) {
            return Numbers.percent(value, 1);
        }
        return kind == Kind.INTEGER && value == Math.rint(value) ? Numbers.fixed(value, 0) : Numbers.significant(value, 3);
    }
}
