package dev.normlab.experiments.study.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.plot.DensityChart;
import dev.normlab.experiments.report.ExportedTable;
import dev.normlab.experiments.report.Table;
import dev.normlab.experiments.report.TableText;
import dev.normlab.experiments.store.LineWriter;
import dev.normlab.experiments.store.MetricsLine;
import dev.normlab.experiments.store.NormLine;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunInfo;
import dev.normlab.experiments.store.RunResult;
import dev.normlab.experiments.study.ConfigTree;
import dev.normlab.experiments.study.PlannedRun;
import dev.normlab.experiments.study.StudyConfig;
import dev.normlab.experiments.study.StudyFolder;
import dev.normlab.experiments.study.StudyPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Reports on made-up runs, three of each setting, in which something is missing or odd.
class StudyReportTest {

    private static final String STUDY = """
            name: small
            title: A small study
            paper: norm-regularization
            data: cifar10:/elsewhere/cifar-10-batches-bin
            limit: 0
            models: [vgg11]
            seeds: 3
            seed: 7
            conv: exact
            training: {epochs: 1, batch_size: 10, lr: 0.05, momentum: 0.9, schedule: cosine, augment: true}
            methods:
              - {name: plain, base: plain}
              - {name: nd-l1, base: nd-l1, options: {norm_decay: "l1:{}:conv+linear"}, strengths: [1e-3, 1e-2]}
            attack: {attacks: [apgd-ce], norm: linf, eps: 1/255, steps: 3, restarts: 1, targets: 2, images: 10}
            """;

    @TempDir
    private Path path = Path.of("");

    private StudyFolder folder = new StudyFolder(Path.of(""));
    private StudyPlan plan = new StudyPlan(StudyConfig.of(ConfigTree.builtIn("norm-regularization-smoke")), List.of());

    @BeforeEach
    void makeUp() throws IOException {
        Path file = Files.writeString(path.resolve("small.yaml"), STUDY);
        plan = StudyPlan.of(StudyConfig.of(ConfigTree.read(file)));
        folder = new StudyFolder(path.resolve("study"));
        folder.claim(plan.config(), _ -> {
        });
        for (PlannedRun run : plan.runs()) {
            run(run, 10 + run.replicate() + (run.setting().equals("plain") ? 0 : 4), run.number() + 1.0);
        }
    }

    private void run(PlannedRun run, int correct, double norm) throws IOException {
        RunFolder made = RunFolder.create(folder.of(run), new RunInfo(RunInfo.FORMAT, RunInfo.VERSION, run.setting(), "experiment",
                Instant.EPOCH, run.settings().model(), run.settings().data(), run.settings().method(), run.settings().seed(), 1, 40, 20,
                run.settings().toMap(), Map.of("java", "25.0.1", "processor", "an old one")));
        try (LineWriter<MetricsLine> metrics = made.appendMetrics(-1); LineWriter<NormLine> norms = made.appendNorms(-1)) {
            metrics.write(new MetricsLine(1, 4, 0.05, 1, 0.5, Double.NaN, 1, 0.5, norm, 1, 100, 1));
            for (int epoch = 0; epoch < 2; epoch++) {
                norms.write(List.of(new NormLine(epoch, "features.0", "conv", norm, norm), new NormLine(epoch, "features.1", "bn", 1, 1),
                        new NormLine(epoch, "classifier", "linear", 2, 2)));
            }
        }
        StudyConfig.Attack attack = plan.config().attack();
        made.writeResult(new RunResult(RunResult.Status.FINISHED, "", 1, 1, RunResult.Score.of(20, correct, 1),
                List.of(RunResult.AttackScore.of(attack.label(), attack.norm().label(), attack.threat().eps(), 10, 5, 1))));
    }

    private PlannedRun planned(String setting, int replicate) {
        return plan.runs().stream().filter(run -> run.setting().equals(setting) && run.replicate() == replicate).findFirst().orElseThrow();
    }

