package dev.normlab.experiments.report;

import dev.normlab.experiments.plot.Axis;
import dev.normlab.experiments.plot.BarChart;
import dev.normlab.experiments.plot.BarChart.Bar;
import dev.normlab.experiments.plot.DensityChart;
import dev.normlab.experiments.plot.Figure;
import dev.normlab.experiments.plot.LineChart;
import dev.normlab.experiments.plot.LineChart.Point;
import dev.normlab.experiments.report.RecordedRun.LayerNorm;
import dev.normlab.experiments.report.RecordedRun.RobustAccuracy;
import dev.normlab.experiments.stats.Interval;
import dev.normlab.experiments.stats.Proportion;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// The figures of a report on training runs. A run has the same colour, dash and marker in all of them.
final class RunFigures {

    private final List<RecordedRun> runs;

    RunFigures(List<RecordedRun> runs) {
        this.runs = runs;
    }

    /// Clean and robust accuracy, one group of bars for each.
    Figure accuracy() {
        List<String> attacks = Findings.attackLabels(runs);
        List<String> categories = new ArrayList<>(List.of("clean"));
        attacks.forEach(label -> categories.add("under " + label));
        List<BarChart.Series> series = new ArrayList<>();
        for (RecordedRun run : runs) {
            List<Bar> bars = new ArrayList<>(List.of(bar(run.clean())));
            attacks.forEach(label -> bars.add(bar(Findings.survived(run, label))));
            series.add(new BarChart.Series(run.name(), series.size(), bars));
        }
        return new BarChart("Accuracy, clean and under attack", "Bars with 95% Wilson intervals.", "", Axis.percent("accuracy"), categories,
                series);
    }

    private static Bar bar(Optional<Proportion> accuracy) {
        return accuracy.map(proportion -> {
            Interval interval = proportion.wilson95();
            return new Bar(proportion.fraction(), interval.low(), interval.high());
        }).orElse(Bar.MISSING);
    }

    /// The attacks that some run has in several sizes of one norm, by attack and norm, such as `standard, linf`.
    List<String> curves() {
        return runs.stream().flatMap(run -> run.attacks().stream().map(RunFigures::curve)
                .filter(curve -> run.attacks().stream().filter(one -> curve(one).equals(curve)).map(RobustAccuracy::eps).distinct()
                        .count() > 1))
                .distinct().toList();
    }

    private static String curve(RobustAccuracy accuracy) {
        return accuracy.attack() + ", " + accuracy.norm();
    }

    /// Accuracy over the size of the perturbation, from the clean one on; certified accuracy where there is any, on lines of their own.
    ///
    /// @param curve one of [#curves]
    Figure accuracyCurve(String curve) {
        List<LineChart.Series> series = new ArrayList<>();
        for (int slot = 0; slot < runs.size(); slot++) {
            RecordedRun run = runs.get(slot);
            List<RobustAccuracy> attacked = run.attacks().stream().filter(one -> curve(one).equals(curve)).toList();
            List<RobustAccuracy> certified = run.certified().stream().filter(one -> curve.endsWith(", " + one.norm())).toList();
            if (!attacked.isEmpty()) {
                series.add(new LineChart.Series(run.name(), slot, points(run, attacked)));
            }
            if (!attacked.isEmpty() && !certified.isEmpty()) {
                series.add(new LineChart.Series(run.name() + ", certified", runs.size() + slot, points(run, certified)));
            }
        }
        return new LineChart("Accuracy over the size of the perturbation: " + curve, "One line per run with 95% Wilson intervals.",
                Axis.linear("size of the perturbation"), Axis.percent("accuracy"), series);
    }

    private static List<Point> points(RecordedRun run, List<RobustAccuracy> accuracies) {
        List<Point> points = new ArrayList<>();
        long trials = accuracies.getFirst().survived().trials();
        run.clean().filter(clean -> clean.trials() == trials).ifPresent(clean -> points.add(point(0, clean)));
        accuracies.stream().filter(one -> one.survived().trials() == trials).sorted(Comparator.comparingDouble(RobustAccuracy::eps))
                .forEach(one -> points.add(point(one.eps(), one.survived())));
        return points;
    }

