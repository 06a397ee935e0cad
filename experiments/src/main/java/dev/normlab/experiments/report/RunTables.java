package dev.normlab.experiments.report;

import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.report.RecordedRun.LayerNorm;
import dev.normlab.experiments.report.Table.Cell;
import dev.normlab.experiments.report.Table.Column;
import dev.normlab.experiments.stats.Interval;
import dev.normlab.experiments.stats.Proportion;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;

/// The tables of a report on training runs.
final class RunTables {

    private static final Cell MISSING = Cell.text(Numbers.MISSING);
    private static final char NO_BREAK = '\u00a0';

    private final List<RecordedRun> runs;

    RunTables(List<RecordedRun> runs) {
        this.runs = runs;
    }

    /// One row per run with what came out of it.
    Table results() {
        List<String> attacks = Findings.attackLabels(runs);
        List<Column> columns = new ArrayList<>(List.of(Column.text("run"), Column.number("epochs"), Column.number("clean accuracy"), Column
                .number("95% interval")));
        for (String label : attacks) {
            SortedSet<Long> counts = Findings.counts(runs, label);
            String one = counts.size() == 1 ? " (" + Findings.counted(counts).replace(' ', NO_BREAK) + ")" : "";
            columns.addAll(List.of(Column.number("under " + label + one), Column.number("95% interval")));
        }
        Optional<RecordedRun> single = singleBase();
        columns.addAll(List.of(Column.number("l1 sum, conv + linear"),
                Column.number("relative to " + single.map(RecordedRun::name).orElse("the plain run")),
                Column.number("l1 sum, batch norm"), Column.number("largest l1 norm"), Column.number("seconds")));
        List<List<Cell>> rows = new ArrayList<>();
        for (RecordedRun run : runs) {
            List<Cell> row = new ArrayList<>(List.of(Cell.text(run.name()), epochs(run)));
            addAccuracy(row, run.clean(), false);
            attacks.forEach(label -> addAccuracy(row, Findings.survived(run, label), Findings.counts(runs, label).size() > 1));
            double sum = run.lastNormSum(false);
            row.add(Cell.number(sum));
            row.add(base(run).map(one -> sum / one.lastNormSum(false)).map(ratio -> new Cell(Numbers.fixed(ratio, 3), ratio))
                    .orElse(MISSING));
            row.add(Cell.number(run.lastNormSum(true)));
            row.add(Cell.number(largest(run)));
            row.add(new Cell(Numbers.fixed(run.seconds(), 1), run.seconds()));
            rows.add(row);
        }
        String relative = single.isPresent() ? "" : " The plain run is that of the same model and data, where there is one.";
        return new Table("Results at the end of training. Norms are those after the last epoch." + relative, columns, rows, true);
    }

    /// The same with every number in a column of its own: fractions, the ends of their intervals, and numbers of images.
    Table resultsData() {
        List<String> attacks = Findings.attackLabels(runs);
        List<Column> columns = new ArrayList<>(List.of(Column.text("run"), Column.number("epochs")));
        Stream.concat(Stream.of("clean"), attacks.stream().map(label -> "under " + label)).forEach(what -> columns.addAll(List.of(
                Column.number(what + ": accuracy"), Column.number(what + ": low"), Column.number(what + ": high"),
                Column.number(what + ": images"))));
        columns.addAll(List.of(Column.number("l1_sum_conv_linear"), Column.text("relative_to"), Column.number("l1_sum_ratio"),
                Column.number("l1_sum_bn"), Column.number("largest_l1"), Column.number("seconds")));
        List<List<Cell>> rows = new ArrayList<>();
        for (RecordedRun run : runs) {
            List<Cell> row = new ArrayList<>(List.of(Cell.text(run.name()), Cell.integer(run.completedEpochs())));
            addNumbers(row, run.clean());
            attacks.forEach(label -> addNumbers(row, Findings.survived(run, label)));
            Optional<RecordedRun> base = base(run);
            double sum = run.lastNormSum(false);
            row.addAll(List.of(Cell.number(sum), base.map(one -> Cell.text(one.name())).orElse(MISSING),
                    base.map(one -> Cell.number(sum / one.lastNormSum(false))).orElse(MISSING), Cell.number(run.lastNormSum(true)),
                    Cell.number(largest(run)), Cell.number(run.seconds())));
            rows.add(row);
        }
        return new Table("Results at the end of training.", columns, rows, false);
    }

