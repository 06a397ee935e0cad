package dev.normlab.experiments.report;

import dev.normlab.experiments.plot.Axis;
import dev.normlab.experiments.plot.BarChart;
import dev.normlab.experiments.plot.DensityChart;
import dev.normlab.experiments.plot.Figure;
import dev.normlab.experiments.plot.LineChart;
import dev.normlab.experiments.report.RecordedRun.LayerNorm;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.record.NormPoint;
import dev.normlab.lip.record.NormSeries;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/// The figures of norms, each with a linear and a logarithmic axis, as files of their own: sums and single layers over training,
/// distributions, and bars of every layer across runs.
public final class NormFigures {

    private final List<RecordedRun> runs;
    private final Map<String, Figure> figures = new LinkedHashMap<>();

    /// Which layers a figure shows.
    private enum Group {
        ALL("all layers"),
        WEIGHTS("convolutions and linear layers"),
        BN("batch norm");

        private final String title;

        Group(String title) {
            this.title = title;
        }

        boolean shows(LayerKind kind) {
            return this == ALL || (kind == LayerKind.BN) == (this == BN);
        }

        boolean shows(LayerNorm norm) {
            return this == ALL || norm.isBatchNorm() == (this == BN);
        }

        String slug() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private NormFigures(List<RecordedRun> runs) {
        this.runs = runs;
    }

    /// The figures of some runs by file name without ending, such as `sum-l1-weights-log`. Groups without layers have none.
    public static Map<String, Figure> of(List<RecordedRun> runs) {
        NormFigures made = new NormFigures(runs);
        for (Norm norm : Norm.values()) {
            for (Group group : Group.values()) {
                if (runs.stream().anyMatch(run -> run.norms().stream().anyMatch(group::shows))) {
                    made.add("sum-" + norm.label() + "-" + group.slug(), log -> made.sums(norm, group, log));
                    made.add("distribution-" + norm.label() + "-" + group.slug(), log -> made.distribution(norm, group, log));
                    made.add("layers-" + norm.label() + "-" + group.slug(), log -> made.bars(norm, group, log));
                    for (RecordedRun run : runs) {
                        String name = run.name().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
                        made.add("over-training-" + norm.label() + "-" + group.slug() + "-" + name, log -> layers(run, norm, group, log));
                    }
                }
            }
        }
        return made.figures;
    }

    /// The figures of a recorded series, with points between the ends of epochs.
    public static Map<String, Figure> of(String name, NormSeries series) {
        NormFigures made = new NormFigures(List.of());
        for (Norm norm : Norm.values()) {
            for (Group group : Group.values()) {
                if (series.layers().stream().anyMatch(layer -> group.shows(layer.kind()))) {
                    made.add("series-" + norm.label() + "-" + group.slug(), log -> layers(name, series, norm, group, log));
                }
            }
        }
        return made.figures;
    }

    /// Makes a figure for a linear or a logarithmic axis.
    private interface Maker {

        Figure make(boolean logarithmic);
    }

    private void add(String name, Maker maker) {
        figures.put(name, maker.make(false));
        figures.put(name + "-log", maker.make(true));
    }

    private static Axis axis(String label, boolean logarithmic) {
        return logarithmic ? Axis.log(label) : Axis.linear(label);
    }

    private Figure sums(Norm norm, Group group, boolean logarithmic) {
        List<LineChart.Series> series = new ArrayList<>();
        for (RecordedRun run : runs) {
            Map<Integer, Double> sums = new TreeMap<>();
            run.norms().stream().filter(group::shows).forEach(layer -> sums.merge(layer.epoch(), value(layer, norm), Double::sum));
            series.add(new LineChart.Series(run.name(), series.size(),
                    sums.entrySet().stream().map(sum -> LineChart.Point.of(sum.getKey(), sum.getValue())).toList()));
        }
        return new LineChart("Sum of " + norm.label() + " norms: " + group.title, "One line per run, over the epochs of training.",
                Axis.integer("epoch"), axis("sum of " + norm.label() + " norms", logarithmic), series);
    }

    private Figure distribution(Norm norm, Group group, boolean logarithmic) {
        List<DensityChart.Series> samples = new ArrayList<>();
        for (RecordedRun run : runs) {
            List<DensityChart.Value> values = last(run, group).stream()
                    .map(layer -> new DensityChart.Value(layer.layer(), value(layer, norm))).toList();
            samples.add(new DensityChart.Series(run.name(), samples.size(), values));
        }
        return new DensityChart("Distribution of " + norm.label() + " norms: " + group.title,
                "One curve per run, with one rug line per layer.",
                axis(norm.label() + " norm of a layer", logarithmic), samples);
    }

    private Figure bars(Norm norm, Group group, boolean logarithmic) {
        List<String> names = runs.stream().flatMap(run -> last(run, group).stream()).map(LayerNorm::layer).distinct().toList();
        List<BarChart.Series> series = new ArrayList<>();
        for (RecordedRun run : runs) {
            Map<String, Double> values = new LinkedHashMap<>();
            last(run, group).forEach(layer -> values.put(layer.layer(), value(layer, norm)));
            series.add(new BarChart.Series(run.name(), series.size(),
                    names.stream().map(name -> BarChart.Bar.of(values.getOrDefault(name, Double.NaN))).toList()));
        }
        return new BarChart(norm.label() + " norm of every layer: " + group.title, "One group of bars per layer, one bar per run.", "",
                axis(norm.label() + " norm", logarithmic), names, series);
    }

    private static Figure layers(RecordedRun run, Norm norm, Group group, boolean logarithmic) {
        Map<String, List<LineChart.Point>> lines = new LinkedHashMap<>();
        run.norms().stream().filter(group::shows).forEach(layer -> lines.computeIfAbsent(layer.layer(), _ -> new ArrayList<>())
                .add(LineChart.Point.of(layer.epoch(), value(layer, norm))));
        return overTraining(run.name(), Axis.integer("epoch"), norm, group, logarithmic, lines);
    }

    private static Figure layers(String name, NormSeries recorded, Norm norm, Group group, boolean logarithmic) {
        Map<String, List<LineChart.Point>> lines = new LinkedHashMap<>();
        for (int i = 0; i < recorded.layers().size(); i++) {
            if (group.shows(recorded.layers().get(i).kind())) {
                List<LineChart.Point> points = new ArrayList<>();
                double[] values = recorded.of(i, norm);
                for (int k = 0; k < values.length; k++) {
                    NormPoint point = recorded.points().get(k);
                    points.add(LineChart.Point.of(point.epoch(), values[k]));
                }
                lines.put(recorded.layers().get(i).name(), points);
            }
        }
        return overTraining(name, Axis.linear("epoch"), norm, group, logarithmic, lines);
    }

    private static Figure overTraining(String name, Axis epochs, Norm norm, Group group, boolean logarithmic,
            Map<String, List<LineChart.Point>> lines) {
        List<LineChart.Series> series = new ArrayList<>();
        lines.forEach((layer, points) -> series.add(new LineChart.Series(layer, series.size(), points)));
        return new LineChart(name + ": " + norm.label() + " norms over training, " + group.title, "One line per layer.", epochs,
                axis(norm.label() + " norm", logarithmic), series);
    }

    /// The norms after the last epoch that has them.
    private static List<LayerNorm> last(RecordedRun run, Group group) {
        int last = run.lastNormEpoch().orElse(-1);
        return run.norms().stream().filter(norm -> norm.epoch() == last && group.shows(norm)).toList();
    }

    private static double value(LayerNorm layer, Norm norm) {
        return norm == Norm.L1 ? layer.l1() : layer.linf();
    }
}
