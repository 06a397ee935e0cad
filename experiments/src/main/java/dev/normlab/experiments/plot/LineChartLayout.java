package dev.normlab.experiments.plot;

import dev.normlab.experiments.plot.LineChart.Join;
import dev.normlab.experiments.plot.LineChart.Point;
import dev.normlab.experiments.plot.LineChart.Series;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/// Lays out a [LineChart].
final class LineChartLayout {

    /// Lines with more points than this get a marker at some points only.
    private static final int ALL_MARKERS = 25;
    private static final int SOME_MARKERS = 12;
    private static final int MAX_HOTSPOTS = 150;
    private static final double WHISKER_CAP = 4;

    private final LineChart chart;
    private final Canvas canvas;

    private LineChartLayout(LineChart chart, double width) {
        this.chart = chart;
        this.canvas = new Canvas(width);
    }

    static Drawing draw(LineChart chart, double width) {
        return new LineChartLayout(chart, width).draw();
    }

    private Drawing draw() {
        canvas.title(chart.title());
        List<Point> shown = chart.series().stream().flatMap(this::shownPoints).toList();
        canvas.legend(chart.series().stream().map(this::legendEntry).toList());
        Box plot;
        if (shown.isEmpty()) {
            plot = canvas.noData("No data to show");
        } else {
            plot = drawPlot(shown);
        }
        canvas.notes(notes());
        return canvas.finish(chart.title(), (chart.description() + " " + summary()).strip(), plot);
    }

    private Stream<Point> shownPoints(Series series) {
        return series.points().stream().filter(this::isShown);
    }

    private boolean isShown(Point point) {
        return chart.x().shows(point.x()) && chart.y().shows(point.y());
    }

    private boolean hasInterval(Point point) {
        return chart.x().shows(point.x()) && chart.y().shows(point.low()) && chart.y().shows(point.high());
    }

    private LegendEntry legendEntry(Series series) {
        boolean empty = shownPoints(series).findAny().isEmpty();
        return new LegendEntry(empty ? series.name() + " (no data)" : series.name(), series.slot(),
                series.join() == Join.NONE ? LegendEntry.Swatch.MARKER : LegendEntry.Swatch.LINE_WITH_MARKER);
    }

    private Box drawPlot(List<Point> shown) {
        Axis yAxis = chart.y();
        double[] yRange = range(yAxis, shown.stream().flatMapToDouble(this::values));
        double[] xRange = range(chart.x(), shown.stream().mapToDouble(Point::x));
        Ticks yTicks = Ticks.covering(yAxis, yRange[0], yRange[1], Frame.verticalWish(Frame.plotHeight(canvas.width())));
        double left = Frame.labelWidth(yTicks);
        Ticks xTicks = Frame.horizontalTicks(chart.x(), xRange[0], xRange[1], canvas.width() - left - 16);
        double right = canvas.width() - Math.max(10, Frame.overhang(xTicks));
        xTicks = Frame.horizontalTicks(chart.x(), xRange[0], xRange[1], right - left);
        Frame frame = Frame.withValueAxis(canvas, yAxis, yTicks, Math.max(left, Frame.overhang(xTicks)), right, 0);
        Scale x = frame.drawHorizontalAxis(canvas, chart.x(), xTicks, 0);
        for (Series series : chart.series()) {
            switch (series.join()) {
                case LINES -> drawBand(series, x, frame.y());
                case STEPS -> {
                    // between two steps nothing is known that a band could show
                }
                case NONE -> drawWhiskers(series, x, frame.y());
            }
        }
        for (Series series : chart.series()) {
            drawLine(series, x, frame.y());
        }
        for (Series series : chart.series()) {
            drawHotspots(series, x, frame);
        }
        Box plot = frame.plot();
        return new Box(plot.x() - 6, plot.y() - 6, plot.width() + 12, plot.height() + 12);
    }

    private DoubleStream values(Point point) {
        return hasInterval(point) ? DoubleStream.of(point.y(), point.low(), point.high()) : DoubleStream.of(point.y());
    }

    private static double[] range(Axis axis, DoubleStream values) {
        double[] all = values.toArray();
        double min = Double.isNaN(axis.min()) ? DoubleStream.of(all).min().orElseThrow() : axis.min();
        double max = Double.isNaN(axis.max()) ? DoubleStream.of(all).max().orElseThrow() : axis.max();
        boolean nearZero = axis.kind() != Axis.Kind.LOG && Double.isNaN(axis.min()) && min > 0 && min < 0.4 * max;
        return new double[] {Math.min(nearZero ? 0 : min, max), Math.max(min, max)};
    }

    private void drawBand(Series series, Scale x, Scale y) {
        for (List<Point> run : runs(series.points(), this::hasInterval)) {
            StringBuilder data = new StringBuilder();
            appendLine(data, run, x, y, Point::high);
            List<Point> back = new ArrayList<>(run);
            Collections.reverse(back);
            StringBuilder lower = new StringBuilder();
            appendLine(lower, back, x, y, Point::low);
            data.append(lower.toString().replaceFirst("M", "L")).append('Z');
            canvas.add(new Mark.Path(data.toString(), "nl-area " + Palette.fill(series.slot()), true));
        }
    }

