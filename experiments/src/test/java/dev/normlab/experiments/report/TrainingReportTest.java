package dev.normlab.experiments.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.plot.BarChart;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.report.RecordedRun.RobustAccuracy;
import dev.normlab.experiments.stats.Proportion;
import dev.normlab.experiments.store.LineWriter;
import dev.normlab.experiments.store.MetricsLine;
import dev.normlab.experiments.store.NormLine;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunInfo;
import dev.normlab.experiments.store.RunResult;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class TrainingReportTest {

    private static Document page(RecordedRun... runs) throws Exception {
        return Html.parse(new TrainingReport("Three runs", "What was run.", List.of(runs)).toHtml());
    }

    @Test
    void runsOfOtherDataAreShownButNotSetInRelation() {
        RecordedRun first = SampleRuns.run("plain", 30, 880, 60);
        RecordedRun run = SampleRuns.run("cifar", 15, 500, 61);
        RecordedRun other = new RecordedRun(run.name(), Map.of("data", "cifar10:DIR"), run.provenance(), run.epochs(), run.norms(),
                run.clean(),
                run.robust(), run.seconds(), run.remarks());
        List<String> sentences = new Findings(List.of(first, other)).sentences();
        assertTrue(sentences.getFirst().contains("cifar 50.0%"), sentences.getFirst());
        assertTrue(sentences.stream().noneMatch(sentence -> sentence.contains("verlapping") || sentence.contains("times that of")),
                sentences.toString());
        assertEquals(new RunTables(List.of(first, first)).results().rows().getLast().get(7),
                new RunTables(List.of(first)).results().rows().getLast().get(7));
        assertEquals(Numbers.MISSING, new RunTables(List.of(first, other)).results().rows().getLast().get(7).text());
    }

    /// Runs of another model or other data share the table and no figure.
    @Test
    void figuresNeverMixModelsOrData() throws Exception {
        RecordedRun first = SampleRuns.run("plain", 30, 880, 60);
        RecordedRun run = SampleRuns.run("cifar", 15, 500, 61);
        RecordedRun other = new RecordedRun(run.name(), Map.of("model", "resnet18", "data", "cifar10:DIR"), run.provenance(), run.epochs(),
                run.norms(), run.clean(), run.robust(), run.seconds(), run.remarks());
        assertEquals(List.of(List.of(first), List.of(other)), RecordedRun.comparable(List.of(first, other)));
        Document page = page(first, other, SampleRuns.run("wd", 20, 800, 62));
        assertTrue(page.getDocumentElement().getTextContent().contains("These runs are of 2 combinations of model and data"));
        NodeList figures = page.getElementsByTagName("figure");
        assertEquals(20, figures.getLength(), "ten for each combination");
        int withCifar = 0;
        for (int i = 0; i < figures.getLength(); i++) {
            String text = figures.item(i).getTextContent();
            assertTrue(!(text.contains("cifar") && (text.contains("plain") || text.contains("wd"))), text);
            withCifar += text.contains("cifar") ? 1 : 0;
        }
        assertEquals(10, withCifar);
        assertTrue(page(first, SampleRuns.run("wd", 20, 800, 62)).getElementsByTagName("figure").item(0).getTextContent().contains("wd"));
    }

    @Test
    void theFindingsAreComputedFromTheRuns() {
        List<String> sentences = new Findings(SampleRuns.three()).sentences();
        assertEquals("Accuracy on clean test images (95% interval, n = 1,000): plain 88.0% (85.8% to 89.9%), nd-l1 87.0% (84.8% to 88.9%), "
                + "wd 80.0% (77.4% to 82.4%). Overlapping the interval of plain: nd-l1. Not overlapping the interval of plain: wd.",
                sentences.get(0));
        assertEquals(
                "Accuracy under pgd-20, linf 8/255 (95% interval, n = 500): plain 12.0% (9.4% to 15.1%), nd-l1 20.0% (16.7% to 23.7%), "
                        + "wd 12.4% (9.8% to 15.6%). Overlapping the interval of plain: wd. Not overlapping the interval of plain: nd-l1.",
                sentences.get(1));
        assertEquals(
                "Sum of the l1 norms of convolutions and linear layers at the end: plain 80.00, nd-l1 40.00 (0.50 times that of plain), "
                        + "wd 60.00 (0.75 times that of plain).",
                sentences.get(2));
        assertEquals("Sum of the l1 norms of batch-norm layers at the end: plain 4.000, nd-l1 4.000 (1.00 times that of plain), "
                + "wd 4.000 (1.00 times that of plain).", sentences.get(3));
        assertEquals(4, sentences.size());
    }

    private static RobustAccuracy accuracy(String attack, String norm, double eps, int survived) {
        return new RobustAccuracy(attack, norm, eps, new Proportion(survived, 1000));
    }

    private static RecordedRun attacked(RobustAccuracy... robust) {
        RecordedRun run = SampleRuns.run("plain", 30, 880, 60);
        return new RecordedRun(run.name(), run.settings(), run.provenance(), run.epochs(), run.norms(), run.clean(), List.of(robust), 1,
                List.of());
    }

    @Test
    void certificatesAreNoAttacksAndTheFindingsSayHowVacuousTheyAre() {
        RecordedRun run = attacked(accuracy("fgsm", "linf", 1 / 255.0, 600), accuracy("certified", "linf", 1 / 255.0, 0),
                accuracy("certified", "linf", 1 / 25500.0, 440), accuracy("certified", "l2", .5, 0));
        assertEquals(List.of("fgsm, linf 1/255"), Findings.attackLabels(List.of(run)));
        String said = new Findings(List.of(run)).sentences().stream().filter(text -> text.contains("prove")).findFirst().orElseThrow();
        assertEquals(
                "Images of plain that norms of the layers prove to be right under every perturbation: 0.0% against l2 0.500, 44.0% against linf 3.92×10⁻⁵, "
                        + "0.0% against linf 1/255. There the bound is vacuous: it proves nothing in l2; linf 1/255 is 100 times the largest size listed at which it "
                        + "proves anything.",
                said);
        assertTrue(new Findings(SampleRuns.three()).sentences().stream().noneMatch(text -> text.contains("prove")));
    }

    private static RobustAccuracy trial(String attack, double eps, int survived, int images) {
        return new RobustAccuracy(attack, "linf", eps, new Proportion(survived, images));
    }

    /// Of several measurements the one on the most images is the bar, whichever came first; size 0 is the clean accuracy.
    @Test
    void barsSayOnHowManyImagesAndLeaveTrialsAndSizeZeroOut() {
        RecordedRun run = attacked(trial("pgd-20", 0, 3, 5), trial("pgd-20", 8 / 255.0, 4, 5), trial("pgd-20", 8 / 255.0, 300, 500),
                trial("fgsm", 8 / 255.0, 6, 12));
        RunFigures figures = new RunFigures(List.of(run));
        BarChart chart = (BarChart) figures.accuracy();
        assertEquals(List.of("clean (n = 1,000)", "pgd-20, linf 8/255 (n = 500)", "fgsm, linf 8/255 (n = 12)"),
                chart.categories());
        assertEquals(List.of(.88, .6, .5), chart.series().getFirst().bars().stream().map(BarChart.Bar::value).toList());
        assertTrue(figures.accuracyCaption().contains("Of several numbers of images the largest is shown: plain under pgd-20, linf 8/255 "
                + "(n = 500, not 5)."), figures.accuracyCaption());
        assertTrue(new RunTables(List.of(run)).results().columns().get(4).name().endsWith("linf 8/255 (n\u00a0=\u00a0500)"));
        List<String> sentences = new Findings(List.of(run)).sentences();
        assertTrue(sentences.get(1).startsWith("Accuracy under pgd-20, linf 8/255 (95% interval, n = 500): plain 60.0%"), sentences.get(1));
        assertTrue(sentences.stream().noneMatch(sentence -> sentence.contains("linf 0")), sentences.toString());
    }

    @Test
    void barsOfOneNumberOfImagesSayItInTheCaptionOnly() {
        RunFigures figures = new RunFigures(List.of(attacked(trial("pgd-20", 8 / 255.0, 4, 1000))));
        assertEquals(List.of("clean", "pgd-20, linf 8/255"), ((BarChart) figures.accuracy()).categories());
        assertTrue(figures.accuracyCaption().contains("(clean) and under attack, n = 1,000."), figures.accuracyCaption());
    }

    @Test
    void anAttackOfSizeZeroAloneHasNoBar() throws Exception {
        RecordedRun run = SampleRuns.run("plain", 30, 880, 60);
        RecordedRun only = new RecordedRun(run.name(), run.settings(), run.provenance(), run.epochs(), run.norms(), Optional.empty(),
                List.of(trial("pgd-20", 0, 3, 5)), 1, List.of());
        assertTrue(!page(only).getDocumentElement().getTextContent().contains("Accuracy, clean and under attack"));
    }

    /// Runs that nobody attacked have no values that are not finite.
    @Test
    void whatNobodyMeasuredIsCalledSo() {
        RecordedRun run = SampleRuns.run("nd-l1", 10, 870, 100);
        RecordedRun notAttacked = new RecordedRun(run.name(), run.settings(), run.provenance(), run.epochs(), run.norms(), run.clean(),
                List.of(), 1, List.of());
        String svg = new RunFigures(List.of(SampleRuns.run("plain", 30, 880, 60), notAttacked)).accuracy().toSvgFile(760);
        assertTrue(svg.contains("1 place is empty: not measured."), svg);
        assertTrue(!svg.contains("not finite"), svg);
    }

    private static RecordedRun with(RecordedRun run, String key, String value) {
        Map<String, String> settings = new HashMap<>(run.settings());
        settings.put(key, value);
        return new RecordedRun(run.name(), settings, run.provenance(), run.epochs(), run.norms(), run.clean(), run.robust(), run.seconds(),
                run.remarks());
    }

    @Test
    void aRunThatStandsBeforeItsEndIsNotComparedAsIfItHadEnded() {
        RecordedRun half = SampleRuns.run("wd", 20, 800, 62);
        int done = half.epochs().getLast().epoch();
        List<RecordedRun> runs = List.of(SampleRuns.run("plain", 30, 880, 60), with(half, "epochs", Integer.toString(2 * done)));
        String sentence = new Findings(runs).sentences().getFirst();
        assertTrue(sentence.endsWith("Not overlapping the interval of plain: wd (after " + done + " of " + 2 * done + " epochs)."),
                sentence);
    }

    @Test
    void tablesSayOfHowManyEpochsARunHasDoneSome() {
        RecordedRun whole = SampleRuns.run("plain", 30, 880, 60);
        RecordedRun half = with(SampleRuns.run("wd", 20, 800, 62), "epochs", "4");
        List<String> shown = new RunTables(List.of(with(whole, "epochs", "2"), half, whole)).results().rows().stream()
                .map(row -> row.get(1).text()).toList();
        assertEquals(List.of("2", "2 of 4", "2"), shown);
    }

    @Test
    void thatOthersAreComparedWithARunBeforeItsEndIsSaid() {
        RecordedRun plain = SampleRuns.run("plain", 30, 880, 60);
        int done = plain.epochs().getLast().epoch();
        List<RecordedRun> runs = List.of(with(plain, "epochs", Integer.toString(2 * done)), SampleRuns.run("wd", 20, 800, 62));
        String sentence = new Findings(runs).sentences().getFirst();
        String base = "plain (after " + done + " of " + 2 * done + " epochs)";
        assertTrue(sentence.endsWith("Not overlapping the interval of " + base + ": wd."), sentence);
    }

    /// A run of the method plain with clipping, decay or adversarial images is none to compare others with.
    @Test
    void runsAreComparedWithThePlainOneWhereverItStands() {
        RecordedRun plain = SampleRuns.run("plain", 30, 880, 60);
        RecordedRun decayed = SampleRuns.run("nd-l1", 10, 870, 100);
        RecordedRun clipped = with(with(SampleRuns.run("plain, svc 1.0", 20, 800, 62), "method", "plain"), "svc", "1.0");
        List<RecordedRun> runs = List.of(decayed, clipped, with(with(with(plain, "svc", "none"), "norm_decay", "none"), "project_bn",
                "none"));
        List<String> sentences = new Findings(runs).sentences();
        assertTrue(sentences.get(0).endsWith(" Overlapping the interval of plain: nd-l1. Not overlapping the interval of plain: plain, svc "
                + "1.0."), sentences.get(0));
        assertEquals("Sum of the l1 norms of convolutions and linear layers at the end: nd-l1 40.00 (0.50 times that of plain), "
                + "plain, svc 1.0 60.00 (0.75 times that of plain), plain 80.00.", sentences.get(2));
        Table results = new RunTables(runs).results();
        assertEquals("relative to plain", results.columns().get(7).name());
        assertEquals(List.of("0.500", "0.750", "1.000"), results.rows().stream().map(row -> row.get(7).text()).toList());
        assertEquals(decayed, RecordedRun.base(List.of(decayed, clipped)), "without a plain run it is the first");
        assertTrue(!with(plain, "adv_loss", "trades").isPlain() && !with(plain, "norm_decay", "l1:0.001").isPlain());
    }

    /// In the table of all runs every run is set beside the plain one of its own model and data.
    @Test
    void everyGroupHasItsOwnBase() {
        RecordedRun first = SampleRuns.run("plain", 30, 880, 60);
        RecordedRun other = with(with(SampleRuns.run("cifar nd", 10, 500, 61), "method", "nd-l1"), "data", "cifar10:DIR");
        RecordedRun base = with(with(SampleRuns.run("cifar", 70, 500, 61), "method", "plain"), "data", "cifar10:DIR");
        Table results = new RunTables(List.of(first, other, base)).results();
        assertEquals("relative to the plain run", results.columns().get(7).name());
        assertEquals(List.of("1.000", "0.250", "1.000"), results.rows().stream().map(row -> row.get(7).text()).toList());
    }

    @Test
    void aRunWithoutResultsIsSaidToHaveNone() throws Exception {
        assertEquals(List.of("later: It has not ended."), new Findings(List.of(SampleRuns.empty("later"))).sentences());
        String text = page(SampleRuns.empty("later"), SampleRuns.run("plain", 30, 880, 60)).getDocumentElement().getTextContent();
        assertTrue(text.contains("later (no data)"));
    }

    @Test
    void normSumsComeFromTheNormsAndElseFromTheMetrics() {
        RecordedRun run = SampleRuns.run("plain", 30, 880, 60);
        assertEquals(Map.of(0, 40.0, 1, 60.0, 2, 80.0), run.normSums(false));
        assertEquals(Map.of(0, 2.0, 1, 3.0, 2, 4.0), run.normSums(true));
        RecordedRun withoutNorms = new RecordedRun(run.name(), run.settings(), run.provenance(), run.epochs(), List.of(), run.clean(),
                run.robust(), 1, List.of());
        assertEquals(Map.of(1, 99.0, 2, 98.0), withoutNorms.normSums(false));
        assertEquals(8.0, withoutNorms.lastNormSum(true));
    }

    @Test
    void theResultsTableHoldsTheNumbersOfEveryRun() throws Exception {
        Document page = page(SampleRuns.three().toArray(RecordedRun[]::new));
        NodeList rows = ((Element) page.getElementsByTagName("tbody").item(0)).getElementsByTagName("tr");
        assertEquals(3, rows.getLength());
        assertEquals(List.of("nd-l1", "2", "87.0%", "84.8% to 88.9%", "20.0%", "16.7% to 23.7%", "40.0", "0.500", "4.00", "20.0", "12.3"),
                Html.children(rows.item(1)));
    }

    @Test
    void settingsAreSplitIntoCommonAndDifferentOnes() {
        List<Table> tables = new RunTables(SampleRuns.three()).settings();
        assertEquals("Settings that all runs have in common.", tables.get(0).caption());
        assertEquals(List.of("seed", "1"), tables.get(0).rows().getFirst().stream().map(Table.Cell::text).toList());
        assertEquals(List.of("run", "method"), tables.get(1).columns().stream().map(Table.Column::name).toList());
        assertEquals(3, tables.get(1).rows().size());
    }

    @Test
    void thePageIsWellFormedWithUniqueIdsAndLoadsNothing() throws Exception {
        for (List<RecordedRun> runs : List.of(SampleRuns.three(), List.of(SampleRuns.empty("<script>&amp;</title>")))) {
            String html = new TrainingReport("A < B & \"C\"", "<img src=x>", runs).toHtml();
            Html.check(html);
            assertEquals(html, new TrainingReport("A < B & \"C\"", "<img src=x>", runs).toHtml());
        }
    }

    @Test
    void twoRunsOfOneNameAndNoRunsAreRefused() {
        RecordedRun run = SampleRuns.empty("plain");
        assertThrows(IllegalArgumentException.class, () -> new TrainingReport("", "", List.of(run, run)));
        assertThrows(IllegalArgumentException.class, () -> new TrainingReport("", "", List.of()));
    }

    @Test
    void attackLabelsGiveTheSizeInPixelsWhereItIsWhole() {
        Proportion half = new Proportion(1, 2);
        assertEquals("pgd-20, linf 8/255", new RecordedRun.RobustAccuracy("pgd-20", "linf", 8 / 255.0, half).label());
        assertEquals("pgd-20, l2 0.500", new RecordedRun.RobustAccuracy("pgd-20", "l2", 0.5, half).label());
        assertEquals("fgsm, linf 0.0300", new RecordedRun.RobustAccuracy("fgsm", "linf", 0.03, half).label());
    }

    @Test
    void withManyRunsTheFindingsNameTheExtremesOnly() {
        List<RecordedRun> runs = new ArrayList<>(SampleRuns.three());
        runs.add(SampleRuns.run("d", 40, 500, 10));
        runs.add(SampleRuns.run("e", 50, 600, 200));
        List<String> sentences = new Findings(runs).sentences();
        assertEquals("Accuracy on clean test images (95% interval, n = 1,000): lowest d 50.0% (46.9% to 53.1%), highest plain 88.0% "
                + "(85.8% to 89.9%); the table below has all 5 runs.", sentences.get(0));
        assertEquals("Sum of the l1 norms of convolutions and linear layers at the end: lowest nd-l1 40.00 (0.50 times that of plain), "
                + "highest e 120.0 (1.50 times that of plain); the table below has all 5 runs.", sentences.get(2));
    }

    @Test
    void runsOfOneNameAreToldApartAndTheIntroductionSaysWhatWasRun() {
        List<RunFolder.Contents> folders = new ArrayList<>();
        for (String run : List.of("a/plain/1", "b/nd-l1/1", "c/nd-l1/2", "d/nd-l1/2", "e/wd/1", "f/wd/1")) {
            String[] parts = run.split("/", 3);
            RunInfo info = new RunInfo(RunInfo.FORMAT, RunInfo.VERSION, parts[1], "train", Instant.EPOCH, "vgg11", "synthetic", parts[1],
                    Long.parseLong(parts[2]), 3, 4000, 1000, Map.of(), Map.of());
            folders.add(
                    new RunFolder.Contents(Path.of("runs", parts[0]), info, List.of(), List.of(), Optional.empty(), List.of(), List.of()));
        }
        TrainingReport report = TrainingReport.of("Title", folders);
        assertEquals(List.of("plain", "nd-l1 (seed 1)", "nd-l1 (seed 2) (c)", "nd-l1 (seed 2) (d)", "wd (e)", "wd (f)"),
                report.runs().stream().map(RecordedRun::name).toList());
        assertTrue(report.introduction().startsWith("6 training runs: plain, nd-l1 (seed 1), "), report.introduction());
        assertTrue(report.introduction().endsWith("Model: vgg11. Data: synthetic, with 4,000 training images and 1,000 test images. "
                + "Epochs: 3."), report.introduction());
    }

    /// A folder named as its method tells nothing; those around it do.
    @Test
    void runsInFoldersOfOneNameAreToldApartByTheFoldersAround() {
        List<RunFolder.Contents> folders = new ArrayList<>();
        for (String path : List.of("plain", "a/plain", "b/plain", "c/x/deep", "d/x/deep", "mine")) {
            RunInfo info = new RunInfo(RunInfo.FORMAT, RunInfo.VERSION, "plain", "train", Instant.EPOCH, "vgg11", "synthetic", "plain", 0,
                    3,
                    4000, 1000, Map.of(), Map.of());
            folders.add(new RunFolder.Contents(Path.of("runs", path.split("/")), info, List.of(), List.of(), Optional.empty(), List.of(),
                    List.of()));
        }
        assertEquals(List.of("plain (runs/plain)", "plain (a/plain)", "plain (b/plain)", "plain (c/x/deep)", "plain (d/x/deep)",
                "plain (mine)"), TrainingReport.of("Title", folders).runs().stream().map(RecordedRun::name).toList());
        assertEquals(List.of("plain", "plain (mine)"), TrainingReport.of("Title", List.of(folders.get(1), folders.get(5))).runs().stream()
                .map(RecordedRun::name).toList());
    }

    /// A run that began from the weights of another has the model from their file, written in full.
    @Test
    void oneModelWrittenInTwoWaysIsOneGroup() {
        List<RunFolder.Contents> folders = new ArrayList<>();
        for (String model : List.of("lenet", "lenet:width=1.0,classes=10", "a model of later versions")) {
            RunInfo info = new RunInfo(RunInfo.FORMAT, RunInfo.VERSION, "plain", "train", Instant.EPOCH, model, "synthetic", "plain", 0, 3,
                    4000, 1000, Map.of(), Map.of());
            folders.add(
                    new RunFolder.Contents(Path.of("runs", "r" + folders.size()), info, List.of(), List.of(), Optional.empty(), List.of(),
                            List.of()));
        }
        assertEquals(1, RecordedRun.comparable(TrainingReport.of("Title", folders.subList(0, 2)).runs()).size());
        TrainingReport report = TrainingReport.of("Title", folders);
        assertEquals(2, RecordedRun.comparable(report.runs()).size());
        assertTrue(report.introduction().contains("Model: lenet or a model of later versions. Data"), report.introduction());
    }

    @Test
    void manyMixedRunsHaveAShortIntroduction() {
        List<RunFolder.Contents> folders = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            RunInfo info = new RunInfo(RunInfo.FORMAT, RunInfo.VERSION, "nd-l1 with a name", "train", Instant.EPOCH, "vgg" + i, "synthetic",
                    "nd-l1", i, 1 + i % 3, 48 + 8 * (i % 5), i % 2 == 0 ? 12 : 1060, Map.of(), Map.of());
            folders.add(new RunFolder.Contents(Path.of("runs", "r" + i), info, List.of(), List.of(), Optional.empty(), List.of(), List
                    .of()));
        }
        assertEquals("20 training runs. Model: 20 models. Data: synthetic, with between 48 and 80 training images and between 12 and 1,060 "
                + "test images. Epochs: between 1 and 3.", TrainingReport.of("Title", folders).introduction());
    }

    /// Two groups of one model and data differ by their images; the contents list one entry a group.
    @Test
    void theMenuHasSectionsOnlyAndNamesThatDiffer() throws Exception {
        RecordedRun run = with(with(SampleRuns.run("a", 30, 880, 60), "model", "vgg11"), "data", "synthetic");
        RecordedRun few = with(with(run, "training images", "48"), "test images", "12");
        RecordedRun many = with(with(run.withName("b"), "training images", "60"), "test images", "12");
        Document page = page(few, many);
        Element menu = (Element) page.getElementsByTagName("nav").item(0);
        List<String> links = new ArrayList<>();
        for (int i = 0; i < menu.getElementsByTagName("a").getLength(); i++) {
            links.add(menu.getElementsByTagName("a").item(i).getTextContent());
        }
        assertEquals(List.of("What came out", "vgg11 on synthetic, 48 training and 12 test images",
                "vgg11 on synthetic, 60 training and 12 test images", "How to read this", "What was run"), links);
        assertEquals(4, page.getElementsByTagName("h3").getLength());
    }

    @Test
    void aRunFolderBecomesARun(@TempDir Path folder) throws IOException {
        RunInfo info = new RunInfo(RunInfo.FORMAT, RunInfo.VERSION, "nd-l1", "train", Instant.parse("2026-01-02T03:04:05Z"), "vgg11",
                "synthetic", "nd-l1", 7, 3, 4000, 1000, Map.of("lr", "0.01"), Map.of("java", "25"));
        RunFolder store = RunFolder.create(folder, info);
        try (LineWriter<MetricsLine> metrics = store.appendMetrics(-1); LineWriter<NormLine> norms = store.appendNorms(-1)) {
            metrics.write(new MetricsLine(1, 32, 0.01, 1.25, 0.5, Double.NaN, 1.5, 0.6, 12, 3, 1000, 4.5));
            norms.write(new NormLine(0, "classifier", "linear", 11, 12));
        }
        RecordedRun running = RecordedRun.of(store.read());
        assertEquals(List.of(new RecordedRun.Epoch(1, 1.25, 0.5, 0.6, 12, 3)), running.epochs());
        assertEquals(List.of(new RecordedRun.LayerNorm(0, "classifier", "linear", 11, 12)), running.norms());
        assertEquals(4.5, running.seconds());
        assertTrue(running.clean().isEmpty() && running.robust().isEmpty());
        assertEquals(List.of("The run has not ended: there is no result yet."), running.remarks());
        assertEquals("0.01", running.settings().get("lr"));
        store.writeResult(new RunResult(RunResult.Status.DIVERGED, "The loss was NaN.", 1, 6, RunResult.Score.of(1000, 870, 0.5),
                List.of(RunResult.AttackScore.of("pgd-20", "linf", 8 / 255.0, 500, 100, 2))));
        RecordedRun ended = RecordedRun.of(store.read());
        assertEquals(870, ended.clean().orElseThrow().successes());
        assertEquals("pgd-20, linf 8/255", ended.robust().getFirst().label());
        assertEquals(List.of("The run diverged after 1 of 3 epochs. The loss was NaN."), ended.remarks());
    }
}
