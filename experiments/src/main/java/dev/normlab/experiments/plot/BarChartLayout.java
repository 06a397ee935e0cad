package dev.normlab.experiments.plot;

import dev.normlab.experiments.plot.BarChart.Bar;
import dev.normlab.experiments.plot.BarChart.Series;
import dev.normlab.experiments.plot.Mark.Anchor;
import java.util.List;
import java.util.stream.DoubleStream;

/// Lays out a [BarChart].
final class BarChartLayout {

    private static final double HEADROOM = 15;
    /// Room for the lower corner of the last slanted label.
    private static final double RIGHT_MARGIN = 7;
    /// By what factor the lower end of a logarithmic axis lies below the shortest bar, at least.
    private static final double LOG_FOOT = 1.5;

    private final BarChart chart;
    private final Canvas canvas;

    private BarChartLayout(BarChart chart, double width) {
        this.chart = chart;
        this.canvas = new Canvas(width);
    }

    static Drawing draw(BarChart chart, double width) {
        return new BarChartLayout(chart, width).draw();
    }

    private Drawing draw() {
        canvas.title(chart.title());
        canvas.legend(chart.series().stream().map(one -> new LegendEntry(one.name(), one.slot(), LegendEntry.Swatch.BAR)).toList());
        List<Bar> all = chart.series().stream().flatMap(one -> one.bars().stream()).toList();
        List<Bar> shown = all.stream().filter(bar -> chart.value().shows(bar.value())).toList();
        Box plot = shown.isEmpty() ? canvas.noData("No data to show") : drawPlot(shown);
        long outside = shown.stream().filter(bar -> bar.value() < chart.value().min() || bar.value() > chart.value().max()).count();
        long hidden = all.size() - shown.size();
        boolean reason = !chart.absent().isEmpty();
        canvas.notes(Notes.of(reason ? 0 : hidden, outside, chart.value().kind() == Axis.Kind.LOG));
        canvas.notes(reason ? Notes.absent(hidden, chart.absent()) : List.of());
        return canvas.finish(chart.title(), (chart.description() + " " + summary()).strip(), plot);
    }

    private Box drawPlot(List<Bar> shown) {
        Ticks ticks = ticks(shown);
        double right = canvas.width() - RIGHT_MARGIN;
        double left = Frame.labelWidth(ticks);
        CategoryLabels labels = CategoryLabels.layOut(chart.categories(), (right - left) / chart.categories().size());
        for (int pass = 0; pass < 4; pass++) {
            double slot = (right - left) / chart.categories().size();
            labels = CategoryLabels.layOut(chart.categories(), slot);
            left = Math.max(left, labels.leftOverhang(slot));
        }
        Groups groups = new Groups(left, (right - left) / chart.categories().size(), chart.series().size());
        boolean valuesFit = shown.stream().allMatch(bar -> TextMetrics.width(chart.value().describe(bar.value()), TextStyle.VALUE) <= groups
                .pitch() - 2);
        Frame frame = Frame.withValueAxis(canvas, chart.value(), ticks, left, right, valuesFit ? HEADROOM : 0);
        for (int s = 0; s < chart.series().size(); s++) {
            for (int c = 0; c < chart.categories().size(); c++) {
                drawBar(s, c, groups.barLeft(c, s), groups.barWidth(), frame.y(), valuesFit);
            }
        }
        double zero = base(frame.y());
        canvas.add(new Mark.Line(left, zero, right, zero, "nl-axis", ""));
        labels.draw(canvas, frame.plot());
        frame.drawHorizontalLabel(canvas, chart.category());
        return frame.plot();
    }

    /// The horizontal places of bars.
    ///
    /// @param left the left edge of the first group
    /// @param slot the width of a group with its gap
    /// @param series the number of bars in a group
    private record Groups(double left, double slot, int series) {

        /// The distance from one bar of a group to the next.
        double pitch() {
            return Math.min(slot * 0.8 / series, 72);
        }

        double barWidth() {
            return pitch() * (pitch() > 12 ? 0.86 : 0.94);
        }

        double barLeft(int category, int index) {
            return left + (category + 0.5) * slot + (index - series / 2.0) * pitch() + (pitch() - barWidth()) / 2;
        }
    }

    /// Where bars start, in pixels.
    private static double base(Scale y) {
        return y.at(y.logarithmic() ? y.min() : Math.clamp(0, y.min(), y.max()));
    }

    private Ticks ticks(List<Bar> shown) {
        boolean logarithmic = chart.value().kind() == Axis.Kind.LOG;
        DoubleStream.Builder ends = DoubleStream.builder();
        if (!logarithmic) {
            ends.add(0);
        }
        for (Bar bar : shown) {
            ends.add(bar.value());
            if (logarithmic) {
                ends.add(bar.value() / LOG_FOOT); // even the shortest bar can be seen
            }
            if (bar.hasInterval()) {
                ends.add(bar.low()).add(bar.high());
            }
        }
        double[] values = ends.build().filter(chart.value()::shows).toArray();
        Axis axis = chart.value();
        double min = Double.isNaN(axis.min()) ? DoubleStream.of(values).min().orElse(0) : axis.min();
        double max = Double.isNaN(axis.max()) ? DoubleStream.of(values).max().orElse(1) : axis.max();
        if (max - min <= 0) {
            max = min + 1;
        }
        return Ticks.covering(axis, min, max, Frame.verticalWish(Frame.plotHeight(canvas.width())));
    }

    private void drawBar(int seriesIndex, int categoryIndex, double left, double width, Scale y, boolean withValue) {
        Series series = chart.series().get(seriesIndex);
        Bar bar = series.bars().get(categoryIndex);
        double centre = left + width / 2;
        double zero = base(y);
        if (!chart.value().shows(bar.value())) {
            if (withValue) {
                canvas.text(centre, zero - 4, Numbers.MISSING, Anchor.MIDDLE, TextStyle.VALUE);
            }
            return;
        }
        double end = y.at(Math.clamp(bar.value(), y.min(), y.max()));
        String tooltip = series.name() + ", " + chart.categories().get(categoryIndex) + ": " + describe(bar);
        canvas.add(new Mark.Bar(new Box(left, Math.min(zero, end), width, Math.abs(zero - end)), series.slot(), tooltip));
        double top = end;
        if (bar.hasInterval()) {
            double low = y.at(Math.clamp(bar.low(), y.min(), y.max()));
            double high = y.at(Math.clamp(bar.high(), y.min(), y.max()));
            double cap = Math.min(5, width / 4);
            canvas.add(new Mark.Path(Symbols.whisker(centre, cap, low, high), "nl-whisker", false));
            top = bar.value() < 0 ? Math.max(end, low) : Math.min(end, high);
        }
        if (withValue) {
            canvas.text(centre, bar.value() < 0 ? top + 12 : top - 4, chart.value().describe(bar.value()), Anchor.MIDDLE, TextStyle.VALUE);
        }
    }

    private String describe(Bar bar) {
        String value = chart.value().describe(bar.value());
        return bar.hasInterval()
                ? value + " (" + chart.value().describe(bar.low()) + " to " + chart.value().describe(bar.high()) + ")"
                : value;
    }

    private String summary() {
        StringBuilder text = new StringBuilder();
        for (int c = 0; c < chart.categories().size(); c++) {
            text.append(chart.categories().get(c)).append(": ");
            String separator = "";
            for (Series series : chart.series()) {
                text.append(separator).append(series.name()).append(' ').append(describe(series.bars().get(c)));
                separator = ", ";
            }
            text.append(". ");
        }
        return text.toString().strip();
    }
}