    private void replace(PlannedRun run, int correct, double norm) throws IOException {
        Files.delete(folder.of(run).resolve(RunFolder.INFO_FILE));
        run(run, correct, norm);
    }

    private String page() throws IOException {
        return new StudyPage(StudyResults.read(folder)).toHtml();
    }

    private ExportedTable table(String name) throws IOException {
        return new StudyTables(StudyResults.read(folder)).all().get(name);
    }

    private List<String> summary() throws IOException {
        return new StudySummary(new StudyFiles.Written(StudyResults.read(folder), Path.of("report.html"), Path.of("tables"),
                Path.of("figures"), 0)).lines();
    }

    /// Batch norm's statistics alone change accuracies: a report that compares methods with and without fresh ones says so.
    @Test
    void methodsThatEstimateStatisticsAreToldFromThoseThatDoNot() throws IOException {
        String clipped = STUDY.replace("attack: {", "  - {name: svc, base: svc, options: {svc: \"{}\"}, strengths: [1.0]}\nattack: {");
        for (String yaml : List.of(clipped, clipped.replace("augment: true", "augment: true, bn_statistics: 64"))) {
            boolean alike = yaml.contains("bn_statistics");
            plan = StudyPlan.of(StudyConfig.of(ConfigTree.parse(yaml, "clipped.yaml")));
            folder = new StudyFolder(path.resolve(alike ? "alike" : "clipped"));
            folder.claim(plan.config(), _ -> {
            });
            for (PlannedRun run : plan.runs()) {
                run(run, 10, 1);
            }
            String sentence = "estimated anew at the end of every epoch with svc, and are what training leaves with plain, nd-l1.";
            assertEquals(!alike, page().contains(sentence), sentence);
        }
    }

    @Test
    void meansOfAllRunsHaveNoMarks() throws IOException {
        assertFalse(TableText.markdown(table("accuracy").text()).contains("["));
        assertFalse(TableText.markdown(table("results").text()).contains(" of 3]"));
    }

    @Test
    void aMeanThatLeavesDivergedRunsOutSaysSo() throws IOException {
        for (int replicate : new int[] {2, 3}) {
            RunFolder.open(folder.of(planned("nd-l1 0.01", replicate)))
                    .writeResult(new RunResult(RunResult.Status.DIVERGED, "NaN", 0, 1, null, List.of()));
        }
        RunFolder.open(folder.of(planned("plain", 3)))
                .writeResult(new RunResult(RunResult.Status.INTERRUPTED, "stopped", 0, 1, null, List.of()));
        for (String name : List.of("accuracy", "results")) {
            String markdown = TableText.markdown(table(name).text());
            assertTrue(markdown.contains("75.0 (53.1 to 88.8) [1 of 3]") && markdown.contains(" [2 of 3] |"), markdown);
            assertTrue(markdown.lines().findFirst().orElseThrow().contains("[1 of 3]: a mean of one run only of three"), markdown);
        }
        assertTrue(TableText.markdown(table("results").text()).contains("| 5.000 [1 of 3] |"), TableText.markdown(table("results").text()));
        assertTrue(summary().stream().anyMatch(line -> line.contains("nd-l1 0.01") && line.contains("75.0 [1 of 3]")),
                summary().toString());
        assertTrue(summary().stream().anyMatch(line -> line.contains("[1 of 3]: a mean of one run")), summary().toString());
        List<String> results = TableText.csv(table("results").data()).lines().toList();
        assertTrue(results.getFirst().endsWith(",planned") && results.getLast().startsWith("vgg11,nd-l1,0.01,1,2,")
                && results.getLast().endsWith(",3"), results.toString());
        List<String> accuracy = TableText.csv(table("accuracy").data()).lines().toList();
        assertEquals("model,method,accuracy,strength 1,strength 2,runs of strength 1,runs of strength 2,planned", accuracy.getFirst());
        assertTrue(accuracy.get(3).startsWith("vgg11,") && accuracy.get(3).endsWith(",3,1,3"), accuracy.toString());
        assertTrue(accuracy.get(1).endsWith(",2,,3"), accuracy.toString());
    }