    /// The completed epochs, and of how many if the run stands before its end.
    private static Cell epochs(RecordedRun run) {
        int done = run.completedEpochs();
        return run.isWhole() ? Cell.integer(done) : new Cell(done + " of " + run.plannedEpochs(), done);
    }

    private static void addNumbers(List<Cell> row, Optional<Proportion> accuracy) {
        if (accuracy.isEmpty()) {
            row.addAll(List.of(MISSING, MISSING, MISSING, MISSING));
            return;
        }
        Interval interval = accuracy.get().wilson95();
        row.addAll(List.of(Cell.number(accuracy.get().fraction()), Cell.number(interval.low()), Cell.number(interval.high()),
                Cell.integer(accuracy.get().trials())));
    }

    /// The largest l1 norm of a convolution or linear layer.
    private static double largest(RecordedRun run) {
        return run.lastNorms(false).stream().mapToDouble(LayerNorm::l1).max().orElse(Double.NaN);
    }

    /// The run that all others are compared with, where all are of the same model and data.
    private Optional<RecordedRun> singleBase() {
        return RecordedRun.comparable(runs).size() == 1 ? Optional.of(normBase(runs)) : Optional.empty();
    }

    /// The run that a run's sum of norms is compared with: with several models or data the plain one of its own, where there is one.
    private Optional<RecordedRun> base(RecordedRun run) {
        return singleBase().or(() -> RecordedRun.comparable(runs).stream().filter(group -> group.contains(run)).findFirst()
                .map(RunTables::normBase).filter(RecordedRun::isPlain));
    }

    /// The run with which sums of norms are compared: one that has a sum, where there is one.
    private static RecordedRun normBase(List<RecordedRun> group) {
        List<RecordedRun> measured = group.stream().filter(run -> run.lastNormSum(false) > 0).toList();
        return RecordedRun.base(measured.isEmpty() ? group : measured);
    }

    private static void addAccuracy(List<Cell> row, Optional<Proportion> accuracy, boolean withCount) {
        if (accuracy.isEmpty()) {
            row.addAll(List.of(MISSING, MISSING));
            return;
        }
        Interval interval = accuracy.get().wilson95();
        row.add(Cell.percent(accuracy.get().fraction()));
        String count = withCount ? " (n = " + Numbers.integer(accuracy.get().trials()) + ")" : "";
        row.add(new Cell(Numbers.percent(interval.low(), 1) + " to " + Numbers.percent(interval.high(), 1) + count, interval.low()));
    }

    /// One row per run and epoch.
    Table epochs() {
        List<Column> columns = List.of(Column.text("run"), Column.number("epoch"), Column.number("training loss"), Column.number(
                "training accuracy"),
                Column.number("test accuracy"), Column.number("l1 sum, conv + linear"), Column.number("l1 sum, batch norm"));
        List<List<Cell>> rows = new ArrayList<>();
        for (RecordedRun run : runs) {
            for (RecordedRun.Epoch epoch : run.epochs()) {
                rows.add(List.of(Cell.text(run.name()), Cell.integer(epoch.epoch()), Cell.number(epoch.trainLoss()), Cell.percent(epoch
                        .trainAccuracy()),
                        Cell.percent(epoch.testAccuracy()), Cell.number(epoch.normSum()), Cell.number(epoch.normSumBn())));
            }
        }
        return new Table("Metrics of every epoch.", columns, rows, true);
    }

    /// One row per layer with its norms in every run.
    Table layers() {
        List<Column> columns = new ArrayList<>(List.of(Column.text("layer"), Column.text("kind")));
        for (RecordedRun run : runs) {
            columns.addAll(List.of(Column.number(run.name() + ", l1"), Column.number(run.name() + ", linf")));
        }
        List<List<Cell>> rows = new ArrayList<>();
        for (boolean batchNorm : new boolean[] {false, true}) {
            for (String name : RunFigures.layerNames(runs, batchNorm)) {
                rows.add(layerRow(name, batchNorm));
            }
        }
        return new Table("Norms of every layer after the last epoch.", columns, rows, true);
    }

    private List<Cell> layerRow(String name, boolean batchNorm) {
        List<Cell> row = new ArrayList<>(List.of(Cell.text(name), MISSING));
        for (RecordedRun run : runs) {
            Optional<LayerNorm> layer = run.lastNorms(batchNorm).stream().filter(norm -> norm.layer().equals(name)).findFirst();
            layer.ifPresent(norm -> row.set(1, Cell.text(norm.kind())));
            row.add(layer.map(norm -> Cell.number(norm.l1())).orElse(MISSING));
            row.add(layer.map(norm -> Cell.number(norm.linf())).orElse(MISSING));
        }
        return row;
    }

