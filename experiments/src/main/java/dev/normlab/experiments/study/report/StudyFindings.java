package dev.normlab.experiments.study.report;

import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.report.Table;
import dev.normlab.experiments.report.Table.Cell;
import dev.normlab.experiments.report.Table.Column;
import dev.normlab.experiments.stats.MeanEstimate;
import dev.normlab.experiments.study.StudyMethod;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;

/// What came out of a study, as sentences and a table that are computed and never assumed.
final class StudyFindings {

    private final StudyResults results;

    StudyFindings(StudyResults results) {
        this.results = results;
    }

    /// What the first method gives, and what is missing.
    List<String> sentences() {
        List<String> sentences = new ArrayList<>();
        baselines().ifPresent(sentences::add);
        if (results.diverged() > 0) {
            sentences.add(results.diverged() + " of " + results.plan().runs().size()
                    + " runs met NaN or infinity in training and have no result: " + String.join(", ", results.settings().stream()
                            .filter(one -> one.diverged() > 0).map(one -> one.model() + " " + one.name()).toList())
                    + ".");
        }
        if (results.open() > 0) {
            sentences.add("Not finished yet: " + results.open() + " of " + results.plan().runs().size()
                    + " runs; what is said here is of the others.");
        }
        sentences.addAll(results.remarks());
        if (results.finished() > 0) {
            statistics().ifPresent(sentences::add);
        }
        results.plan().remarks().forEach(remark -> sentences.add(capitalized(remark) + "."));
        if (sentences.isEmpty()) {
            sentences.add("Nothing has been measured yet.");
        }
        return sentences;
    }

    /// What to say where some methods estimate batch norm's statistics and others do not.
    private Optional<String> statistics() {
        Map<Boolean, Set<String>> methods = results.plan().runs().stream().collect(Collectors.partitioningBy(
                run -> run.settings().statisticsImages() > 0,
                Collectors.mapping(run -> run.method().name(), Collectors.toCollection(LinkedHashSet::new))));
        Set<String> estimated = methods.getOrDefault(true, Set.of());
        Set<String> kept = methods.getOrDefault(false, Set.of());
        return estimated.isEmpty() || kept.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        "Batch norm's running statistics are estimated anew at the end of every epoch with " + String.join(", ", estimated)
                                + ", and are what training leaves with " + String.join(", ", kept)
                                + ". That alone can change accuracies by more than "
                                + "a method does; with the key training.bn_statistics: 1024 a study treats all methods alike.");
    }

    private static String capitalized(String text) {
        return text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
    }

    private Optional<String> baselines() {
        List<String> parts = new ArrayList<>();
        for (String model : results.config().models()) {
            results.baseline(model)
                    .ifPresent(plain -> parts.add(model + " " + percent(plain.clean()) + " clean and " + percent(plain.robust())
                            + " under attack"));
        }
        return parts.isEmpty()
                ? Optional.empty()
                : Optional.of(results.config().methods().getFirst().name() + " networks: " + String.join(", ", parts) + ".");
    }

    private static String percent(Optional<MeanEstimate> estimate) {
        return estimate.map(one -> Numbers.percent(one.mean(), 1)).orElse(Numbers.MISSING);
    }

    /// Whether there is something to set beside the first method.
    boolean hasChanges() {
        return !comparable().isEmpty();
    }

    private List<StudyMethod> comparable() {
        List<StudyMethod> methods = results.config().methods();
        return methods.subList(1, methods.size()).stream().filter(method -> !settings(method).isEmpty()).toList();
    }

    private List<SettingResult> settings(StudyMethod method) {
        return results.settings().stream()
                .filter(one -> one.method().equals(method) && !one.finished().isEmpty() && results.baseline(one.model()).isPresent())
                .toList();
    }

    /// One row per method: what it changes against the first method of the same model, over all models and strengths.
    Table changes() {
        String plain = results.config().methods().getFirst().name();
        boolean several = results.config().seeds() > 1;
        List<Column> columns = new ArrayList<>(List.of(Column.text("method"), Column.number("settings")));
        for (String what : List.of("l1 sum, times that of " + plain, "clean accuracy, points", "robust accuracy, points")) {
            columns.addAll(List.of(Column.number(what), Column.number("lower : higher")));
            if (several) {
                columns.add(Column.number("beyond the interval"));
            }
        }
        List<List<Cell>> rows = new ArrayList<>();
        for (StudyMethod method : comparable()) {
            List<SettingResult> settings = settings(method);
            List<Cell> row = new ArrayList<>(List.of(Cell.text(method.name()), Cell.integer(settings.size())));
            List<SettingResult> normed = settings.stream()
                    .filter(one -> one.normSum(false).isPresent() && baseline(one).normSum(false).isPresent()).toList();
            row.add(range(normed.stream().mapToDouble(one -> norm(one).mean() / norm(baseline(one)).mean()), false));
            counted(normed, one -> one.normSum(false), several, row);
            for (Function<SettingResult, Optional<MeanEstimate>> accuracy : List.<Function<SettingResult, Optional<MeanEstimate>>>of(
                    SettingResult::clean, SettingResult::robust)) {
                row.add(range(settings.stream().mapToDouble(one -> 100 * difference(one, accuracy).mean()), true));
                counted(settings, accuracy, several, row);
            }
            rows.add(row);
        }
        return new Table("Every method against " + plain + " networks of the same model, over all models and strengths: the range of the "
                + "changes, and in how many settings the mean is lower and higher" + (several
                        ? "; beyond the interval: in how many of these the 95% interval of the difference over seeds (Welch) leaves 0 out."
                        : ". With one seed each nothing is said about chance."),
                columns, rows, true);
    }

    private static MeanEstimate norm(SettingResult setting) {
        return setting.normSum(false).orElseThrow();
    }

    private SettingResult baseline(SettingResult setting) {
        return results.baseline(setting.model()).orElseThrow();
    }

    private MeanEstimate difference(SettingResult setting, Function<SettingResult, Optional<MeanEstimate>> of) {
        return of.apply(setting).orElseThrow().minus(of.apply(baseline(setting)).orElseThrow());
    }

    private void counted(List<SettingResult> settings, Function<SettingResult, Optional<MeanEstimate>> of, boolean several,
            List<Cell> row) {
        List<MeanEstimate> differences = settings.stream().map(one -> difference(one, of)).toList();
        row.add(pair(differences));
        if (several) {
            row.add(pair(differences.stream().filter(MeanEstimate::isApartFromZero).toList()));
        }
    }

    private static Cell pair(List<MeanEstimate> differences) {
        long lower = differences.stream().filter(one -> one.mean() < 0).count();
        return new Cell(lower + " : " + differences.stream().filter(one -> one.mean() > 0).count(), lower);
    }

    private static Cell range(DoubleStream values, boolean signed) {
        double[] sorted = values.sorted().toArray();
        if (sorted.length == 0) {
            return Cell.text(Numbers.MISSING); // norms that are not finite
        }
        double last = sorted[sorted.length - 1];
        String low = signed ? signed(sorted[0]) : Numbers.fixed(sorted[0], 2);
        String high = signed ? signed(last) : Numbers.fixed(last, 2);
        return new Cell(low.equals(high) ? low : low + " to " + high, sorted[0]);
    }

    private static String signed(double value) {
        String text = Numbers.fixed(value, 1);
        return value > 0 && !text.equals("0.0") ? "+" + text : text;
    }
}
