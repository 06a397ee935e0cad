package dev.normlab.experiments.plot;

/// An axis-parallel rectangle in SVG coordinates: pixels, y pointing down.
///
/// @param x the left edge
/// @param y the top edge
/// @param width the width, not negative
/// @param height the height, not negative
public record Box(double x, double y, double width, double height) {

    /// The right edge.
    public double right() {
        return x + width;
    }

    /// The bottom edge.
    public double bottom() {
        return y + height;
    }
}
