package dev.normlab.experiments.study.report;

import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.report.ExportedTable;
import dev.normlab.experiments.report.Table;
import dev.normlab.experiments.report.Table.Cell;
import dev.normlab.experiments.report.Table.Column;
import dev.normlab.experiments.stats.Interval;
import dev.normlab.experiments.stats.MeanEstimate;
import dev.normlab.experiments.stats.Proportion;
import dev.normlab.experiments.study.StudyConfig;
import dev.normlab.experiments.study.StudyMethod;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/// The tables of a study. No table has times, so that the same results give the same bytes whenever and wherever they were found.
public final class StudyTables {

    private static final Cell MISSING = Cell.text(Numbers.MISSING);
    /// What is said behind a mean of several equal values in place of an interval.
    static final String NO_SPREAD = " (no spread)";

    private final StudyResults results;
    private final StudyConfig config;

    /// The tables of these results.
    public StudyTables(StudyResults results) {
        this.results = results;
        this.config = results.config();
    }

    /// All tables by file name without ending.
    public Map<String, ExportedTable> all() {
        Map<String, ExportedTable> tables = new LinkedHashMap<>();
        tables.put("accuracy", new ExportedTable(accuracy(false), accuracy(true)));
        tables.put("results", new ExportedTable(results(), resultsData()));
        tables.put("runs", ExportedTable.of(runs()));
        StudyFindings findings = new StudyFindings(results);
        if (findings.hasChanges()) {
            tables.put("changes", new ExportedTable(findings.changes(), findings.changesData()));
        }
        paper().ifPresent(table -> tables.put("paper-and-here", ExportedTable.of(table)));
        return tables;
    }

    /// What the attack was, for captions: `apgd-ce + apgd-t, 100 steps, 9 targets in linf 1/255`.
    String attack() {
        return config.attack().label() + " in " + config.attack().norm().label() + " " + config.attack().eps();
    }

    private String intervals() {
        return (config.seeds() > 1
                ? "Means over " + config.seeds() + " seeds ± half of the 95% confidence interval (Student's t); where one run only is "
                        + "finished, its 95% Wilson interval for the finite number of images."
                : "One seed each; in parentheses 95% Wilson intervals for the finite number of images, which say nothing about other seeds.")
                + (marks().isEmpty() ? "" : marks().substring(1) + ".");
    }

    /// What marks in the cells mean, where there are any.
    String marks() {
        boolean partial = results.settings().stream().anyMatch(SettingResult::isPartial);
        boolean equal = results.settings().stream().flatMap(one -> Stream.of(one.clean(), one.robust(), one.normSum(false)))
                .flatMap(Optional::stream).anyMatch(one -> one.n() > 1 && !one.hasInterval());
        boolean wide = results.settings().stream().flatMap(one -> Stream.of(one.clean(), one.robust())).flatMap(Optional::stream)
                .anyMatch(StudyTables::isWiderThanScale);
        return (partial ? ". [1 of 3]: a mean of one run only of three, because the others diverged or are not finished" : "")
                + (equal ? ". (no spread): all seeds gave the same value, which makes no interval" : "")
                + (wide
                        ? ". (no useful interval): so few seeds differ so much that the 95% interval is wider than the scale from 0 to 100%"
                        : "");
    }

    /// The paper's table: where methods have several strengths one row per model, method and measure, and one column per strength; else one
    /// row per model and method.
    ///
    /// @param counts whether columns say how many runs the means are of, for programs
    Table accuracy(boolean counts) {
        int most = config.methods().stream().mapToInt(method -> Math.max(1, method.strengths().size())).max().orElse(1);
        return most == 1 ? accuracyOfMethods(counts) : accuracyOfStrengths(most, counts);
    }

    private Table accuracyOfMethods(boolean counts) {
        List<Column> columns = new ArrayList<>(
                List.of(Column.text("model"), Column.text("method"), Column.number("clean"), Column.number("robust")));
        if (counts) {
            columns.addAll(List.of(Column.number("runs"), Column.number("planned")));
        }
        List<List<Cell>> rows = new ArrayList<>();
        for (SettingResult setting : results.settings()) {
            List<Cell> row = new ArrayList<>(List.of(Cell.text(setting.model()), Cell.text(setting.name()),
                    percent(setting, SettingResult::clean, SettingResult.Finished::clean),
                    percent(setting, SettingResult::robust, SettingResult.Finished::robust)));
            if (counts) {
                row.addAll(List.of(Cell.integer(setting.finished().size()), Cell.integer(setting.planned())));
            }
            rows.add(row);
        }
        return new Table("Accuracy on clean test images, and robust: under " + attack() + ", in percent. " + intervals(), columns, rows,
                true);
    }

