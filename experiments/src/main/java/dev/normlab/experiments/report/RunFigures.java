package dev.normlab.experiments.report;

import dev.normlab.experiments.plot.Axis;
import dev.normlab.experiments.plot.BarChart;
import dev.normlab.experiments.plot.BarChart.Bar;
import dev.normlab.experiments.plot.DensityChart;
import dev.normlab.experiments.plot.Figure;
import dev.normlab.experiments.plot.LineChart;
import dev.normlab.experiments.plot.LineChart.Point;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.report.RecordedRun.LayerNorm;
import dev.normlab.experiments.stats.Interval;
import dev.normlab.experiments.stats.Proportion;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/// The figures of a report on training runs. A run has the same colour, dash and marker in all of them.
final class RunFigures {

    private final List<RecordedRun> runs;

    RunFigures(List<RecordedRun> runs) {
        this.runs = runs;
    }

    /// All figures of a page on these runs by file name without ending, such as `accuracy` and `density-l1`.
    Map<String, Figure> all() {
        Map<String, Figure> figures = new LinkedHashMap<>();
        if (hasAccuracies()) {
            figures.put("accuracy", accuracy());
        }
        AccuracyCurves curves = new AccuracyCurves(runs);
        curves.names().forEach(name -> figures.put("accuracy-over-size-" + name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-")
                .replaceAll("^-|-$", ""), curves.figure(name)));
        figures.put("test-accuracy", testAccuracy());
        figures.put("training-loss", trainLoss());
        figures.put("norm-sum", normSum(false));
        figures.put("norm-sum-bn", normSum(true));
        for (String norm : List.of("l1", "linf")) {
            figures.put("density-" + norm, normDensity(norm));
            figures.put("layers-" + norm, layers(norm, false));
        }
        if (hasBatchNorms()) {
            figures.put("layers-bn", layers("l1", true));
        }
        return figures;
    }

    /// Whether any accuracy was measured.
    boolean hasAccuracies() {
        return runs.stream().anyMatch(run -> run.clean().isPresent()) || !Findings.attackLabels(runs).isEmpty();
    }

    /// Clean and robust accuracy, one group of bars for each, with the number of images in its name where that differs.
    Figure accuracy() {
        List<String> attacks = Findings.attackLabels(runs);
        boolean withCounts = counts(attacks).size() > 1;
        List<String> categories = new ArrayList<>(List.of("clean" + (withCounts ? counted(cleanCounts()) : "")));
        attacks.forEach(label -> categories.add(label + (withCounts ? counted(attackedCounts(label)) : "")));
        List<BarChart.Series> series = new ArrayList<>();
        for (RecordedRun run : runs) {
            List<Bar> bars = new ArrayList<>(List.of(bar(run.clean())));
            attacks.forEach(label -> bars.add(bar(Findings.survived(run, label))));
            series.add(new BarChart.Series(run.name(), series.size(), bars));
        }
        return new BarChart("Accuracy, clean and under attack", "Bars with 95% Wilson intervals.", "", Axis.percent("accuracy"), categories,
                series, "not measured");
    }

    /// What the bars of accuracy show: how many images, and which measurements on fewer images they leave out.
    String accuracyCaption() {
        SortedSet<Long> counts = counts(Findings.attackLabels(runs));
        String text = "Accuracy at the end of training, on unchanged test images (clean) and under attack"
                + (counts.size() == 1 ? ", n = " + Numbers.integer(counts.first()) : "")
                + ". Error bars are 95% Wilson intervals for the finite number of test images.";
        List<String> fewer = new ArrayList<>();
        for (RecordedRun run : runs) {
            for (String label : Findings.attackLabels(List.of(run))) {
                List<String> numbers = Findings.measured(run, label).map(Proportion::trials).distinct().sorted(Comparator.reverseOrder())
                        .map(Numbers::integer).toList();
                if (numbers.size() > 1) {
                    fewer.add(run.name() + " under " + label + " (n = " + numbers.getFirst() + ", not " + String.join(" or ", numbers
                            .subList(1, numbers.size())) + ")");
                }
            }
        }
        return text + (fewer.isEmpty() ? "" : " Of several numbers of images the largest is shown: " + String.join("; ", fewer) + ".");
    }

    /// The numbers of images behind the bars.
    private SortedSet<Long> counts(List<String> attacks) {
        SortedSet<Long> counts = cleanCounts();
        attacks.forEach(label -> counts.addAll(attackedCounts(label)));
        return counts;
    }

    private SortedSet<Long> cleanCounts() {
        return runs.stream().flatMap(run -> run.clean().stream()).map(Proportion::trials).collect(Collectors.toCollection(TreeSet::new));
    }

    private SortedSet<Long> attackedCounts(String label) {
        return Findings.counts(runs, label);
    }

    private static String counted(SortedSet<Long> counts) {
        return counts.isEmpty() ? "" : " (" + Findings.counted(counts) + ")";
    }

    private static Bar bar(Optional<Proportion> accuracy) {
        return accuracy.map(proportion -> {
            Interval interval = proportion.wilson95();
            return new Bar(proportion.fraction(), interval.low(), interval.high());
        }).orElse(Bar.MISSING);
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
