package dev.normlab.experiments.plot;

/// One series in a legend.
///
/// @param name the text
/// @param slot the series' place in the palette
/// @param swatch what stands for the series
record LegendEntry(String name, int slot, Swatch swatch) {

    enum Swatch {
        LINE, LINE_WITH_MARKER, BAR
    }

    double swatchWidth() {
        return swatch == Swatch.BAR ? 13 : 28;
    }

    /// Draws the swatch from `x` to the right, vertically centred at `y`.
    void draw(Canvas canvas, double x, double y) {
        if (swatch == Swatch.BAR) {
            canvas.add(new Mark.Bar(new Box(x, y - 6, 13, 12), slot, ""));
            return;
        }
        canvas.add(new Mark.Path(Symbols.at("M", x, y) + "h28", Palette.line(slot), false));
        if (swatch == Swatch.LINE_WITH_MARKER) {
            canvas.add(new Mark.Symbol(x + 14, y, slot, false));
        }
    }
}
