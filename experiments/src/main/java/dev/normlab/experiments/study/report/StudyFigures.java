package dev.normlab.experiments.study.report;

import dev.normlab.experiments.plot.Axis;
import dev.normlab.experiments.plot.BarChart;
import dev.normlab.experiments.plot.BarChart.Bar;
import dev.normlab.experiments.plot.DensityChart;
import dev.normlab.experiments.plot.Figure;
import dev.normlab.experiments.plot.LineChart;
import dev.normlab.experiments.plot.LineChart.Point;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.report.RecordedRun.LayerNorm;
import dev.normlab.experiments.stats.MeanEstimate;
import dev.normlab.experiments.study.StudyMethod;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/// The figures of one model of a study. A method has the same colour, dash and marker in all figures that compare methods, and so has a
/// strength in all figures that compare strengths.
final class StudyFigures {

    /// Methods with at least so many strengths have figures of norms of their own.
    private static final int OWN_FIGURE = 2;

    private final StudyResults results;
    private final String model;
    private final List<SettingResult> settings;

    StudyFigures(StudyResults results, String model) {
        this.results = results;
        this.model = model;
        this.settings = results.of(model);
    }

    /// A set of settings whose norms over training share a figure.
    ///
    /// @param name for file names
    /// @param title of what is varied
    record Curves(String name, String title, List<SettingResult> settings) {}

    /// Figures of norms over training: one for every method with several strengths, with the model's first setting beside them, and one for
    /// all others.
    List<Curves> curves() {
        List<Curves> found = new ArrayList<>();
        List<SettingResult> rest = settings.stream().filter(one -> one.method().strengths().size() < OWN_FIGURE && hasRuns(one)).toList();
        List<StudyMethod> varied = results.config().methods().stream().filter(method -> method.strengths().size() >= OWN_FIGURE).toList();
        Optional<SettingResult> baseline = results.baseline(model);
        for (StudyMethod method : varied) {
            List<SettingResult> mine = results.of(model, method).stream().filter(StudyFigures::hasRuns).toList();
            if (!mine.isEmpty()) {
                found.add(new Curves(method.name(), method.name(), Stream.concat(baseline.stream(), mine.stream()).toList()));
            }
        }
        if (rest.size() > 1 || varied.isEmpty() && !rest.isEmpty()) {
            found.add(new Curves(varied.isEmpty() ? "methods" : "others", varied.isEmpty() ? "methods" : "other methods", rest));
        }
        return found;
    }

    private static boolean hasRuns(SettingResult setting) {
        return !setting.finished().isEmpty();
    }

    /// The sum of l1 norms over training, of the batch-norm layers or of the others.
    Figure normSums(Curves curves, boolean batchNorm) {
        List<LineChart.Series> series = new ArrayList<>();
        for (SettingResult setting : curves.settings()) {
            series.add(new LineChart.Series(setting.name(), series.size(), points(setting, batchNorm)));
        }
        return new LineChart("Sum of l1 norms, " + (batchNorm ? "batch norm" : "convolutions and linear layers") + ": " + curves.title(),
                "Sums over the layers of " + model + " over the epochs of training.", Axis.integer("epoch"), Axis.log("sum of l1 norms"),
                series);
    }

    private static List<Point> points(SettingResult setting, boolean batchNorm) {
        Map<Integer, List<Double>> byEpoch = new TreeMap<>();
        setting.finished().forEach(run -> run.recorded().normSums(batchNorm)
                .forEach((epoch, sum) -> byEpoch.computeIfAbsent(epoch, _ -> new ArrayList<>()).add(sum)));
        List<Point> points = new ArrayList<>();
        byEpoch.forEach((epoch, sums) -> {
            double mean = sums.stream().mapToDouble(Double::doubleValue).sum() / sums.size();
            boolean several = sums.size() > 1;
            points.add(new Point(epoch, mean, several ? range(sums).min().orElse(Double.NaN) : Double.NaN,
                    several ? range(sums).max().orElse(Double.NaN) : Double.NaN));
        });
        return points;
    }

