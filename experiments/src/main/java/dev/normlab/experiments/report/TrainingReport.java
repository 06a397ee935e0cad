package dev.normlab.experiments.report;

import dev.normlab.experiments.plot.Figure;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.report.ReportPage.Section;
import dev.normlab.experiments.report.ReportPage.Width;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunInfo;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.LongSummaryStatistics;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/// The report that compares training runs: what was run, what came out, the course of training, and the norms of the layers. Everything
/// that the page says about results is computed from the runs.
///
/// @param title the title of the page
/// @param introduction one paragraph that says what was run
/// @param runs the runs, with different names; the first plain one, or else the first, is the one that others are compared with
public record TrainingReport(String title, String introduction, List<RecordedRun> runs) {

    /// Longer lists of names are left to the table, in characters.
    private static final int MAX_NAMES = 120;
    /// More models or data than these are counted only.
    private static final int MAX_LISTED = 3;

    /// Copies the list.
    ///
    /// @throws IllegalArgumentException if there is no run, or two have the same name
    public TrainingReport {
        runs = List.copyOf(runs);
        if (runs.isEmpty()) {
            throw new IllegalArgumentException("a report needs at least one run");
        }
        Set<String> names = new HashSet<>();
        for (RecordedRun run : runs) {
            if (!names.add(run.name())) {
                throw new IllegalArgumentException("two runs of the report are named '" + run.name() + "'");
            }
        }
    }

    /// The report on the runs in these folders, with an introduction made of what the folders say about them.
    ///
    /// @throws IllegalArgumentException if there is no folder
    public static TrainingReport of(String title, List<RunFolder.Contents> folders) {
        List<RecordedRun> runs = RecordedRun.allOf(folders);
        String names = runs.stream().map(RecordedRun::name).collect(Collectors.joining(", "));
        String count = runs.size() == 1 ? "One training run" : runs.size() + " training runs";
        String introduction = count + (names.length() > MAX_NAMES ? "" : ": " + names) + ". Model: "
                + distinct(folders, RecordedRun::modelOf, "models") + ". Data: " + distinct(folders, RunInfo::data, "sets of data")
                + ", with " + range(folders, RunInfo::trainImages) + " training images and " + range(folders, RunInfo::testImages)
                + " test images. Epochs: " + range(folders, RunInfo::epochs) + ".";
        return new TrainingReport(title, introduction, runs);
    }

    /// The different texts, or just how many there are.
    private static String distinct(List<RunFolder.Contents> folders, Function<RunInfo, String> value, String noun) {
        List<String> values = folders.stream().map(folder -> value.apply(folder.info())).distinct().toList();
        return values.size() > MAX_LISTED ? values.size() + " " + noun : String.join(" or ", values);
    }

    /// The number of all runs, or the smallest and the largest.
    private static String range(List<RunFolder.Contents> folders, ToLongFunction<RunInfo> value) {
        LongSummaryStatistics all = folders.stream().mapToLong(folder -> value.applyAsLong(folder.info())).summaryStatistics();
        String least = Numbers.integer(all.getMin());
        return all.getMin() == all.getMax() ? least : "between " + least + " and " + Numbers.integer(all.getMax());
    }

    /// The page as one HTML file. Equal runs give equal bytes.
    public String toHtml() {
        ReportPage page = new ReportPage(title, introduction);
        List<List<RecordedRun>> groups = RecordedRun.comparable(runs);
        RunTables tables = new RunTables(runs);
        if (groups.size() == 1) {
            addResults(page, new RunFigures(runs), tables);
            addTraining(page.section("Training"), new RunFigures(runs), tables);
            addNorms(page.section("Norms of the layers"), new RunFigures(runs), tables);
        } else {
            addGroups(page, groups, tables);
        }
        addReading(page);
        addProvenance(page, tables);
        return page.footer("Made by normlab. This page is one file and loads nothing from the network.").toHtml();
    }

    /// The page's tables by file name without ending.
    public Map<String, ExportedTable> tables() {
        return new RunTables(runs).all();
    }

    /// The page's figures by file name without ending; where models or data differ, `group-1-accuracy` and so on.
    public Map<String, Figure> figures() {
        Map<String, Figure> figures = new LinkedHashMap<>();
        RecordedRun.groups(runs).forEach((prefix, group) -> new RunFigures(group).all()
                .forEach((name, figure) -> figures.put(prefix + name, figure)));
        return figures;
    }

    private void addGroups(ReportPage page, List<List<RecordedRun>> groups, RunTables tables) {
        page.section("What came out").paragraph("These runs are of " + groups.size()
                + " combinations of model and data. Each has figures of its own below; the table has all runs.").table(tables.results());
        for (List<RecordedRun> group : groups) {
            String name = name(group.getFirst(), groups);
            RunFigures figures = new RunFigures(group);
            RunTables own = new RunTables(group);
            Section section = page.section(name).list(new Findings(group).sentences());
            addAccuracies(section, group, figures);
            addTraining(page.subsection("Training: " + name), figures, own);
            addNorms(page.subsection("Norms of the layers: " + name), figures, own);
        }
    }