    /// The settings of the runs: those in common, and those that differ.
    List<Table> settings() {
        List<String> keys = keys(RecordedRun::settings);
        List<Table> tables = new ArrayList<>();
        List<List<Cell>> common = keys.stream().filter(key -> inCommon(key, RecordedRun::settings))
                .map(key -> List.of(Cell.text(key), Cell.text(setting(runs.getFirst(), key)))).toList();
        if (!common.isEmpty()) {
            String caption = runs.size() == 1 ? "Settings of the run." : "Settings that all runs have in common.";
            tables.add(new Table(caption, List.of(Column.text("setting"), Column.text("value")), common, false));
        }
        List<String> different = keys.stream().filter(key -> !inCommon(key, RecordedRun::settings)).toList();
        if (!different.isEmpty()) {
            List<Column> columns = new ArrayList<>(List.of(Column.text("run")));
            different.forEach(key -> columns.add(Column.text(key)));
            List<List<Cell>> rows = new ArrayList<>();
            for (RecordedRun run : runs) {
                List<Cell> row = new ArrayList<>(List.of(Cell.text(run.name())));
                different.forEach(key -> row.add(Cell.text(setting(run, key))));
                rows.add(row);
            }
            tables.add(new Table("Settings in which the runs differ.", columns, rows, false));
        }
        return tables;
    }

    private static String setting(RecordedRun run, String key) {
        return Numbers.setting(key, recorded(run, key));
    }

    private static String recorded(RecordedRun run, String key) {
        return run.settings().getOrDefault(key, Numbers.MISSING);
    }

    /// Where and with what the runs were made; a value that differs between runs is listed for each.
    Table provenance() {
        List<List<Cell>> rows = new ArrayList<>();
        for (String key : keys(RecordedRun::provenance)) {
            if (inCommon(key, RecordedRun::provenance)) {
                rows.add(List.of(Cell.text(key), Cell.text(runs.getFirst().provenance().getOrDefault(key, Numbers.MISSING))));
            } else {
                runs.forEach(run -> rows.add(
                        List.of(Cell.text(key + ", " + run.name()), Cell.text(run.provenance().getOrDefault(key, Numbers.MISSING)))));
            }
        }
        return new Table("Where and with what the runs were made.", List.of(Column.text("item"), Column.text("value")), rows, false);
    }

    /// All tables by file name without ending, such as `results`; where models or data differ, layers are in a table for each, such as
    /// `group-1-layers`.
    Map<String, ExportedTable> all() {
        Map<String, ExportedTable> tables = new LinkedHashMap<>();
        tables.put("results", new ExportedTable(results(), resultsData()));
        tables.put("epochs", ExportedTable.of(epochs()));
        RecordedRun.groups(runs).forEach((prefix, group) -> tables.put(prefix + "layers",
                ExportedTable.of(new RunTables(group).layers())));
        tables.put("settings", new ExportedTable(allSettings(RunTables::setting), allSettings(RunTables::recorded)));
        tables.put("provenance", ExportedTable.of(provenance()));
        return tables;
    }

    /// One row per setting with its value in every run, in this form.
    private Table allSettings(BiFunction<RecordedRun, String, String> form) {
        List<Column> columns = new ArrayList<>(List.of(Column.text("setting")));
        runs.forEach(run -> columns.add(Column.text(run.name())));
        List<List<Cell>> rows = new ArrayList<>();
        for (String key : keys(RecordedRun::settings)) {
            List<Cell> row = new ArrayList<>(List.of(Cell.text(key)));
            runs.forEach(run -> row.add(Cell.text(form.apply(run, key))));
            rows.add(row);
        }
        return new Table("The settings of the runs.", columns, rows, false);
    }

    private List<String> keys(Function<RecordedRun, Map<String, String>> entries) {
        return runs.stream().sorted(Comparator.comparingInt(run -> -entries.apply(run).size())).flatMap(run -> entries.apply(run).keySet()
                .stream()).distinct()
                .toList();
    }

    private boolean inCommon(String key, Function<RecordedRun, Map<String, String>> entries) {
        return runs.stream().map(run -> Optional.ofNullable(entries.apply(run).get(key))).distinct().count() == 1;
    }
}