    private static DoubleStream range(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue);
    }

    /// Accuracy against the sum of l1 norms of convolutions and linear layers: a line through the strengths of a method.
    Figure accuracyAndNorm(boolean robust) {
        List<LineChart.Series> series = new ArrayList<>();
        List<StudyMethod> methods = results.config().methods();
        for (int slot = 0; slot < methods.size(); slot++) {
            List<Point> points = new ArrayList<>();
            for (SettingResult setting : results.of(model, methods.get(slot))) {
                Optional<MeanEstimate> accuracy = robust ? setting.robust() : setting.clean();
                setting.normSum(false).ifPresent(norm -> accuracy.ifPresent(value -> points.add(Point.of(norm.mean(), value.mean()))));
            }
            if (!points.isEmpty()) {
                series.add(new LineChart.Series(methods.get(slot).name(), slot, points));
            }
        }
        return new LineChart((robust ? "Robust" : "Clean") + " accuracy against norms",
                "One point per setting of " + model + ", joined in the order of a method's strengths.",
                Axis.log("sum of l1 norms, convolutions and linear layers"), Axis.percent(robust ? "robust accuracy" : "clean accuracy"),
                series);
    }

    /// Clean and robust accuracy of the representatives.
    Figure accuracies() {
        List<BarChart.Series> series = new ArrayList<>();
        representatives().forEach((slot, setting) -> series.add(new BarChart.Series(setting.name(), slot,
                List.of(bar(setting.clean()), bar(setting.robust())))));
        return new BarChart("Accuracy, clean and under attack", "Bars of " + model + " with 95% intervals over seeds.", "",
                Axis.percent("accuracy"), List.of("clean", "robust"), series);
    }

    private static Bar bar(Optional<MeanEstimate> estimate) {
        return estimate.map(one -> one.hasInterval()
                ? new Bar(one.mean(), Math.max(0, one.mean() - one.halfWidth()), Math.min(1, one.mean() + one.halfWidth()))
                : Bar.of(one.mean())).orElse(Bar.MISSING);
    }

    /// One setting of every method: that with the strength in the middle of its list. By the method's place in the palette.
    Map<Integer, SettingResult> representatives() {
        Map<Integer, SettingResult> chosen = new LinkedHashMap<>();
        List<StudyMethod> methods = results.config().methods();
        for (int slot = 0; slot < methods.size(); slot++) {
            List<SettingResult> all = results.of(model, methods.get(slot)).stream().filter(StudyFigures::hasRuns).toList();
            if (!all.isEmpty()) {
                chosen.put(slot, all.get((all.size() - 1) / 2));
            }
        }
        return chosen;
    }

    /// The distribution of the norms of all layers after the last epoch, of the representatives, with both accuracies in the legend. Every
    /// layer counts once, with the mean of its norm over the seeds: more seeds are no more layers, and the bandwidth is that of the layers.
    ///
    /// @param norm `l1` or `linf`
    Figure density(String norm) {
        List<DensityChart.Series> samples = new ArrayList<>();
        representatives().forEach((slot, setting) -> samples.add(new DensityChart.Series(
                setting.name() + " (" + percent(setting.clean()) + " | " + percent(setting.robust()) + ")", slot,
                Stream.of(false, true).flatMap(batchNorm -> meanNorms(setting, batchNorm, norm).entrySet().stream())
                        .map(layer -> new DensityChart.Value(layer.getKey(), layer.getValue())).toList())));
        return new DensityChart("Distribution of " + norm + " norms", "One curve per method over the layers of " + model
                + ", with its clean and its robust accuracy.", Axis.log(norm + " norm of a layer"), samples);
    }

    private static String percent(Optional<MeanEstimate> accuracy) {
        return accuracy.map(one -> Numbers.percent(one.mean(), 1)).orElse(Numbers.MISSING);
    }

    /// The norm of every layer after the last epoch, the mean over the seeds, by the layer's name.
    private static Map<String, Double> meanNorms(SettingResult setting, boolean batchNorm, String norm) {
        Map<String, List<Double>> byLayer = new LinkedHashMap<>();
        setting.finished().forEach(run -> run.recorded().lastNorms(batchNorm)
                .forEach(layer -> byLayer.computeIfAbsent(layer.layer(), _ -> new ArrayList<>()).add(value(layer, norm))));
        Map<String, Double> means = new LinkedHashMap<>();
        byLayer.forEach((layer, values) -> means.put(layer, range(values).sum() / values.size()));
        return means;
    }

    /// The norm of every layer after the last epoch, of the representatives.
    ///
    /// @param norm `l1` or `linf`
    Figure layers(String norm, boolean batchNorm) {
        Map<Integer, SettingResult> chosen = representatives();
        List<String> names = chosen.values().stream()
                .flatMap(setting -> setting.finished().getFirst().recorded().lastNorms(batchNorm).stream())
                .map(LayerNorm::layer).distinct().toList();
        List<BarChart.Series> series = new ArrayList<>();
        chosen.forEach((slot, setting) -> {
            Map<String, Double> means = meanNorms(setting, batchNorm, norm);
            series.add(new BarChart.Series(setting.name(), slot,
                    names.stream().map(name -> Bar.of(means.getOrDefault(name, Double.NaN))).toList()));
        });
        String kind = batchNorm ? "batch-norm layer" : "convolution and linear layer";
        return new BarChart((batchNorm ? "Norm" : norm + " norm") + " of every " + kind, "One group of bars per layer of " + model + ".",
                "",
                Axis.log(batchNorm ? "norm" : norm + " norm"), names, series);
    }

    private static double value(LayerNorm layer, String norm) {
        return norm.equals("l1") ? layer.l1() : layer.linf();
    }

    /// All figures by file name without ending.
    Map<String, Figure> all() {
        Map<String, Figure> figures = new LinkedHashMap<>();
        if (settings.stream().noneMatch(StudyFigures::hasRuns)) {
            return figures;
        }
        Function<String, String> named = what -> slug() + "-" + what;
        figures.put(named.apply("accuracy"), accuracies());
        figures.put(named.apply("robust-accuracy-and-norm"), accuracyAndNorm(true));
        figures.put(named.apply("clean-accuracy-and-norm"), accuracyAndNorm(false));
        for (Curves curves : curves()) {
            figures.put(named.apply("norms-" + curves.name()), normSums(curves, false));
            figures.put(named.apply("norms-bn-" + curves.name()), normSums(curves, true));
        }
        for (String norm : List.of("l1", "linf")) {
            figures.put(named.apply("density-" + norm), density(norm));
            figures.put(named.apply("layers-" + norm), layers(norm, false));
        }
        figures.put(named.apply("layers-bn"), layers("l1", true));
        return figures;
    }

    private String slug() {
        return model.replaceAll("[^A-Za-z0-9.]+", "-");
    }
}
