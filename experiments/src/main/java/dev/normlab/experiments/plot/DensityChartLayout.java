package dev.normlab.experiments.plot;

import dev.normlab.experiments.plot.DensityChart.Series;
import dev.normlab.experiments.plot.DensityChart.Value;
import dev.normlab.experiments.stats.GaussianKde;
import dev.normlab.experiments.stats.Sample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Lays out a [DensityChart].
final class DensityChartLayout {

    private static final int CURVE_POINTS = 240;
    private static final double RUG_STRIP = 9;
    /// How far curves reach beyond the outermost value, in bandwidths: the kernel has fallen to 1.1% of its height.
    private static final double REACH = 3;

    /// Areas under more curves than this would only add up to grey.
    private static final int MAX_FILLED = 3;

    private final DensityChart chart;
    private final Canvas canvas;
    private final List<Curve> curves;

    /// A sample with its estimate, on the axis' own scale.
    private record Curve(Series series, List<Value> shown, Optional<GaussianKde> estimate) {}

    private DensityChartLayout(DensityChart chart, double width) {
        this.chart = chart;
        this.canvas = new Canvas(width);
        this.curves = chart.samples().stream().map(this::curve).toList();
    }

    static Drawing draw(DensityChart chart, double width) {
        return new DensityChartLayout(chart, width).draw();
    }

    private Curve curve(Series series) {
        List<Value> shown = series.values().stream().filter(value -> chart.x().shows(value.value())).toList();
        Optional<GaussianKde> estimate = shown.isEmpty()
                ? Optional.empty()
                : GaussianKde.of(Sample.of(shown.stream().mapToDouble(value -> toScale(value.value())).toArray()));
        return new Curve(series, shown, estimate);
    }

    private boolean isLogarithmic() {
        return chart.x().kind() == Axis.Kind.LOG;
    }

    private double toScale(double value) {
        return isLogarithmic() ? StrictMath.log10(value) : value;
    }

    private double fromScale(double position) {
        return isLogarithmic() ? StrictMath.pow(10, position) : position;
    }

    private Drawing draw() {
        canvas.title(chart.title());
        canvas.legend(curves.stream().map(DensityChartLayout::legendEntry).toList());
        List<Curve> filled = curves.stream().filter(curve -> !curve.shown().isEmpty()).toList();
        Box plot = filled.isEmpty() ? canvas.noData("No data to show") : drawPlot(filled);
        long all = chart.samples().stream().mapToLong(series -> series.values().size()).sum();
        long shown = curves.stream().mapToLong(curve -> curve.shown().size()).sum();
        canvas.notes(Notes.of(all - shown, 0, isLogarithmic()));
        return canvas.finish(chart.title(), (chart.description() + " " + summary()).strip(), plot);
    }

    private static LegendEntry legendEntry(Curve curve) {
        int n = curve.shown().size();
        String remark = n == 0 ? " (no data)" : curve.estimate().isPresent() ? " (n = " + n + ")" : " (n = " + n + ", all equal: no curve)";
        return new LegendEntry(curve.series().name() + remark, curve.series().slot(), LegendEntry.Swatch.LINE);
    }

    private Box drawPlot(List<Curve> filled) {
        Axis yAxis = Axis.linear(isLogarithmic() ? "density per power of ten" : "density");
        double[] range = range(filled);
        List<double[]> heights = filled.stream().map(curve -> heights(curve, range)).toList();
        double highest = heights.stream().flatMapToDouble(Arrays::stream).max().orElse(0);
        Ticks yTicks = Ticks.covering(yAxis, 0, highest > 0 ? highest : 1, Math.max(4, Frame.verticalWish(Frame.plotHeight(canvas.width()))
                - 2));
        double low = fromScale(range[0]);
        double high = fromScale(range[1]);
        double left = Frame.labelWidth(yTicks);
        Ticks xTicks = Frame.horizontalTicks(chart.x(), low, high, canvas.width() - left - 16);
        double right = canvas.width() - Math.max(10, Frame.overhang(xTicks));
        xTicks = Frame.horizontalTicks(chart.x(), low, high, right - left);
        Frame frame = Frame.withValueAxis(canvas, yAxis, yTicks, Math.max(left, Frame.overhang(xTicks)), right, 0);
        double rug = 4 + filled.size() * RUG_STRIP;
        Scale x = frame.drawHorizontalAxis(canvas, chart.x(), xTicks, rug + 3);
        for (int i = 0; i < filled.size(); i++) {
            drawCurve(filled.get(i), heights.get(i), range, x, frame.y());
            drawRug(filled.get(i), x, frame.plot().bottom() + 4 + i * RUG_STRIP);
        }
        return frame.plot();
    }

