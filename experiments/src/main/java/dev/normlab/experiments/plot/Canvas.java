package dev.normlab.experiments.plot;

import dev.normlab.experiments.plot.Mark.Anchor;
import java.util.ArrayList;
import java.util.List;

/// Collects the marks of a figure from top to bottom: title, legend, plot area, notes. Lives only while one figure is laid out.
final class Canvas {

    private static final double LEGEND_GAP = 18;
    private static final double SWATCH_GAP = 6;

    private final double width;
    private final List<Mark> marks = new ArrayList<>();
    private double cursor = 4;

    Canvas(double width) {
        this.width = width;
    }

    double width() {
        return width;
    }

    /// The first free y coordinate.
    double cursor() {
        return cursor;
    }

    /// Declares everything above `y` as used.
    void moveTo(double y) {
        cursor = y;
    }

    void add(Mark mark) {
        marks.add(mark);
    }

    void text(double x, double y, String text, Anchor anchor, TextStyle style) {
        marks.add(new Mark.Text(x, y, text, anchor, 0, style, ""));
    }

    /// Lines of text from the left edge, wrapped to the width.
    void paragraph(String text, TextStyle style) {
        for (String line : TextMetrics.wrap(text, style, width)) {
            text(0, cursor + TextMetrics.ASCENT * style.size(), line, Anchor.START, style);
            cursor += style.lineHeight();
        }
    }

    void title(String title) {
        paragraph(title, TextStyle.TITLE);
        cursor += 6;
    }

    /// The legend in rows, as many as the width needs.
    void legend(List<LegendEntry> entries) {
        double lineHeight = TextStyle.LEGEND.lineHeight() + 2;
        double x = 0;
        for (LegendEntry entry : entries) {
            double textWidth = width - entry.swatchWidth() - SWATCH_GAP;
            String name = TextMetrics.shorten(entry.name(), TextStyle.LEGEND, textWidth);
            double itemWidth = entry.swatchWidth() + SWATCH_GAP + TextMetrics.width(name, TextStyle.LEGEND);
            if (x > 0 && x + itemWidth > width) {
                x = 0;
                cursor += lineHeight;
            }
            entry.draw(this, x, cursor + 0.42 * TextStyle.LEGEND.size());
            String tooltip = name.equals(entry.name()) ? "" : entry.name();
            double baseline = cursor + TextMetrics.ASCENT * TextStyle.LEGEND.size();
            add(new Mark.Text(x + entry.swatchWidth() + SWATCH_GAP, baseline, name, Anchor.START, 0, TextStyle.LEGEND, tooltip));
            x += itemWidth + LEGEND_GAP;
        }
        cursor += entries.isEmpty() ? 0 : lineHeight + 4;
    }

    /// An empty plot area that says so.
    Box noData(String message) {
        Box box = new Box(0, cursor, width, 90);
        outline(box);
        List<String> lines = TextMetrics.wrap(message, TextStyle.LABEL, width - 20);
        double baseline = box.y() + box.height() / 2 - (lines.size() - 1) * TextStyle.LABEL.lineHeight() / 2 + 4;
        for (String line : lines) {
            text(width / 2, baseline, line, Anchor.MIDDLE, TextStyle.LABEL);
            baseline += TextStyle.LABEL.lineHeight();
        }
        cursor = box.bottom() + 4;
        return box;
    }

    private void outline(Box box) {
        double left = box.x() + 0.5;
        double right = box.right() - 0.5;
        add(new Mark.Line(left, box.y(), right, box.y(), "nl-grid", ""));
        add(new Mark.Line(left, box.bottom(), right, box.bottom(), "nl-grid", ""));
        add(new Mark.Line(left, box.y(), left, box.bottom(), "nl-grid", ""));
        add(new Mark.Line(right, box.y(), right, box.bottom(), "nl-grid", ""));
    }

    /// Remarks under the figure.
    void notes(List<String> notes) {
        for (String note : notes) {
            cursor += 2;
            paragraph(note, TextStyle.NOTE);
        }
    }

    Drawing finish(String title, String description, Box plot) {
        return new Drawing(width, Math.ceil(cursor + 2), title, description, plot, marks);
    }
}