    private static Point point(double eps, Proportion accuracy) {
        Interval interval = accuracy.wilson95();
        return new Point(eps, accuracy.fraction(), interval.low(), interval.high());
    }

    Figure testAccuracy() {
        return lines("Test accuracy", Axis.percent("test accuracy"),
                run -> run.epochs().stream().map(epoch -> Point.of(epoch.epoch(), epoch.testAccuracy())).toList());
    }

    Figure trainLoss() {
        return lines("Training loss", Axis.linear("training loss"),
                run -> run.epochs().stream().map(epoch -> Point.of(epoch.epoch(), epoch.trainLoss())).toList());
    }

    /// The sum of l1 norms over training, of the batch-norm layers or of the others.
    Figure normSum(boolean batchNorm) {
        String title = batchNorm ? "Sum of l1 norms: batch norm" : "Sum of l1 norms: convolutions and linear layers";
        return lines(title, Axis.linear("sum of l1 norms"), run -> run.normSums(batchNorm).entrySet().stream()
                .filter(sum -> !batchNorm || sum.getValue() != 0).map(sum -> Point.of(sum.getKey(), sum.getValue())).toList());
    }

    private Figure lines(String title, Axis y, Function<RecordedRun, List<Point>> points) {
        List<LineChart.Series> series = new ArrayList<>();
        for (RecordedRun run : runs) {
            series.add(new LineChart.Series(run.name(), series.size(), points.apply(run)));
        }
        return new LineChart(title, "One line per run, over the epochs of training.", Axis.integer("epoch"), y, series);
    }

    /// The distribution of the norms of convolutions and linear layers after the last epoch.
    ///
    /// @param norm `l1` or `linf`
    Figure normDensity(String norm) {
        List<DensityChart.Series> samples = new ArrayList<>();
        for (RecordedRun run : runs) {
            List<DensityChart.Value> values = run.lastNorms(false).stream().map(layer -> new DensityChart.Value(layer.layer(), value(layer,
                    norm))).toList();
            samples.add(new DensityChart.Series(run.name(), samples.size(), values));
        }
        return new DensityChart("Distribution of " + norm + " norms",
                "One curve per run, on a logarithmic axis, with one rug line per layer.",
                Axis.log(norm + " norm of a layer"), samples);
    }

    /// The norm of every layer after the last epoch, one group of bars per layer.
    ///
    /// @param norm `l1` or `linf`
    Figure layers(String norm, boolean batchNorm) {
        List<String> names = layerNames(runs, batchNorm);
        List<BarChart.Series> series = new ArrayList<>();
        for (RecordedRun run : runs) {
            List<LayerNorm> layers = run.lastNorms(batchNorm);
            List<Bar> bars = names.stream().map(name -> layers.stream().filter(layer -> layer.layer().equals(name)).findFirst()
                    .map(layer -> Bar.of(value(layer, norm))).orElse(Bar.MISSING)).toList();
            series.add(new BarChart.Series(run.name(), series.size(), bars));
        }
        String title = batchNorm ? "Norm of every batch-norm layer" : norm + " norm of every convolution and linear layer";
        return new BarChart(title, "One group of bars per layer, one bar per run.", "", Axis.linear(batchNorm ? "norm" : norm + " norm"),
                names, series);
    }

    /// Whether a run has batch-norm layers.
    boolean hasBatchNorms() {
        return runs.stream().anyMatch(run -> !run.lastNorms(true).isEmpty());
    }

    /// The names of the layers of all runs, in module order.
    static List<String> layerNames(List<RecordedRun> runs, boolean batchNorm) {
        return runs.stream().flatMap(run -> run.lastNorms(batchNorm).stream()).map(LayerNorm::layer).distinct().toList();
    }

    private static double value(LayerNorm layer, String norm) {
        return norm.equals("l1") ? layer.l1() : layer.linf();
    }
}
