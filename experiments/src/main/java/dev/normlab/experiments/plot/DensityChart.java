package dev.normlab.experiments.plot;

import java.util.List;

/// A density figure: for every sample a Gaussian kernel density estimate with Silverman's bandwidth, and under it a rug with one line per
/// value.
///
/// On a logarithmic axis the estimate is made of the decimal logarithms, and its density is per power of ten. Each curve encloses the area
/// 1. A sample with fewer than two different values has only its rug, and the legend says so. Values that the axis cannot show are left out
/// and counted in a note.
///
/// @param title a short name
/// @param description what the figure shows, for readers who cannot see it
/// @param x the axis of the values
/// @param samples the samples, in the order of the legend
public record DensityChart(String title, String description, Axis x, List<Series> samples) implements Figure {

    /// Copies the list.
    public DensityChart {
        samples = List.copyOf(samples);
    }

    /// A sample.
    ///
    /// @param name its name in the legend
    /// @param slot its place in the palette, from 0; the same slot looks the same in every figure
    /// @param values its values, each with a label for tooltips
    public record Series(String name, int slot, List<Value> values) {

        /// Copies the list.
        ///
        /// @throws IllegalArgumentException if the slot is negative
        public Series {
            if (slot < 0) {
                throw new IllegalArgumentException("the palette slot of series '" + name + "' must not be negative, but is " + slot);
            }
            values = List.copyOf(values);
        }
    }

    /// A value of a sample.
    ///
    /// @param label what it belongs to, for example the name of a layer
    /// @param value the value
    public record Value(String label, double value) {}
}
