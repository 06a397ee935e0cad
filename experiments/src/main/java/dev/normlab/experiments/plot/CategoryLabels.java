package dev.normlab.experiments.plot;

import dev.normlab.experiments.plot.Mark.Anchor;
import java.util.ArrayList;
import java.util.List;

/// The labels under the groups of a bar chart: upright where they fit (in up to three lines), else slanted by 45 degrees, and then thinned
/// if they are still too many.
///
/// @param names the names of the groups
/// @param lines the upright lines of every label; empty if the labels are slanted
/// @param stride every how many groups a label is written
record CategoryLabels(List<String> names, List<List<String>> lines, int stride) {

    private static final double GAP = 8;
    private static final double MAX_SLANTED = 170;
    private static final double SIN_45 = Math.sqrt(0.5);
    private static final int MAX_LINES = 3;

    static CategoryLabels layOut(List<String> names, double slotWidth) {
        List<List<String>> lines = new ArrayList<>();
        for (String name : names) {
            List<String> wrapped = TextMetrics.wrap(name, TextStyle.TICK, slotWidth - GAP);
            boolean wordsKept = String.join(" ", wrapped).equals(name.strip().replaceAll("\\s+", " "));
            if (!wordsKept || wrapped.size() > MAX_LINES) {
                double needed = TextStyle.TICK.size() * 1.25 / SIN_45;
                return new CategoryLabels(names, List.of(), Math.max(1, (int) Math.ceil(needed / slotWidth)));
            }
            lines.add(wrapped);
        }
        return new CategoryLabels(names, lines, 1);
    }

    private boolean slanted() {
        return lines.isEmpty();
    }

    /// How far the labels reach beyond the left edge of the first group.
    double leftOverhang(double slotWidth) {
        double reach = 0;
        for (int i = 0; slanted() && i < names.size(); i += stride) {
            String shown = TextMetrics.shorten(names.get(i), TextStyle.TICK, MAX_SLANTED);
            double extent = (TextMetrics.width(shown, TextStyle.TICK) + TextStyle.TICK.size() * TextMetrics.ASCENT) * SIN_45;
            reach = Math.max(reach, extent - (i + 0.5) * slotWidth);
        }
        return reach;
    }

    /// Writes the labels under `plot` and moves the canvas' cursor below them.
    void draw(Canvas canvas, Box plot) {
        double slotWidth = plot.width() / Math.max(1, names.size());
        double depth = 0;
        for (int i = 0; i < names.size(); i += stride) {
            double centre = plot.x() + (i + 0.5) * slotWidth;
            depth = Math.max(depth, slanted()
                    ? drawSlanted(canvas, names.get(i), centre, plot.bottom())
                    : drawUpright(canvas, i, centre, plot.bottom()));
        }
        canvas.moveTo(plot.bottom() + depth + 4);
    }

    private double drawUpright(Canvas canvas, int index, double centre, double top) {
        double baseline = top + 6 + TextMetrics.ASCENT * TextStyle.TICK.size();
        for (String line : lines.get(index)) {
            canvas.text(centre, baseline, line, Anchor.MIDDLE, TextStyle.TICK);
            baseline += TextStyle.TICK.lineHeight();
        }
        return 6 + lines.get(index).size() * TextStyle.TICK.lineHeight();
    }

    private static double drawSlanted(Canvas canvas, String name, double centre, double top) {
        String shown = TextMetrics.shorten(name, TextStyle.TICK, MAX_SLANTED);
        canvas.add(new Mark.Text(centre + 4, top + 13, shown, Anchor.END, -45, TextStyle.TICK, shown.equals(name) ? "" : name));
        return 13 + (TextMetrics.width(shown, TextStyle.TICK) + TextStyle.TICK.size() * TextMetrics.DESCENT) * SIN_45;
    }
}
