package dev.normlab.experiments.plot;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/// Figures with made-up data for the layout and rendering tests: ordinary, crowded, empty, degenerate.
final class SampleFigures {

    private SampleFigures() {}

    static List<Figure> all() {
        List<Figure> figures = new ArrayList<>();
        for (int series : new int[] {1, 3, 9}) {
            for (int points : new int[] {1, 12, 300}) {
                figures.add(lines(series, points, Axis.percent("test accuracy"), 1));
                figures.add(lines(series, points, Axis.linear("loss"), 1e-7));
                figures.add(lines(series, points, Axis.linear("sum of l1 norms of all convolutions and linear layers"), 1e9));
                figures.add(lines(series, points, Axis.log("sum of l1 norms"), 1e4));
            }
            for (int categories : new int[] {1, 2, 9, 17, 60}) {
                figures.add(bars(series, categories, Axis.percent("accuracy")));
                figures.add(bars(series, categories, Axis.linear("l1 norm")));
                figures.add(bars(series, categories, Axis.log("l1 norm")));
            }
            figures.add(densities(series, 1, Axis.linear("l1 norm")));
            figures.add(densities(series, 11, Axis.linear("l1 norm")));
            figures.add(densities(series, 40, Axis.log("l1 norm")));
        }
        figures.add(new LineChart("Steps and points", "A description.", Axis.linear("size"), Axis.percent("accuracy"),
                List.of(lines(1, 12, Axis.percent("accuracy"), 1).series().getFirst(), joined(1, LineChart.Join.STEPS),
                        joined(2, LineChart.Join.NONE))));
        figures.add(new LineChart("Nothing", "Nothing.", Axis.integer("epoch"), Axis.linear("loss"), List.of()));
        figures.add(new LineChart("Not a number", "Unusable.", Axis.integer("epoch"), Axis.log("loss"),
                List.of(new LineChart.Series("plain", 0, List.of(LineChart.Point.of(1, Double.NaN), LineChart.Point.of(2, -3))))));
        figures.add(new BarChart("No bars", "None.", "", Axis.linear("norm"), List.of(), List.of()));
        figures.add(new BarChart("Missing bars", "None.", "", Axis.linear("norm"), List.of("a"),
                List.of(new BarChart.Series("plain", 0, List.of(BarChart.Bar.MISSING)))));
        figures.add(new DensityChart("No samples", "None.", Axis.log("norm"), List.of(new DensityChart.Series("plain", 0, List.of()))));
        return figures;
    }

    static LineChart lines(int count, int points, Axis y, double scale) {
        Random random = new Random(count * 1000L + points);
        List<LineChart.Series> series = IntStream.range(0, count).mapToObj(s -> new LineChart.Series("method " + s + (s == 2
                ? " with a long name"
                : ""), s,
                IntStream.range(1, points + 1).mapToObj(epoch -> {
                    double value = scale * (0.2 + 0.6 * random.nextDouble());
                    return new LineChart.Point(epoch, value, value * 0.9, value * 1.1);
                }).toList())).toList();
        return new LineChart("Values of " + count + " methods over " + points + " epochs", "A description.", Axis.integer("epoch"), y,
                series);
    }

    private static LineChart.Series joined(int slot, LineChart.Join join) {
        return new LineChart.Series("joined by " + join, slot, join,
                lines(1, 40, Axis.percent("accuracy"), 1).series().getFirst().points());
    }

    static BarChart bars(int count, int categories, Axis value) {
        Random random = new Random(count * 1000L + categories);
        List<String> names = IntStream.range(0, categories).mapToObj(c -> c % 5 == 4
                ? "classifier after pooling"
                : "features." + 4 * c + ".conv").toList();
        List<BarChart.Series> series = IntStream.range(0, count).mapToObj(s -> new BarChart.Series("method " + s, s,
                IntStream.range(0, categories).mapToObj(c -> {
                    double fraction = random.nextDouble();
                    return c % 7 == 3 ? BarChart.Bar.MISSING : new BarChart.Bar(fraction, fraction * 0.9, Math.min(1, fraction * 1.1));
                }).toList())).toList();
        return new BarChart("Bars of " + count + " methods in " + categories + " groups", "A description.", "layer", value, names, series);
    }

    static DensityChart densities(int count, int values, Axis x) {
        Random random = new Random(count * 1000L + values);
        List<DensityChart.Series> samples = IntStream.range(0, count).mapToObj(s -> new DensityChart.Series("method " + s, s,
                IntStream.range(0, values).mapToObj(v -> new DensityChart.Value("layer " + v, Math.exp(random.nextGaussian()) * 30))
                        .toList()))
                .toList();
        return new DensityChart("Densities of " + count + " samples of " + values, "A description.", x, samples);
    }

    static Drawing draw(Figure figure, double width) {
        return switch (figure) {
            case LineChart chart -> LineChartLayout.draw(chart, width);
            case BarChart chart -> BarChartLayout.draw(chart, width);
            case DensityChart chart -> DensityChartLayout.draw(chart, width);
        };
    }
}
