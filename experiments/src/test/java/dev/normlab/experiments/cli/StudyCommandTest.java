package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunResult;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// `experiment` with a study that takes seconds: six runs of two methods and two seeds.
class StudyCommandTest {

    private static final String STUDY = """
            name: small
            title: A small study <of norms>
            paper: norm-regularization
            data: synthetic:train=60,test=30
            limit: 0
            models: ["vgg11:width=0.0625"]
            seeds: 2
            seed: 7
            conv: exact
            training: {epochs: 2, batch_size: 20, lr: 0.05, momentum: 0.9, schedule: cosine, augment: true}
            methods:
              - {name: plain, base: plain}
              - {name: nd-l1, base: nd-l1, options: {norm_decay: "l1:{}:conv+linear"}, strengths: [1e-3, 1e-2]}
            attack: {attacks: [apgd-ce, apgd-t], norm: linf, eps: 1/255, steps: 3, restarts: 1, targets: 2, images: 10}
            """;

    @TempDir
    private static Path folder = Path.of("");

    private static Path out = Path.of("");
    private static Output first = new Output(-1, "", "");

    @BeforeAll
    static void runTheStudy() throws IOException {
        Files.writeString(folder.resolve("small.yaml"), STUDY);
        out = folder.resolve("out");
        first = experiment("--out", out.toString(), "--json", folder.resolve("result.json").toString());
    }

    private static Output experiment(String... options) {
        return Output.of(Stream.concat(Stream.of("experiment", folder.resolve("small.yaml").toString()), Stream.of(options))
                .toArray(String[]::new));
    }

    private static Map<String, String> tables(Path study) throws IOException {
        Map<String, String> texts = new TreeMap<>();
        try (Stream<Path> files = Files.list(study.resolve("tables"))) {
            for (Path file : files.toList()) {
                texts.put(file.getFileName().toString(), Files.readString(file));
            }
        }
        return texts;
    }

    @Test
    void aStudyEndsWithATableAndTheNameOfTheReport() throws IOException {
        assertEquals(0, first.code(), first.err());
        assertTrue(first.out().contains("vgg11:width=0.0625  nd-l1 0.01"), first.out());
        assertTrue(first.out().contains("robust: under apgd-ce + apgd-t, 3 steps, 2 targets in linf 1/255; means over seeds"), first.out());
        assertTrue(first.out().contains("report: " + out.resolve("report.html")), first.out());
        List<String> runs = first.err().lines().filter(line -> line.startsWith("[")).toList();
        assertEquals(6, runs.size(), first.err());
        assertTrue(runs.getFirst().startsWith("[1/6] vgg11:width=0.0625 plain (seed 1 of 2)  clean "), runs.getFirst());
        assertTrue(runs.getFirst().contains(", ETA "), runs.getFirst());
        JsonNode json = JsonMapper.shared().readTree(Files.readString(folder.resolve("result.json")));
        assertEquals(6, json.get("finished").asInt());
        assertEquals(3, json.get("settings").size());
    }

    @Test
    void runFoldersHoldEverything() throws IOException {
        Path run = out.resolve("runs").resolve("vgg11-width-0.0625_nd-l1_0.01_2");
        for (String file : List.of("run.json", "metrics.jsonl", "norms.jsonl", "result.json", "checkpoint.safetensors", "best.safetensors",
                "weights.safetensors", "log.txt")) {
            assertTrue(Files.size(run.resolve(file)) > 0, file);
        }
        assertFalse(Files.exists(run.resolve("attack.state")));
        RunFolder.Contents contents = RunFolder.open(run).read();
        assertEquals("nd-l1 0.01", contents.info().name());
        assertEquals("l1:0.01:conv+linear", contents.info().settings().get("norm_decay"));
        for (String key : List.of("normlab", "java", "machine", "kernels", "convolutions", "threads", "train_data_sha256")) {
            assertFalse(contents.info().provenance().getOrDefault(key, "").isEmpty(), key);
        }
        String log = Files.readString(run.resolve("log.txt"));
        assertTrue(log.contains("Z epoch   2/2  loss "), log);
        assertTrue(log.contains("apgd-t attacks "), log);
    }

