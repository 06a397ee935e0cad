package dev.normlab.experiments.plot;

import java.util.List;

/// A line chart: one or several series of points, joined in the given order or not at all, with optional intervals around them.
///
/// A value that the axis cannot show (NaN, infinite, or not positive on a logarithmic axis) leaves a gap in the line and is counted in a
/// note under the figure. A chart without any value to show says so.
///
/// @param title a short name
/// @param description what the chart shows, for readers who cannot see it
/// @param x the horizontal axis
/// @param y the vertical axis
/// @param series the lines, in the order of the legend
public record LineChart(String title, String description, Axis x, Axis y, List<Series> series) implements Figure {

    /// Copies the list.
    public LineChart {
        series = List.copyOf(series);
    }

    /// How the points of a series are joined.
    public enum Join {

        /// By straight lines, with a band from the lower to the upper ends of the intervals.
        LINES,
        /// By steps: just beyond a point the value is already that of the next one. Intervals are in tooltips only.
        STEPS,
        /// Not at all: every point stands for itself, with its interval as a whisker.
        NONE
    }

    /// A line.
    ///
    /// @param name its name in the legend
    /// @param slot its place in the palette, from 0; the same slot looks the same in every figure
    /// @param join how the points are joined
    /// @param points its points
    public record Series(String name, int slot, Join join, List<Point> points) {

        /// Copies the list.
        ///
        /// @throws IllegalArgumentException if the slot is negative
        public Series {
            if (slot < 0) {
                throw new IllegalArgumentException("the palette slot of series '" + name + "' must not be negative, but is " + slot);
            }
            points = List.copyOf(points);
        }

        /// Points that straight lines join.
        public Series(String name, int slot, List<Point> points) {
            this(name, slot, Join.LINES, points);
        }
    }

    /// A point of a line, with the ends of its interval.
    ///
    /// @param x the horizontal position
    /// @param y the value
    /// @param low the lower end of the interval, or NaN for none
    /// @param high the upper end of the interval, or NaN for none
    public record Point(double x, double y, double low, double high) {

        /// A point without an interval.
        public static Point of(double x, double y) {
            return new Point(x, y, Double.NaN, Double.NaN);
        }
    }
}