    /// Model and data of a group, with the numbers of images where another group has the same model and data.
    private static String name(RecordedRun run, List<List<RecordedRun>> groups) {
        String name = modelAndData(run);
        boolean unique = groups.stream().filter(group -> modelAndData(group.getFirst()).equals(name)).count() == 1;
        return unique
                ? name
                : name + ", " + run.settings().getOrDefault("training images", Numbers.MISSING) + " training and "
                        + run.settings().getOrDefault("test images", Numbers.MISSING) + " test images";
    }

    private static String modelAndData(RecordedRun run) {
        return run.settings().getOrDefault("model", "model") + " on " + run.settings().getOrDefault("data", "data");
    }

    private void addResults(ReportPage page, RunFigures figures, RunTables tables) {
        Section section = page.section("What came out");
        section.list(new Findings(runs).sentences());
        addAccuracies(section, runs, figures);
        section.table(tables.results());
    }

    private static void addAccuracies(Section section, List<RecordedRun> shown, RunFigures figures) {
        if (figures.hasAccuracies()) {
            Width width = Findings.attackLabels(shown).size() <= 2 ? Width.HALF : Width.FULL;
            section.figure(figures.accuracy(), width, figures.accuracyCaption());
        }
        AccuracyCurves curves = new AccuracyCurves(shown);
        for (String name : curves.names()) {
            section.figure(curves.figure(name), Width.HALF, curves.caption(name));
        }
    }

    private static void addTraining(Section section, RunFigures figures, RunTables tables) {
        section.figure(figures.testAccuracy(), Width.HALF, "Accuracy on the unchanged test images after every epoch.")
                .figure(figures.trainLoss(), Width.HALF, "Mean training loss over every epoch, without the terms that a method adds.")
                .foldedTable("Metrics of every epoch", tables.epochs());
    }

    private static void addNorms(Section section, RunFigures figures, RunTables tables) {
        section.figure(figures.normSum(false), Width.HALF, "Sum of the l1 norms of all convolutions and linear layers over training.")
                .figure(figures.normSum(true), Width.HALF, "Sum of the l1 norms of all batch-norm layers over training.")
                .figure(figures.normDensity("l1"), Width.HALF,
                        "Distribution of the l1 norms of convolutions and linear layers after the last epoch: Gaussian "
                                + "kernel density of the logarithms, Silverman's bandwidth. Every line of the rug is one layer.")
                .figure(figures.normDensity("linf"), Width.HALF, "The same for the linf norms.")
                .figure(figures.layers("l1", false), Width.FULL,
                        "The l1 norm of every convolution and linear layer after the last epoch, from input to output.")
                .figure(figures.layers("linf", false), Width.FULL,
                        "The linf norm of every convolution and linear layer after the last epoch.");
        if (figures.hasBatchNorms()) {
            section.figure(figures.layers("l1", true), Width.FULL,
                    "The norm of every batch-norm layer after the last epoch; its l1 and linf norms are equal.");
        }
        section.foldedTable("Norms of every layer after the last epoch", tables.layers());
    }

    private static void addReading(ReportPage page) {
        page.section("How to read this").definitions(
                "l1 and linf norm of a layer",
                "Without its bias, a layer maps an input vector to an output vector by a matrix. The l1 norm is the largest factor by which the layer can enlarge the "
                        + "sum of absolute values of its input (the largest absolute column sum of the matrix); the linf norm is the largest factor for the largest "
                        + "absolute value (the largest absolute row sum). A batch norm counts as it acts at test time, with its running variance.",
                "Sum of norms",
                "The l1 norms of the layers added up, as a measure of all layers at once. It does not bound the network as a whole.",
                "Accuracy under attack",
                "The fraction of the attacked test images that are classified correctly after the attack. An attack changes every pixel within the stated size to "
                        + "mislead the network. The figure is an upper bound: a stronger attack can only lower it.",
                "Certified accuracy",
                "The fraction of test images of which norms of the layers prove that no perturbation of the stated size changes their class: a lower bound. It "
                        + "is much lower than the truth for all but small networks.",
                "95% Wilson interval",
                "The range of true accuracies for which the observed one is within 1.96 standard errors. It accounts for the finite number of test images and not for "
                        + "the variation between training runs with other seeds.");
    }

    private void addProvenance(ReportPage page, RunTables tables) {
        Section section = page.section("What was run");
        tables.settings().forEach(section::table);
        section.table(tables.provenance());
    }
}