    @Test
    void seedsThatAgreeHaveNoIntervalAndProveNothing() throws IOException {
        for (PlannedRun run : plan.runs()) {
            replace(run, run.setting().equals("plain") ? 12 : 13, 5);
        }
        String accuracy = TableText.markdown(table("accuracy").text());
        assertTrue(accuracy.contains("| 60.0 (no spread) |") && accuracy.contains("(no spread): all seeds gave the same value"), accuracy);
        assertFalse(accuracy.contains("± 0.0"), accuracy);
        String markdown = TableText.markdown(table("changes").text());
        assertTrue(markdown.contains("| +5.0 | 0 : 2 | 0 : 0 |"), markdown);
        assertTrue(
                TableText.csv(table("results").data()).lines().skip(1)
                        .allMatch(line -> line.contains(",0.6,,") || line.contains(",0.65,,")),
                TableText.csv(table("results").data()));
        assertFalse(page().contains("± 0.0"));
    }

    /// An interval of accuracy that is wider than the scale is not written out anywhere; the files for programs keep its number.
    @Test
    void anIntervalWiderThanTheScaleIsSaidToBeUseless() throws IOException {
        replace(planned("plain", 1), 0, 1);
        replace(planned("plain", 2), 20, 1);
        replace(planned("plain", 3), 10, 1);
        String cell = "50.0 (3 seeds: no useful interval)";
        for (String name : List.of("accuracy", "results")) {
            Table table = table(name).text();
            assertTrue(TableText.markdown(table).contains(cell) && TableText.latex(table, "x").contains(cell), TableText.markdown(table));
            assertTrue(table.caption().contains("(no useful interval): so few seeds differ so much that"), table.caption());
        }
        assertTrue(TableText.csv(table("accuracy").data()).contains("plain,clean,0.5,"), TableText.csv(table("accuracy").data()));
        String results = TableText.csv(table("results").data());
        assertTrue(results.lines().anyMatch(line -> line.matches("vgg11,plain,,3,0,0\\.5,1\\.2\\d+,.*")), results);
        assertTrue(page().contains(cell));
        assertFalse(page().contains("± 124"), "the page has the interval");
        assertTrue(summary().stream().anyMatch(line -> line.contains(cell)), summary().toString());
        assertTrue(summary().stream().anyMatch(line -> line.contains("(no useful interval): so few")), summary().toString());
    }

    /// Wherever the page lies, tables stay in the study's folder, and the summary says so.
    @Test
    void theSummarySaysWherePageTablesAndFiguresLie() throws IOException {
        Path page = path.resolve("study/../elsewhere.html");
        StudyFiles.Written written = StudyFiles.write(folder, page, path.resolve("study/tables"), path.resolve("study/figures"), _ -> {
        });
        List<String> lines = new StudySummary(written).lines();
        assertEquals(List.of("report: " + path.resolve("elsewhere.html"), "tables: " + path.resolve("study/tables"),
                "figures: " + path.resolve("study/figures") + " (" + written.drawn() + ")"), lines.subList(lines.size() - 3, lines.size()));
        assertTrue(Files.exists(path.resolve("study/tables/accuracy.csv")) && written.drawn() > 0);
        assertEquals(path.resolve("elsewhere.html").toString(), new StudySummary(written).json().get("report"));
        assertEquals("report: " + path.resolve("study/report.html") + " (tables in tables/ and " + written.drawn()
                + " figures in figures/ beside it)", new StudySummary(StudyFiles.write(folder, _ -> {
                })).lines().getLast());
        assertFalse(Files.readString(page).contains("The folder beside it"));
    }

