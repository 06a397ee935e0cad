package dev.normlab.experiments.plot;

/// One element of a drawing, in SVG coordinates (pixels, y down). Style classes are those of [Palette#css()].
sealed interface Mark {

    /// How text lies relative to its anchor point.
    enum Anchor {
        START, MIDDLE, END
    }

    /// One line of text with its baseline at `y`, turned by `angle` degrees clockwise about (`x`, `y`).
    ///
    /// @param tooltip the text shown on hover where it differs, or empty
    record Text(double x, double y, String text, Anchor anchor, double angle, TextStyle style, String tooltip) implements Mark {

        /// The box that the text fills before it is turned.
        Box unturned() {
            double width = TextMetrics.width(text, style);
            double left = switch (anchor) {
                case START -> x;
                case MIDDLE -> x - width / 2;
                case END -> x - width;
            };
            return new Box(left, y - TextMetrics.ASCENT * style.size(), width, (TextMetrics.ASCENT + TextMetrics.DESCENT) * style.size());
        }
    }

    /// A straight line.
    record Line(double x1, double y1, double x2, double y2, String styleClass, String tooltip) implements Mark {}

    /// A path with the data of an SVG `d` attribute, clipped to the plot area where `clipped`.
    record Path(String data, String styleClass, boolean clipped) implements Mark {}

    /// A bar filled with the colour and hatch of a series.
    record Bar(Box box, int slot, String tooltip) implements Mark {}

    /// A series' marker symbol.
    record Symbol(double x, double y, int slot, boolean clipped) implements Mark {}

    /// An invisible circle that shows a tooltip on hover.
    record Hotspot(double x, double y, String tooltip) implements Mark {}
}
