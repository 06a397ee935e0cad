package dev.normlab.experiments.plot;

import java.util.List;

/// A grouped bar chart with optional error bars: for every category one bar per series, side by side. Bars start at zero, or on a
/// logarithmic axis, which has none, at its lower end: there only the ends of bars mean something, and not their lengths.
///
/// A value that is NaN or infinite leaves its place empty and is counted in a note; `absent` says what that means. Values are written above
/// the bars where there is room.
///
/// @param title a short name
/// @param description what the chart shows, for readers who cannot see it
/// @param category the name of the horizontal axis; may be empty
/// @param value the value axis
/// @param categories the names of the groups, from left to right
/// @param series the bars, in the order of the legend
/// @param absent why bars are missing, for the note, such as `not measured`; empty where it can have several reasons
public record BarChart(String title, String description, String category, Axis value, List<String> categories, List<Series> series,
        String absent) implements Figure {

    /// A chart whose missing bars can have several reasons.
    public BarChart(String title, String description, String category, Axis value, List<String> categories, List<Series> series) {
        this(title, description, category, value, categories, series, "");
    }

    /// Copies the lists.
    ///
    /// @throws IllegalArgumentException if a series does not have one bar per category
    public BarChart {
        categories = List.copyOf(categories);
        series = List.copyOf(series);
        for (Series one : series) {
            if (one.bars().size() != categories.size()) {
                throw new IllegalArgumentException("series '" + one.name() + "' has " + one.bars().size() + " bars for " + categories.size()
                        + " categories");
            }
        }
    }

    /// The bars of one colour.
    ///
    /// @param name its name in the legend
    /// @param slot its place in the palette, from 0; the same slot looks the same in every figure
    /// @param bars one bar per category; [Bar#MISSING] where there is no value
    public record Series(String name, int slot, List<Bar> bars) {

        /// Copies the list.
        ///
        /// @throws IllegalArgumentException if the slot is negative
        public Series {
            if (slot < 0) {
                throw new IllegalArgumentException("the palette slot of series '" + name + "' must not be negative, but is " + slot);
            }
            bars = List.copyOf(bars);
        }
    }

    /// A bar.
    ///
    /// @param value its length
    /// @param low the lower end of the error bar, or NaN for none
    /// @param high the upper end of the error bar, or NaN for none
    public record Bar(double value, double low, double high) {

        /// No value.
        public static final Bar MISSING = of(Double.NaN);

        /// A bar without an error bar.
        public static Bar of(double value) {
            return new Bar(value, Double.NaN, Double.NaN);
        }

        boolean hasInterval() {
            return Double.isFinite(low) && Double.isFinite(high);
        }
    }
}