    @Test
    void normsThatAreNotFiniteLeaveTheReportWhole() throws IOException {
        for (int replicate = 1; replicate <= 3; replicate++) {
            replace(planned("nd-l1 0.001", replicate), 10, Double.NaN);
        }
        assertTrue(TableText.markdown(table("changes").text()).contains("| nd-l1 | 2 |"));
        assertTrue(page().contains("9 runs are finished."));
        for (PlannedRun run : plan.runs()) {
            replace(run, 10, Double.POSITIVE_INFINITY);
        }
        assertTrue(TableText.markdown(table("changes").text()).contains("| nd-l1 | 2 | – | 0 : 0 |"),
                TableText.markdown(table("changes").text()));
        assertTrue(page().contains("9 runs are finished."));
    }

    /// The text has `−5.0 to +20.0` and `1 : 1` in one cell each; the file for programs has each number in a column of its own name.
    @Test
    void changesForProgramsHaveOneNumberInEveryColumn() throws IOException {
        for (PlannedRun run : plan.runs()) {
            int correct = switch (run.setting()) {
                case "plain" -> 10;
                case "nd-l1 0.001" -> 14;
                default -> 9;
            };
            replace(run, correct, run.setting().equals("plain") ? 6 : run.setting().equals("nd-l1 0.001") ? 2 : 10);
        }
        ExportedTable changes = table("changes");
        assertTrue(TableText.markdown(changes.text())
                .contains("| nd-l1 | 2 | 0.50 to 1.50 | 1 : 1 | 0 : 0 | −5.0 to +20.0 | 1 : 1 | 0 : 0 | 0.0 | 0 : 0 | 0 : 0 |"),
                TableText.markdown(changes.text()));
        String all = "_min %1$s_max %1$s_lower %1$s_higher %1$s_lower_beyond_interval %1$s_higher_beyond_interval";
        List<String> names = Stream.of("l1_sum_ratio", "clean_accuracy_points", "robust_accuracy_points")
                .flatMap(measure -> Stream.of(("%1$s" + all).formatted(measure).split(" "))).toList();
        List<String> lines = TableText.csv(changes.data()).lines().toList();
        assertEquals("method,settings," + String.join(",", names), lines.getFirst());
        List<String> cells = List.of(lines.getLast().split(","));
        assertEquals(List.of("nd-l1", "2", "0.5", "1.5", "1", "1", "0", "0"), cells.subList(0, 8));
        assertEquals(-5, Double.parseDouble(cells.get(8)), 1e-9);
        assertEquals(20, Double.parseDouble(cells.get(9)), 1e-9);
        assertEquals(List.of("1", "1", "0", "0", "0", "0", "0", "0", "0", "0"), cells.subList(10, 20));
    }

    /// Nothing is lost on the way to a file for programs: no two columns have one name, and no cell that is a number shows several.
    @Test
    void tablesForProgramsAreUnambiguous() throws IOException {
        new StudyTables(StudyResults.read(folder)).all().forEach((name, table) -> {
            List<String> names = table.data().columns().stream().map(Table.Column::name).toList();
            assertEquals(names.stream().distinct().toList(), names, name);
        });
    }

    /// Three seeds are no three times as many layers; the legend has both accuracies, as in the paper's figure.
    @Test
    void aLayerCountsOnceInTheDensityWhateverTheNumberOfSeeds() throws IOException {
        for (int replicate = 1; replicate <= 3; replicate++) {
            replace(planned("plain", replicate), 10 + replicate, 2.0 + replicate);
        }
        DensityChart density = (DensityChart) new StudyFigures(StudyResults.read(folder), "vgg11").density("l1");
        DensityChart.Series plain = density.samples().getFirst();
        assertEquals("plain (60.0% | 50.0%)", plain.name());
        assertEquals(List.of(new DensityChart.Value("features.0", 4), new DensityChart.Value("classifier", 2),
                new DensityChart.Value("features.1", 1)), plain.values());
        assertTrue(page().contains("Every line of the rug is one layer, with the mean of its norm over the seeds."));
    }

