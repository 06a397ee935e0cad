package dev.normlab.experiments.plot;

import dev.normlab.experiments.plot.Mark.Anchor;
import java.util.List;

/// The plot area of a figure with its value axis on the left, and the drawing of axes around it.
///
/// @param plot the area of the data
/// @param y maps values of the vertical axis to pixels
record Frame(Box plot, Scale y) {

    static final double TICK_GAP = 8;
    private static final double MIN_LABEL_GAP = 9;

    /// The height of the data area that suits a figure of this width.
    static double plotHeight(double width) {
        return Math.clamp(0.5 * width, 190, 300);
    }

    /// How many labelled ticks suit a vertical axis of this length.
    static int verticalWish(double length) {
        return Math.max(2, (int) (length / 38));
    }

    /// The width that the labels of the vertical axis need, with the gap to the axis.
    static double labelWidth(Ticks ticks) {
        return ticks.all().stream().mapToDouble(tick -> TextMetrics.width(tick.label(), TextStyle.TICK)).max().orElse(0) + TICK_GAP;
    }

    /// Draws the vertical axis at the canvas' cursor: its label above, grid lines and tick labels. The cursor moves below the plot area.
    ///
    /// @param left the x coordinate of the plot area
    /// @param right the x coordinate where it ends
    /// @param headroom pixels between the top of the scale and the top of the plot area
    static Frame withValueAxis(Canvas canvas, Axis axis, Ticks ticks, double left, double right, double headroom) {
        if (!axis.label().isEmpty()) {
            canvas.paragraph(axis.label(), TextStyle.LABEL);
            canvas.moveTo(canvas.cursor() + 7);
        }
        Box plot = new Box(left, canvas.cursor(), right - left, plotHeight(canvas.width()) + headroom);
        Scale y = Scale.of(axis, ticks, plot.bottom(), plot.y() + headroom);
        for (Tick tick : ticks.all()) {
            if (!tick.isMinor()) {
                double at = y.at(tick.value());
                canvas.add(new Mark.Line(plot.x(), at, plot.right(), at, "nl-grid", ""));
                canvas.text(plot.x() - TICK_GAP, at + 0.35 * TextStyle.TICK.size(), tick.label(), Anchor.END, TextStyle.TICK);
            }
        }
        canvas.moveTo(plot.bottom());
        return new Frame(plot, y);
    }

    /// Ticks of a horizontal numeric axis of this length, as many as fit without their labels touching.
    static Ticks horizontalTicks(Axis axis, double min, double max, double length) {
        Ticks ticks = Ticks.within(axis, min, max, 2);
        for (int wish = Math.max(2, (int) (length / 50)); wish >= 2; wish--) {
            ticks = Ticks.within(axis, min, max, wish);
            if (labelsFit(ticks, Scale.of(axis, ticks, 0, length))) {
                return ticks;
            }
        }
        return thinned(ticks, Scale.of(axis, ticks, 0, length));
    }

    private static boolean labelsFit(Ticks ticks, Scale scale) {
        return thinned(ticks, scale).equals(ticks);
    }

    /// The ticks with those labels removed that would come too near to the one before them.
    private static Ticks thinned(Ticks ticks, Scale scale) {
        double[] end = {Double.NEGATIVE_INFINITY};
        List<Tick> kept = ticks.all().stream().map(tick -> {
            double half = TextMetrics.width(tick.label(), TextStyle.TICK) / 2;
            double at = scale.at(tick.value());
            if (tick.isMinor() || at - half < end[0] + MIN_LABEL_GAP) {
                return new Tick(tick.value(), "");
            }
            end[0] = at + half;
            return tick;
        }).toList();
        return new Ticks(ticks.min(), ticks.max(), kept);
    }

    /// The widest horizontal reach of a label beyond its tick.
    static double overhang(Ticks ticks) {
        return ticks.all().stream().mapToDouble(tick -> TextMetrics.width(tick.label(), TextStyle.TICK) / 2).max().orElse(0);
    }

    /// Draws a numeric axis under the plot area, `offset` pixels below it, and moves the canvas' cursor under its label.
    Scale drawHorizontalAxis(Canvas canvas, Axis axis, Ticks ticks, double offset) {
        Scale x = Scale.of(axis, ticks, plot.x(), plot.right());
        double axisY = plot.bottom() + offset;
        canvas.add(new Mark.Line(plot.x(), axisY, plot.right(), axisY, "nl-axis", ""));
        for (Tick tick : ticks.all()) {
            double at = x.at(tick.value());
            canvas.add(new Mark.Line(at, axisY, at, axisY + (tick.isMinor() ? 3 : 5), "nl-axis", ""));
            if (!tick.isMinor()) {
                canvas.text(at, axisY + 18, tick.label(), Anchor.MIDDLE, TextStyle.TICK);
            }
        }
        canvas.moveTo(axisY + 24);
        drawHorizontalLabel(canvas, axis.label());
        return x;
    }

    /// Writes the name of the horizontal axis, centred under the plot area and inside the figure.
    void drawHorizontalLabel(Canvas canvas, String label) {
        for (String line : TextMetrics.wrap(label, TextStyle.LABEL, canvas.width())) {
            double half = TextMetrics.width(line, TextStyle.LABEL) / 2;
            double centre = Math.clamp(plot.x() + plot.width() / 2, half, Math.max(half, canvas.width() - half));
            canvas.text(centre, canvas.cursor() + TextMetrics.ASCENT * TextStyle.LABEL.size() + 2, line, Anchor.MIDDLE, TextStyle.LABEL);
            canvas.moveTo(canvas.cursor() + TextStyle.LABEL.lineHeight());
        }
        canvas.moveTo(canvas.cursor() + 6);
    }
}
