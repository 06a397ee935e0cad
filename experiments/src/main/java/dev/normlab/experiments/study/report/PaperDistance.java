package dev.normlab.experiments.study.report;

import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.report.Table;
import dev.normlab.experiments.report.Table.Cell;
import dev.normlab.experiments.report.Table.Column;
import dev.normlab.experiments.run.DataSource;
import dev.normlab.experiments.store.RunInfo;
import dev.normlab.experiments.study.ConfigTree;
import dev.normlab.experiments.study.KnownData;
import dev.normlab.experiments.study.StudyConfig;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/// How far a study is from the paper's setting: its configuration, and the numbers of images that its runs had. A sample of CIFAR-10 in the
/// official format is told from the whole by these numbers only.
final class PaperDistance {

    private static final String SAME = "same";
    private static final String DIFFERS = "differs";
    private static final String UNKNOWN = "not known yet";

    private final StudyResults results;
    private final String name;
    private final StudyConfig paper;

    PaperDistance(StudyResults results, String name) {
        this.results = results;
        this.name = name;
        this.paper = StudyConfig.of(ConfigTree.builtIn(name));
    }

    /// One row per key, and after the data's one for each number of images.
    Table table() {
        Map<String, String> there = paper.toMap();
        Map<String, String> here = results.config().toMap();
        List<List<Cell>> images = images();
        Set<String> keys = new LinkedHashSet<>(there.keySet());
        keys.addAll(here.keySet());
        keys.removeAll(List.of("name", "seed"));
        List<List<Cell>> rows = new ArrayList<>();
        for (String key : keys) {
            String left = there.getOrDefault(key, Numbers.MISSING);
            String right = here.getOrDefault(key, Numbers.MISSING);
            rows.add(row(key, left, right, key.equals("data") ? comparedData(left, right, images) : compared(left, right)));
            if (key.equals("limit")) {
                rows.addAll(images);
            }
        }
        long differing = rows.stream().filter(row -> row.getLast().text().equals(DIFFERS)).count();
        return new Table("The paper's setting, as its scripts have it (" + name + ".yaml of this program), and this study's: " + differing
                + " of " + rows.size() + " rows differ. Numbers of images are those of the runs.",
                List.of(Column.text("key"), Column.text("paper"), Column.text("here"), Column.text("comparison")), rows, true);
    }

    private static List<Cell> row(String key, String left, String right, String comparison) {
        return Stream.of(key, left, right, comparison).map(Cell::text).toList();
    }

    private static String compared(String left, String right) {
        return left.equals(right) ? SAME : DIFFERS;
    }

    /// Of data the kind counts and not where it lies; the same kind is the same data only with as many images.
    private static String comparedData(String left, String right, List<List<Cell>> images) {
        if (!left.split(":", 2)[0].equals(right.split(":", 2)[0])) {
            return DIFFERS;
        }
        boolean whole = images.stream().limit(2).allMatch(row -> row.getLast().text().equals(SAME));
        return whole ? SAME : "same format";
    }

    /// Rows for the numbers of training, test and attacked images.
    private List<List<Cell>> images() {
        Optional<KnownData> known = KnownData.of(DataSource.parse(paper.data()));
        return List.of(
                row("training images", known.stream().mapToLong(KnownData::train), ofRuns(RunInfo::trainImages)),
                row("test images", known.stream().mapToLong(KnownData::test), ofRuns(RunInfo::testImages)),
                row("attacked images", known.stream().mapToLong(data -> Math.min(paper.attack().images(), data.test())), attacked()));
    }

    private LongStream ofRuns(ToLongFunction<RunInfo> number) {
        return results.runs().stream().mapToLong(run -> number.applyAsLong(run.contents().info()));
    }

    private LongStream attacked() {
        return results.settings().stream().flatMap(setting -> setting.finished().stream()).mapToLong(run -> run.robust().trials());
    }

    private static List<Cell> row(String key, LongStream there, LongStream here) {
        String left = numbers(there);
        String right = numbers(here);
        return row(key, left, right, right.equals(Numbers.MISSING) ? UNKNOWN : compared(left, right));
    }

    /// The different numbers, such as `50,000`, or `40 or 50`.
    private static String numbers(LongStream values) {
        String text = values.distinct().sorted().mapToObj(Numbers::integer).collect(Collectors.joining(" or "));
        return text.isEmpty() ? Numbers.MISSING : text;
    }
}