    /// The numbers of the tables, recomputed from the run folders.
    @Test
    void tablesHoldTheMeansOfTheRuns() throws IOException {
        double[] clean = new double[2];
        for (int i = 0; i < 2; i++) {
            RunResult result = RunFolder.open(out.resolve("runs").resolve("vgg11-width-0.0625_nd-l1_0.001_" + (i + 1))).read().result()
                    .orElseThrow();
            clean[i] = Objects.requireNonNull(result.clean()).accuracy();
        }
        double mean = (clean[0] + clean[1]) / 2;
        // Student's t with one degree of freedom: tan(0.95 pi / 2), times the standard error, half of the difference.
        double half = StrictMath.tan(0.475 * Math.PI) * Math.abs(clean[0] - clean[1]) / 2;
        List<String> lines = tables(out).get("results.csv").lines().toList();
        String row = lines.stream().filter(line -> line.startsWith("vgg11:width=0.0625,nd-l1,0.001,2,0,")).findFirst().orElseThrow();
        String[] cells = row.split(",", -1);
        assertEquals("clean_accuracy", lines.getFirst().split(",")[5]);
        assertEquals(mean, Double.parseDouble(cells[5]), 1e-12);
        String shown = tables(out).get("results.md");
        if (half == 0) { // both seeds got the same images right, which makes no interval
            assertEquals("", cells[6]);
            assertTrue(shown.contains("| " + Numbers.fixed(100 * mean, 1) + " (no spread) |"), shown);
        } else {
            assertEquals(half, Double.parseDouble(cells[6]), 1e-9);
            assertTrue(shown.contains("| " + Numbers.fixed(100 * mean, 1) + " ± "), shown);
        }
        assertTrue(tables(out).get("accuracy.tex").contains("nd-l1 (0.001, 0.01) & clean & "));
        assertEquals(7, tables(out).get("runs.csv").lines().count());
        assertTrue(tables(out).get("paper-and-here.md").contains("| training.epochs | 120 | 2 | differs |"));
        assertTrue(tables(out).get("paper-and-here.md").contains("| training.momentum | 0.9 | 0.9 | same |"));
        assertEquals(List.of("accuracy", "changes", "paper-and-here", "results", "runs"),
                tables(out).keySet().stream().map(name -> name.substring(0, name.lastIndexOf('.'))).distinct().toList());
        assertFalse(String.join("", tables(out).values()).contains("econds"), "tables have no times");
        assertTrue(Files.readString(out.resolve("times.csv")).contains("vgg11-width-0.0625_plain_1,"));
    }

