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

    /// What is compared with the first method, and how.
    private enum Measure {
        /// The sum of l1 norms as a multiple.
        NORMS("l1_sum_ratio", false),
        /// The accuracy on clean images as a difference in points.
        CLEAN("clean_accuracy_points", true),
        /// The accuracy under attack as a difference in points.
        ROBUST("robust_accuracy_points", true);

        private final String key;
        private final boolean difference;

        Measure(String key, boolean difference) {
            this.key = key;
            this.difference = difference;
        }

        Optional<MeanEstimate> of(SettingResult setting) {
            return switch (this) {
                case NORMS -> setting.normSum(false);
                case CLEAN -> setting.clean();
                case ROBUST -> setting.robust();
            };
        }

        String title(String plain) {
            return switch (this) {
                case NORMS -> "l1 sum, times that of " + plain;
                case CLEAN -> "clean accuracy, points";
                case ROBUST -> "robust accuracy, points";
            };
        }

        double value(MeanEstimate mine, MeanEstimate base) {
            return difference ? 100 * (mine.mean() - base.mean()) : mine.mean() / base.mean();
        }
    }

    /// How a measure of some settings lies to that of the first method of the same models.
    ///
    /// @param sorted the changes, from the smallest on
    /// @param lower  in how many settings the mean is lower
    /// @param higher in how many it is higher
    /// @param lowerApart  of the lower ones, those whose difference has an interval that leaves 0 out
    /// @param higherApart of the higher ones
    private record Change(double[] sorted, long lower, long higher, long lowerApart, long higherApart) {

        static Change of(double[] sorted, List<MeanEstimate> differences) {
            List<MeanEstimate> apart = differences.stream().filter(MeanEstimate::isApartFromZero).toList();
            return new Change(sorted, count(differences, -1), count(differences, 1), count(apart, -1), count(apart, 1));
        }

        private static long count(List<MeanEstimate> differences, int sign) {
            return differences.stream().filter(one -> sign * one.mean() > 0).count();
        }

        double least() {
            return sorted.length == 0 ? Double.NaN : sorted[0];
        }

        double most() {
            return sorted.length == 0 ? Double.NaN : sorted[sorted.length - 1];
        }
    }

    private Change change(List<SettingResult> settings, Measure measure) {
        List<SettingResult> measured = settings.stream()
                .filter(one -> measure.of(one).isPresent() && measure.of(baseline(one)).isPresent()).toList();
        return Change.of(
                measured.stream().mapToDouble(one -> measure.value(measure.of(one).orElseThrow(), measure.of(baseline(one)).orElseThrow()))
                        .sorted().toArray(),
                measured.stream().map(one -> measure.of(one).orElseThrow().minus(measure.of(baseline(one)).orElseThrow())).toList());
    }

    private SettingResult baseline(SettingResult setting) {
        return results.baseline(setting.model()).orElseThrow();
    }

    /// One row per method: what it changes against the first method of the same model, over all models and strengths.
    Table changes() {
        String plain = results.config().methods().getFirst().name();
        List<Column> columns = new ArrayList<>(List.of(Column.text("method"), Column.number("settings")));
        for (Measure measure : Measure.values()) {
            columns.addAll(List.of(Column.number(measure.title(plain)), Column.number("lower : higher")));
            if (hasSeveralSeeds()) {
                columns.add(Column.number("beyond the interval"));
            }
        }
        List<List<Cell>> rows = new ArrayList<>();
        for (StudyMethod method : comparable()) {
            List<SettingResult> settings = settings(method);
            List<Cell> row = new ArrayList<>(List.of(Cell.text(method.name()), Cell.integer(settings.size())));
            for (Measure measure : Measure.values()) {
                Change change = change(settings, measure);
                row.addAll(List.of(range(change, measure.difference), pair(change.lower, change.higher)));
                if (hasSeveralSeeds()) {
                    row.add(pair(change.lowerApart, change.higherApart));
                }
            }
            rows.add(row);
        }
        return new Table("Every method against " + plain + " networks of the same model, over all models and strengths: the range of the "
                + "changes, and in how many settings the mean is lower and higher" + (hasSeveralSeeds()
                        ? "; beyond the interval: in how many of these the 95% interval of the difference over seeds (Welch) leaves 0 out."
                        : ". With one seed each nothing is said about chance."),
                columns, rows, true);
    }

    /// The same with every number in a column of its own: the smallest and the largest change, and numbers of settings.
    Table changesData() {
        List<Column> columns = new ArrayList<>(List.of(Column.text("method"), Column.number("settings")));
        List<String> parts = new ArrayList<>(List.of("_min", "_max", "_lower", "_higher"));
        if (hasSeveralSeeds()) {
            parts.addAll(List.of("_lower_beyond_interval", "_higher_beyond_interval"));
        }
        for (Measure measure : Measure.values()) {
            parts.forEach(part -> columns.add(Column.number(measure.key + part)));
        }
        List<List<Cell>> rows = new ArrayList<>();
        for (StudyMethod method : comparable()) {
            List<SettingResult> settings = settings(method);
            List<Cell> row = new ArrayList<>(List.of(Cell.text(method.name()), Cell.integer(settings.size())));
            for (Measure measure : Measure.values()) {
                Change change = change(settings, measure);
                row.addAll(List.of(Cell.number(change.least()), Cell.number(change.most()), Cell.integer(change.lower),
                        Cell.integer(change.higher)));
                if (hasSeveralSeeds()) {
                    row.addAll(List.of(Cell.integer(change.lowerApart), Cell.integer(change.higherApart)));
                }
            }
            rows.add(row);
        }
        return new Table("Every method against " + results.config().methods().getFirst().name() + " networks of the same model.", columns,
                rows, false);
    }

    private boolean hasSeveralSeeds() {
        return results.config().seeds() > 1;
    }

    private static Cell pair(long lower, long higher) {
        return new Cell(lower + " : " + higher, lower);
    }

    private static Cell range(Change change, boolean signed) {
        if (change.sorted.length == 0) {
            return Cell.text(Numbers.MISSING); // norms that are not finite
        }
        String low = signed ? signed(change.least()) : Numbers.fixed(change.least(), 2);
        String high = signed ? signed(change.most()) : Numbers.fixed(change.most(), 2);
        return new Cell(low.equals(high) ? low : low + " to " + high, change.least());
    }

    private static String signed(double value) {
        String text = Numbers.fixed(value, 1);
        return value > 0 && !text.equals("0.0") ? "+" + text : text;
    }
}