    private Table accuracyOfStrengths(int most, boolean counts) {
        List<Column> columns = new ArrayList<>(List.of(Column.text("model"), Column.text("method"), Column.text("accuracy")));
        for (int i = 1; i <= most; i++) {
            columns.add(Column.number("strength " + i));
        }
        for (int i = 1; counts && i <= most; i++) {
            columns.add(Column.number("runs of strength " + i));
        }
        if (counts) {
            columns.add(Column.number("planned"));
        }
        List<List<Cell>> rows = new ArrayList<>();
        for (String model : config.models()) {
            for (StudyMethod method : config.methods()) {
                rows.add(accuracyRow(model, method, "clean", SettingResult::clean, SettingResult.Finished::clean, most, counts));
                rows.add(accuracyRow(model, method, "robust", SettingResult::robust, SettingResult.Finished::robust, most, counts));
            }
        }
        return new Table(
                "Accuracy on clean test images, and robust: under " + attack() + ", in percent. Strengths from left to right as in "
                        + "the column of methods. " + intervals(),
                columns, rows, false);
    }

    private List<Cell> accuracyRow(String model, StudyMethod method, String what, Function<SettingResult, Optional<MeanEstimate>> mean,
            Function<SettingResult.Finished, Proportion> count, int most, boolean counts) {
        String strengths = String.join(", ", method.strengths().stream().map(Object::toString).toList());
        List<Cell> row = new ArrayList<>(List.of(Cell.text(model),
                Cell.text(method.name() + (strengths.isEmpty() ? "" : " (" + strengths + ")")), Cell.text(what)));
        results.of(model, method).forEach(setting -> row.add(percent(setting, mean, count)));
        fill(row, most + 3);
        if (counts) {
            results.of(model, method).forEach(setting -> row.add(Cell.integer(setting.finished().size())));
            fill(row, 2 * most + 3);
            row.add(Cell.integer(config.seeds()));
        }
        return row;
    }

    private static void fill(List<Cell> row, int cells) {
        while (row.size() < cells) {
            row.add(Cell.text(""));
        }
    }

    private static Cell percent(SettingResult setting, Function<SettingResult, Optional<MeanEstimate>> mean,
            Function<SettingResult.Finished, Proportion> count) {
        Optional<MeanEstimate> estimate = mean.apply(setting);
        if (estimate.isEmpty()) {
            return setting.diverged() > 0 ? Cell.text("diverged") : MISSING;
        }
        double value = estimate.get().mean();
        String text = percent(estimate.get());
        String share = setting.share(estimate.get());
        if (estimate.get().n() > 1) {
            return new Cell(text + share, value);
        }
        Interval interval = setting.single(count).orElseThrow().wilson95();
        return new Cell(text + " (" + Numbers.fixed(100 * interval.low(), 1) + " to " + Numbers.fixed(100 * interval.high(), 1) + ")"
                + share, value);
    }

    /// A mean accuracy in percent, with half of its interval where there are several values and the interval says something.
    static String percent(MeanEstimate accuracy) {
        String mean = Numbers.fixed(100 * accuracy.mean(), 1);
        if (accuracy.n() < 2) {
            return mean;
        }
        if (isWiderThanScale(accuracy)) {
            return mean + " (" + accuracy.n() + " seeds: no useful interval)";
        }
        return mean + (accuracy.hasInterval() ? " ± " + Numbers.fixed(100 * accuracy.halfWidth(), 1) : NO_SPREAD);
    }

    /// Whether the interval of an accuracy is at least as wide as from 0 to 100%, so that it says nothing.
    static boolean isWiderThanScale(MeanEstimate accuracy) {
        return accuracy.hasInterval() && 2 * accuracy.halfWidth() >= 1;
    }

    /// One row per setting with everything that was measured.
    Table results() {
        List<Column> columns = List.of(Column.text("model"), Column.text("method"), Column.number("strength"), Column.number("runs"),
                Column.number("clean accuracy, %"), Column.number("robust accuracy, %"), Column.number("l1 sum, conv + linear"),
                Column.number("relative to " + config.methods().getFirst().name()), Column.number("l1 sum, batch norm"));
        List<List<Cell>> rows = new ArrayList<>();
        for (SettingResult setting : results.settings()) {
            Cell strength = setting.strength().map(one -> new Cell(one.toString(), one.value())).orElse(MISSING);
            rows.add(List.of(Cell.text(setting.model()), Cell.text(setting.method().name()), strength,
                    new Cell(setting.finished().size() + (setting.diverged() > 0 ? ", " + setting.diverged() + " diverged" : ""),
                            setting.finished().size()),
                    percent(setting, SettingResult::clean, SettingResult.Finished::clean),
                    percent(setting, SettingResult::robust, SettingResult.Finished::robust), norm(setting, setting.normSum(false)),
                    relative(setting), norm(setting, setting.normSum(true))));
        }
        return new Table("Every setting at the end of training. Robust: under " + attack() + ". Norms are sums over layers of l1 norms. "
                + intervals(), columns, rows, true);
    }

