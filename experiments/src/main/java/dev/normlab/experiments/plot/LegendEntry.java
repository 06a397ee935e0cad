package dev.normlab.experiments.plot;

/// One series in a legend.
///
/// @param name the text
/// @param slot the series' place in the palette
/// @param swatch what stands for the series
record LegendEntry(String name, int slot, Swatch swatch) {

    enum Swatch {
        LINE, LINE_WITH_MARKER, MARKER, BAR
    }

    double swatchWidth() {
        return switch (swatch) {
            case BAR, MARKER -> 13;
            case LINE, LINE_WITH_MARKER -> 28;
        };
    }

    /// Draws the swatch from `x` to the right, vertically centred at `y`.
    void draw(Canvas canvas, double x, double y) {
        if (swatch == Swatch.BAR) {
            canvas.add(new Mark.Bar(new Box(x, y - 6, 13, 12), slot, ""));
            return;
        }
        if (swatch != Swatch.MARKER) {
            canvas.add(new Mark.Path(Symbols.at("M", x, y) + "h28", Palette.line(slot), false));
        }
        if (swatch != Swatch.LINE) {
            canvas.add(new Mark.Symbol(x + swatchWidth() / 2, y, slot, false));
        }
    }
}