    private void drawWhiskers(Series series, Scale x, Scale y) {
        for (Point point : series.points().stream().filter(this::hasInterval).toList()) {
            double centre = x.at(point.x());
            String data = Symbols.whisker(centre, WHISKER_CAP, y.at(point.low()), y.at(point.high()));
            canvas.add(new Mark.Path(data, "nl-whisker", false));
        }
    }

    private void drawLine(Series series, Scale x, Scale y) {
        StringBuilder data = new StringBuilder();
        for (List<Point> run : runs(series.points(), this::isShown)) {
            switch (series.join()) {
                case LINES -> appendLine(data, run, x, y, Point::y);
                case STEPS -> appendSteps(data, run, x, y);
                case NONE -> {
                    // markers only
                }
            }
        }
        if (!data.isEmpty()) {
            canvas.add(new Mark.Path(data.toString(), Palette.line(series.slot()), true));
        }
        List<Point> points = shownPoints(series).toList();
        boolean all = points.size() <= ALL_MARKERS || series.join() == Join.NONE;
        int stride = all ? 1 : Math.ceilDiv(points.size(), SOME_MARKERS);
        for (int i = points.size() - 1; i >= 0; i -= stride) {
            canvas.add(new Mark.Symbol(x.at(points.get(i).x()), y.at(points.get(i).y()), series.slot(), true));
        }
    }

    private void drawHotspots(Series series, Scale x, Frame frame) {
        List<Point> points = shownPoints(series).toList();
        int stride = Math.max(1, Math.ceilDiv(points.size(), MAX_HOTSPOTS));
        for (int i = points.size() - 1; i >= 0; i -= stride) {
            Point point = points.get(i);
            double at = frame.y().at(point.y());
            if (at >= frame.plot().y() - 1 && at <= frame.plot().bottom() + 1) {
                canvas.add(new Mark.Hotspot(x.at(point.x()), at, series.name() + ", " + position(point) + ": " + value(point)));
            }
        }
    }

    private String position(Point point) {
        return (chart.x().label() + " " + chart.x().describe(point.x())).strip();
    }

    private String value(Point point) {
        String value = chart.y().describe(point.y());
        return hasInterval(point)
                ? value + " (" + chart.y().describe(point.low()) + " to " + chart.y().describe(point.high()) + ")"
                : value;
    }

    /// The maximal runs of consecutive points that pass the test.
    private static List<List<Point>> runs(List<Point> points, Predicate<Point> test) {
        List<List<Point>> runs = new ArrayList<>();
        List<Point> run = new ArrayList<>();
        for (Point point : points) {
            if (test.test(point)) {
                run.add(point);
            } else if (!run.isEmpty()) {
                runs.add(run);
                run = new ArrayList<>();
            }
        }
        if (!run.isEmpty()) {
            runs.add(run);
        }
        return runs;
    }

    private static void appendLine(StringBuilder data, List<Point> run, Scale x, Scale y, ToDoubleFunction<Point> value) {
        String command = "M";
        for (Point point : run) {
            data.append(Symbols.at(command, x.at(point.x()), y.at(value.applyAsDouble(point))));
            command = "L";
        }
    }

    /// At every point straight to the value of the next one, and on at that value.
    private static void appendSteps(StringBuilder data, List<Point> run, Scale x, Scale y) {
        Point before = run.getFirst();
        data.append(Symbols.at("M", x.at(before.x()), y.at(before.y())));
        for (Point point : run.subList(1, run.size())) {
            data.append(Symbols.at("L", x.at(before.x()), y.at(point.y()))).append(Symbols.at("L", x.at(point.x()), y.at(point.y())));
            before = point;
        }
    }

    private List<String> notes() {
        List<Point> all = chart.series().stream().flatMap(series -> series.points().stream()).toList();
        long hidden = all.stream().filter(point -> !isShown(point)).count();
        long outside = all.stream().filter(this::isShown).filter(point -> point.y() < chart.y().min() || point.y() > chart.y().max()
                || point.x() < chart.x().min() || point.x() > chart.x().max()).count();
        return Notes.of(hidden, outside, chart.x().kind() == Axis.Kind.LOG || chart.y().kind() == Axis.Kind.LOG);
    }

    private String summary() {
        StringBuilder text = new StringBuilder();
        for (Series series : chart.series()) {
            List<Point> points = shownPoints(series).toList();
            if (!points.isEmpty()) {
                List<Point> told = series.join() == Join.LINES ? List.of(points.getFirst(), points.getLast()) : points;
                text.append(told.stream().map(point -> value(point) + " at " + position(point))
                        .collect(Collectors.joining(", ", series.name() + ": ", ". ")));
            }
        }
        return text.toString().strip();
    }
}