    @Test
    void theReportIsOnePageThatLoadsNothingAndShowsEverything() throws Exception {
        String html = Files.readString(out.resolve("report.html"));
        Document page = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(html)));
        String text = page.getDocumentElement().getTextContent();
        assertTrue(text.contains("A small study <of norms>"), "the title is escaped");
        for (String part : List.of("6 training runs: 1 model (vgg11:width=0.0625), 2 methods (plain, nd-l1), 2 seeds each, 2 epochs",
                "Data: synthetic:train=60,test=30, 60 training and 30 test images", "6 runs are finished.", "How far from the paper",
                "Every method against plain networks", "train_data_sha256")) {
            assertTrue(text.contains(part), part);
        }
        assertFalse(Pattern.compile("<(link|img|iframe)\\b|\\bsrc=\"|https?://(?!www\\.w3\\.org)").matcher(html).find());
        NodeList tables = page.getElementsByTagName("table");
        assertTrue(tables.getLength() >= 7);
        for (int i = 0; i < tables.getLength(); i++) {
            Element table = (Element) tables.item(i);
            assertEquals(1, table.getElementsByTagName("caption").getLength());
            NodeList heads = table.getElementsByTagName("th");
            for (int k = 0; k < heads.getLength(); k++) {
                assertFalse(((Element) heads.item(k)).getAttribute("scope").isEmpty());
            }
        }
        NodeList figures = page.getElementsByTagName("figure");
        assertTrue(figures.getLength() >= 8, "only " + figures.getLength());
        for (int i = 0; i < figures.getLength(); i++) {
            Element figure = (Element) figures.item(i);
            assertTrue(figure.getElementsByTagName("svg").getLength() >= 2);
            assertTrue(figure.getElementsByTagName("figcaption").item(0).getTextContent().length() > 30);
        }
        assertTrue(html.contains("prefers-color-scheme"));
        try (Stream<Path> files = Files.list(out.resolve("figures"))) {
            List<String> names = files.map(file -> file.getFileName().toString()).sorted().toList();
            assertTrue(names.contains("vgg11-width-0.0625-norms-nd-l1.svg") && names.contains("vgg11-width-0.0625-norms-bn-nd-l1.png")
                    && names.contains("vgg11-width-0.0625-density-linf.png") && names.contains("vgg11-width-0.0625-layers-l1.svg")
                    && names.contains("vgg11-width-0.0625-robust-accuracy-and-norm.svg"), names.toString());
            assertEquals(names.stream().filter(name -> name.endsWith(".svg")).count(), names.stream().filter(name -> name.endsWith(".png"))
                    .count());
        }
    }

    @Test
    void whatIsFinishedIsSkippedAndGivesTheSameTables() throws IOException {
        Map<String, String> before = tables(out);
        Output again = experiment("--out", out.toString());
        assertEquals(0, again.code(), again.err());
        assertTrue(again.err().contains("small: 6 runs, 6 of them finished already"), again.err());
        assertEquals(0, again.err().lines().filter(line -> line.startsWith("[")).count(), again.err());
        assertEquals(before, tables(out));
        Output report = Output.of("report", out.toString());
        assertEquals(0, report.code(), report.err());
        assertEquals(before, tables(out));
    }

    /// Other runs beside it, another order, other threads and another folder change no run.
    @Test
    void aRunDependsOnNoOther() throws IOException {
        Path alone = folder.resolve("alone");
        Output output = experiment("--out", alone.toString(), "--methods", "nd-l1", "--set", "methods=[{name: nd-l1, base: nd-l1, options: "
                + "{norm_decay: 'l1:{}:conv+linear'}, strengths: [1e-2]}]", "--seeds", "1", "--threads", "3");
        assertEquals(0, output.code(), output.err());
        String run = "runs/vgg11-width-0.0625_nd-l1_0.01_1/";
        assertEquals(Files.readString(out.resolve(run + "norms.jsonl")), Files.readString(alone.resolve(run + "norms.jsonl")));
        assertEquals(-1, Files.mismatch(out.resolve(run + "weights.safetensors"), alone.resolve(run + "weights.safetensors")));
        String row = tables(alone).get("runs.csv").lines().skip(1).findFirst().orElseThrow();
        assertTrue(tables(out).get("runs.csv").lines().anyMatch(row::equals), row);
    }

    @Test
    void partsTogetherAreTheWhole() throws IOException {
        Path shared = folder.resolve("shared");
        for (int index : new int[] {1, 0}) {
            Output output = experiment("--out", shared.toString(), "--index", Integer.toString(index), "--of", "2");
            assertEquals(0, output.code(), output.err());
            assertTrue(output.err().contains("part " + (index + 1) + " of 2 (--index, --of): 3 of 6 runs"), output.err());
        }
        assertEquals(tables(out), tables(shared));
    }

    @Test
    void anotherConfigurationInTheFolderIsRefusedWithTheDifference() {
        Output output = experiment("--out", out.toString(), "--set", "training.lr=0.06", "--seeds", "3");
        assertEquals(1, output.code());
        assertTrue(
                output.err().contains("holds a study with another configuration: seeds is 2 there, but 3 here; training.lr is 0.05 there, "
                        + "but 0.06 here"),
                output.err());
        assertFalse(output.err().contains("\tat "), output.err());
    }

    @Test
    void aRunOfOtherSettingsInTheFolderIsRefusedWithTheDifference() throws IOException {
        Path other = folder.resolve("other");
        assertEquals(0,
                Output.of("train", "--model", "vgg11:width=0.0625", "--data", "synthetic:train=60,test=30", "--epochs", "1", "--out",
                        other.resolve("runs").resolve("vgg11-width-0.0625_plain_1").toString(), "--quiet").code());
        Output output = experiment("--out", other.toString(), "--methods", "plain", "--seeds", "1");
        assertEquals(1, output.code(), output.err());
        assertTrue(output.err().contains("was begun with other settings: epochs was 1, not 2; batch_size was 128, not 20"), output.err());
    }

    @Test
    void aDryRunSaysEverythingAndWritesNothing() throws IOException {
        Path never = folder.resolve("never");
        Output output = experiment("--dry-run", "--out", never.toString(), "--seeds", "1", "--json",
                folder.resolve("plan.json").toString());
        assertEquals(0, output.code(), output.err());
        assertFalse(Files.exists(never));
        assertTrue(output.out().contains("3x32x32, 60 for training, 30 for tests, 10 of these attacked"), output.out());
        JsonNode json = JsonMapper.shared().readTree(Files.readString(folder.resolve("plan.json")));
        assertEquals(3, json.get("runs").size());
        JsonNode run = json.get("runs").get(1);
        assertEquals("vgg11-width-0.0625_nd-l1_0.001_1", run.get("name").asString());
        assertEquals(RunFolder.open(out.resolve("runs").resolve(run.get("name").asString())).readInfo().seed(), run.get("seed").asLong());
        assertTrue(json.get("seconds").asDouble() > 0);
        assertTrue(output.out().contains("at most 12 passes forward and 12 backward for an image"), output.out());
        assertEquals(12, json.get("attack_passes").get("backward").asInt(), "4 gradients without a target and for each of two");
        assertEquals(36_954, json.get("models").get(0).get("parameters").asInt());
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';',
            value = {"nothing.yaml;there is no file nothing.yaml", "norm-regularizatoin;did you mean 'norm-regularization'",
                "--smoke;say which study"})
    void aWrongStudyIsRefused(String study, String message) {
        Output output = Output.of("experiment", study);
        assertEquals(2, output.code(), output.err());
        assertTrue(output.err().contains(message), output.err());
        assertFalse(output.err().contains("\tat "), output.err());
    }

    @Test
    void theListNamesAllStudies() {
        String help = Output.of("experiment", "--help").out();
        for (String name : List.of("speed-test", "norm-regularization", "adversarial-training", "FILE.yaml")) {
            assertTrue(help.contains(name), name);
        }
        Output plan = Output.of("experiment", "speed-test", "--smoke", "--dry-run");
        assertEquals(0, plan.code());
        assertTrue(plan.out().contains("2 convolutions on 32x32 images"), plan.out());
    }

    /// A rate so large that the first steps overflow: the study goes on, and tables say so.
    @Test
    void aDivergedRunIsAResult() throws IOException {
        Path wild = folder.resolve("wild");
        Output output = experiment("--out", wild.toString(), "--seeds", "1", "--set",
                "methods=[{name: plain, base: plain}, {name: wild, base: plain, options: {lr: 1e6, weight_decay: 1e6}}]", "--set",
                "training.epochs=3");
        assertEquals(0, output.code(), output.err());
        assertTrue(output.err().contains("wild (seed 1 of 1)  diverged: "), output.err());
        assertTrue(tables(wild).get("accuracy.md").contains("| vgg11:width=0.0625 | wild | diverged | diverged |"),
                tables(wild).get("accuracy.md"));
        assertTrue(Files.readString(wild.resolve("report.html")).contains("1 of 2 runs met NaN or infinity"));
        assertTrue(experiment("--out", wild.toString(), "--seeds", "1", "--set",
                "methods=[{name: plain, base: plain}, {name: wild, base: plain, options: {lr: 1e6, weight_decay: 1e6}}]", "--set",
                "training.epochs=3").err()
                .contains("2 runs, 2 of them finished already"));
    }
}