    /// The horizontal range, on the axis' own scale: all values and three bandwidths around them, or the axis' limits.
    private double[] range(List<Curve> filled) {
        double low = Double.POSITIVE_INFINITY;
        double high = Double.NEGATIVE_INFINITY;
        for (Curve curve : filled) {
            double reach = REACH * curve.estimate().map(GaussianKde::bandwidth).orElse(0.0);
            for (Value value : curve.shown()) {
                low = Math.min(low, toScale(value.value()) - reach);
                high = Math.max(high, toScale(value.value()) + reach);
            }
        }
        if (!(high - low > 1e-9 * Math.max(Math.abs(low), Math.abs(high)))) {
            double reach = isLogarithmic() ? 0.3 : Math.max(Math.abs(low) / 10, 1e-9);
            low -= reach;
            high += reach;
        }
        return new double[] {Double.isNaN(chart.x().min()) ? low : toScale(chart.x().min()), Double.isNaN(chart.x().max())
                ? high
                : toScale(chart.x().max())};
    }

    private static double[] heights(Curve curve, double[] range) {
        if (curve.estimate().isEmpty()) {
            return new double[0];
        }
        double[] heights = new double[CURVE_POINTS];
        for (int i = 0; i < CURVE_POINTS; i++) {
            heights[i] = curve.estimate().get().density(position(range, i));
        }
        return heights;
    }

    private static double position(double[] range, int index) {
        return range[0] + (range[1] - range[0]) * index / (CURVE_POINTS - 1);
    }

    private void drawCurve(Curve curve, double[] heights, double[] range, Scale x, Scale y) {
        if (heights.length == 0) {
            return;
        }
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < heights.length; i++) {
            line.append(Symbols.at(i == 0 ? "M" : "L", x.at(fromScale(position(range, i))), y.at(heights[i])));
        }
        int slot = curve.series().slot();
        if (curves.size() <= MAX_FILLED) {
            String area = line + Symbols.at("L", x.to(), y.from()) + Symbols.at("L", x.from(), y.from()) + "Z";
            canvas.add(new Mark.Path(area, "nl-area " + Palette.fill(slot), true));
        }
        canvas.add(new Mark.Path(line.toString(), Palette.line(slot), true));
    }

    private void drawRug(Curve curve, Scale x, double top) {
        for (Value value : curve.shown()) {
            double at = x.at(value.value());
            if (at >= x.from() - 0.5 && at <= x.to() + 0.5) {
                String tooltip = curve.series().name() + (value.label().isEmpty() ? "" : ", " + value.label()) + ": " + chart.x().describe(
                        value.value());
                canvas.add(new Mark.Line(at, top, at, top + RUG_STRIP - 2, "nl-rug " + Palette.stroke(curve.series().slot()), tooltip));
            }
        }
    }

    private String summary() {
        List<String> parts = new ArrayList<>();
        for (Curve curve : curves) {
            if (!curve.shown().isEmpty()) {
                Sample sample = Sample.of(curve.shown().stream().mapToDouble(Value::value).toArray());
                parts.add(curve.series().name() + ": " + sample.size() + " values from " + chart.x().describe(sample.min()) + " to "
                        + chart.x().describe(sample.max()) + ", median " + chart.x().describe(sample.median()) + ".");
            }
        }
        return String.join(" ", parts);
    }
}