    /// The same with every number in a column of its own: means, and half widths of 95% intervals where there are several seeds.
    Table resultsData() {
        List<Column> columns = new ArrayList<>(List.of(Column.text("model"), Column.text("method"), Column.number("strength"),
                Column.number("runs"), Column.number("diverged")));
        for (String what : List.of("clean_accuracy", "robust_accuracy", "l1_sum_conv_linear", "l1_sum_bn")) {
            columns.addAll(List.of(Column.number(what), Column.number(what + "_half_width")));
        }
        columns.add(Column.number("planned"));
        List<List<Cell>> rows = new ArrayList<>();
        for (SettingResult setting : results.settings()) {
            List<Cell> row = new ArrayList<>(List.of(Cell.text(setting.model()), Cell.text(setting.method().name()),
                    setting.strength().map(one -> Cell.number(one.value())).orElse(MISSING), Cell.integer(setting.finished().size()),
                    Cell.integer(setting.diverged())));
            for (Optional<MeanEstimate> estimate : List.of(setting.clean(), setting.robust(), setting.normSum(false),
                    setting.normSum(true))) {
                row.add(estimate.map(one -> Cell.number(one.mean())).orElse(MISSING));
                row.add(estimate.filter(MeanEstimate::hasInterval).map(one -> Cell.number(one.halfWidth())).orElse(MISSING));
            }
            row.add(Cell.integer(setting.planned()));
            rows.add(row);
        }
        return new Table("Every setting at the end of training.", columns, rows, false);
    }

    private static Cell norm(SettingResult setting, Optional<MeanEstimate> estimate) {
        return estimate.map(one -> {
            String interval = one.hasInterval() ? " ± " + Numbers.significant(one.halfWidth(), 2) : one.n() > 1 ? NO_SPREAD : "";
            return new Cell(Numbers.significant(one.mean(), 4) + interval + setting.share(one), one.mean());
        }).orElse(MISSING);
    }

    private Cell relative(SettingResult setting) {
        Optional<MeanEstimate> plain = results.baseline(setting.model()).flatMap(baseline -> baseline.normSum(false));
        Optional<MeanEstimate> mine = setting.normSum(false);
        if (plain.isEmpty() || mine.isEmpty()) {
            return MISSING;
        }
        double ratio = mine.get().mean() / plain.get().mean();
        return new Cell(Numbers.fixed(ratio, 3), ratio);
    }

    /// One row per run, as they are.
    Table runs() {
        List<Column> columns = List.of(Column.text("run"), Column.text("model"), Column.text("method"), Column.number("strength"),
                Column.number("repetition"), Column.number("seed"), Column.number("clean images"), Column.number("clean right"),
                Column.number("attacked images"), Column.number("robust right"), Column.number("l1 sum, conv + linear"),
                Column.number("l1 sum, batch norm"));
        List<List<Cell>> rows = new ArrayList<>();
        for (SettingResult setting : results.settings()) {
            for (SettingResult.Finished run : setting.finished()) {
                Cell strength = setting.strength().map(one -> new Cell(one.toString(), one.value())).orElse(MISSING);
                String seed = run.recorded().settings().getOrDefault("seed", "");
                rows.add(List.of(Cell.text(run.folder()), Cell.text(setting.model()), Cell.text(setting.method().name()), strength,
                        Cell.integer(run.replicate()), Cell.text(seed), Cell.integer(run.clean().trials()),
                        Cell.integer(run.clean().successes()), Cell.integer(run.robust().trials()), Cell.integer(run.robust().successes()),
                        Cell.number(run.normSum(false)), Cell.number(run.normSum(true))));
            }
        }
        return new Table("Every finished run.", columns, rows, true);
    }

    /// How far this is from the paper's setting; nothing if the study is compared with none of the paper's.
    Optional<Table> paper() {
        return config.paper().map(paper -> new PaperDistance(results, paper).table());
    }

    /// One row per run with what it cost. It is not among [#all()], because times are never the same twice.
    public Table times() {
        List<List<Cell>> rows = new ArrayList<>();
        for (StudyResults.Begun run : results.runs()) {
            run.contents().result().ifPresent(result -> {
                double attack = config.attackIn(result).map(score -> score.seconds()).orElse(Double.NaN);
                rows.add(List.of(Cell.text(run.planned().folder()), Cell.number(result.seconds()), Cell.number(attack)));
            });
        }
        return new Table("Seconds of every run, on the machines that they ran on, other programs beside them included.",
                List.of(Column.text("run"), Column.number("training, s"), Column.number("attack, s")), rows, true);
    }
}