    @Test
    void aFolderThatCannotBeReadIsARemark() throws IOException {
        Files.writeString(folder.of(planned("plain", 2)).resolve(RunFolder.RESULT_FILE), "{");
        assertTrue(page().contains("The run vgg11_plain_2 cannot be read and counts as open: "));
        assertTrue(summary().stream().anyMatch(line -> line.startsWith("The run vgg11_plain_2 cannot be read")), summary().toString());
        assertEquals(1, StudyResults.read(folder).open());
    }

    @Test
    void whereARunWentOnIsInTheListOfMachines() throws IOException {
        RunFolder run = RunFolder.open(folder.of(planned("plain", 1)));
        run.addProvenance(Instant.EPOCH, Map.of("java", "25.0.1", "processor", "an old one"));
        assertFalse(Files.exists(run.path().resolve(RunFolder.PROVENANCE_FILE)), "nothing new");
        Map<String, String> later = Map.of("java", "25.0.1", "processor", "a new one", "vector_bits", "512");
        run.addProvenance(Instant.EPOCH, later);
        run.addProvenance(Instant.EPOCH, later);
        assertEquals(1, Files.readAllLines(run.path().resolve(RunFolder.PROVENANCE_FILE)).size());
        assertEquals(List.of(later), run.read().later().stream().map(line -> line.provenance()).toList());
        String text = page().replaceAll("<[^>]*>", " ").replaceAll("\\s+", " ");
        assertTrue(
                text.contains("processor an old one 9 ") && text.contains("processor a new one 1 ") && text.contains("vector_bits 512 1 ")
                        && text.contains("java 25.0.1 9 "),
                text.substring(text.indexOf("Where and with what")));
    }

    @Test
    void theSameDataElsewhereIsNoDifferenceFromThePaper() throws IOException {
        for (PlannedRun run : plan.runs()) {
            images(run, 50_000, 10_000);
        }
        String markdown = TableText.markdown(table("paper-and-here").text());
        assertTrue(markdown.contains("| cifar10:/elsewhere/cifar-10-batches-bin | same |"), markdown);
        assertTrue(markdown.contains("| training images | 50,000 | 50,000 | same |"), markdown);
        assertTrue(markdown.contains("| training.epochs | 120 | 1 | differs |"), markdown);
    }

    /// A few images in the official format pass for CIFAR-10 by their specification, not by their number.
    @Test
    void aSampleIsNotThePapersData() throws IOException {
        String markdown = TableText.markdown(table("paper-and-here").text());
        assertTrue(markdown.contains("| cifar10:/elsewhere/cifar-10-batches-bin | same format |"), markdown);
        assertTrue(markdown.contains("""
                | limit | all images | all images | same |
                | training images | 50,000 | 40 | differs |
                | test images | 10,000 | 20 | differs |
                | attacked images | 1,024 | 10 | differs |
                """), markdown);
        images(planned("plain", 1), 30, 20);
        assertTrue(TableText.markdown(table("paper-and-here").text()).contains("| training images | 50,000 | 30 or 40 | differs |"));
        for (PlannedRun run : plan.runs()) {
            Files.delete(folder.of(run).resolve(RunFolder.INFO_FILE));
        }
        markdown = TableText.markdown(table("paper-and-here").text());
        assertTrue(markdown.contains("| training images | 50,000 | – | not known yet |"), markdown);
        assertTrue(markdown.contains("| attacked images | 1,024 | – | not known yet |"), markdown);
    }

    private void images(PlannedRun run, int train, int test) throws IOException {
        Path file = folder.of(run).resolve(RunFolder.INFO_FILE);
        Files.writeString(file, Files.readString(file).replaceFirst("\"train_images\"\\s*:\\s*\\d+", "\"train_images\": " + train)
                .replaceFirst("\"test_images\"\\s*:\\s*\\d+", "\"test_images\": " + test));
    }
}
