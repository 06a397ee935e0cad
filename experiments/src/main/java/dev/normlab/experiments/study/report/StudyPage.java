package dev.normlab.experiments.study.report;

import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.report.ReportPage;
import dev.normlab.experiments.report.ReportPage.Section;
import dev.normlab.experiments.report.ReportPage.Width;
import dev.normlab.experiments.report.Table;
import dev.normlab.experiments.report.Table.Cell;
import dev.normlab.experiments.report.Table.Column;
import dev.normlab.experiments.store.RunInfo;
import dev.normlab.experiments.study.StudyConfig;
import dev.normlab.experiments.study.StudyFolder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// The page on a study: what was run and with which data, what came out, figures for every model, every number, and how far it is from the
/// paper's setting.
public final class StudyPage {

    private final StudyResults results;
    private final StudyConfig config;
    private final StudyTables tables;

    /// The page of these results.
    public StudyPage(StudyResults results) {
        this.results = results;
        this.config = results.config();
        this.tables = new StudyTables(results);
    }

    /// The page as one HTML file.
    public String toHtml() {
        ReportPage page = new ReportPage(config.title(), introduction());
        StudyFindings findings = new StudyFindings(results);
        Section first = page.section("What came out").list(findings.sentences());
        if (findings.hasChanges()) {
            first.table(findings.changes());
        }
        first.table(tables.accuracy(false));
        for (String model : config.models()) {
            addModel(page, model);
        }
        page.section("All settings").table(tables.results()).foldedTable("Every run", tables.runs());
        Section distance = page.section("How far from the paper");
        tables.paper().ifPresentOrElse(distance::table,
                () -> distance.paragraph("This study is compared with none of the paper's (its configuration has no key 'paper')."));
        addReading(page);
        addProvenance(page);
        return page
                .footer("Made by normlab. This page is one file and loads nothing from the network. Tables are files as well, as "
                        + "CSV, Markdown and LaTeX, and so are figures, as SVG and PNG.")
                .toHtml();
    }

    private String introduction() {
        List<RunInfo> infos = results.runs().stream().map(run -> run.contents().info()).toList();
        String images = infos.isEmpty()
                ? ""
                : ", " + Numbers.integer(infos.getFirst().trainImages()) + " training and " + Numbers.integer(infos.getFirst().testImages())
                        + " test images";
        String attacked = Numbers.integer(Math.min(config.attack().images(),
                infos.isEmpty() ? config.attack().images() : infos.getFirst().testImages()));
        return counted(results.plan().runs().size(), "training run") + ": " + counted(config.models().size(), "model") + " ("
                + String.join(", ", config.models())
                + "), " + counted(config.methods().size(), "method") + " (" + config.methods().stream().map(method -> method.name())
                        .collect(Collectors.joining(", "))
                + "), " + counted(config.seeds(), "seed") + " each, " + counted(config.training().epochs(), "epoch")
                + ". Data: " + config.data() + images + ". Robust accuracy: " + attacked + " test images under " + tables.attack()
                + ". " + results.finished() + " runs are finished"
                + (results.diverged() > 0 ? ", " + results.diverged() + " diverged" : "")
                + (results.open() > 0 ? ", " + results.open() + " are open." : ".");
    }

    private static String counted(int count, String noun) {
        return count + " " + noun + (count == 1 ? "" : "s");
    }

    private void addModel(ReportPage page, String model) {
        StudyFigures figures = new StudyFigures(results, model);
        if (figures.representatives().isEmpty()) {
            return;
        }
        Section section = page.section(model);
        String chosen = figures.representatives().values().stream().anyMatch(one -> one.method().strengths().size() > 1)
                ? " Of a method with several strengths, the one in the middle of its list."
                : "";
        section.figure(figures.accuracies(), Width.HALF,
                "Accuracy of " + model + " on clean test images and under " + tables.attack() + "." + chosen
                        + (config.seeds() > 1 ? " Error bars are 95% intervals over seeds, cut off at 0 and 100%." : ""));
        section.figure(figures.accuracyAndNorm(true), Width.HALF, "Robust accuracy of " + model
                + " against the sum of the l1 norms of convolutions and linear layers at the end of training, on a logarithmic axis. Every "
                + "point is a setting, means over seeds; lines join the strengths of a method in their order.");
        String bands = config.seeds() > 1 ? " Means over seeds; bands reach from the smallest to the largest." : "";
        for (StudyFigures.Curves curves : figures.curves()) {
            section.figure(figures.normSums(curves, false), Width.HALF,
                    "Sum of the l1 norms of all convolutions and linear layers of " + model
                            + " over training, on a logarithmic axis: " + curves.title() + "." + bands);
            section.figure(figures.normSums(curves, true), Width.HALF,
                    "Sum of the l1 norms of all batch-norm layers of " + model + ": " + curves.title() + "." + bands);
        }
        section.figure(figures.density("l1"), Width.HALF, "Distribution of the l1 norms of all layers of " + model
                + " after the last epoch, with clean and robust accuracy in parentheses: Gaussian kernel density of the logarithms, Silverman's "
                + "bandwidth. Every line of the rug is one layer"
                + (config.seeds() > 1 ? ", with the mean of its norm over the seeds." : ".")
                + chosen);
        section.figure(figures.density("linf"), Width.HALF, "The same for the linf norms.");
        section.figure(figures.layers("l1", false), Width.FULL, "The l1 norm of every convolution and linear layer of " + model
                + " after the last epoch, from input to output, means over seeds, on a logarithmic axis: only the ends of bars mean something."
                + chosen);
        section.figure(figures.layers("l1", true), Width.FULL, "The norm of every batch-norm layer of " + model
                + " after the last epoch; its l1 and linf norms are equal.");
    }

    private static void addReading(ReportPage page) {
        page.section("How to read this").definitions(
                "l1 and linf norm of a layer",
                "Without its bias, a layer maps an input vector to an output vector by a matrix. The l1 norm is the largest factor by which the "
                        + "layer can enlarge the sum of absolute values of its input (the largest absolute column sum of the matrix); the linf "
                        + "norm is the largest factor for the largest absolute value (the largest absolute row sum). A batch norm counts as it "
                        + "acts at test time, with its running variance.",
                "Robust accuracy",
                "The fraction of the attacked test images that are classified correctly after every attack of the list. It is an upper bound: a "
                        + "stronger attack can only lower it.",
                "± and 95% intervals",
                "With several seeds: the mean plus and minus this contains the mean over all seeds with 95% confidence, if seeds scatter "
                        + "normally (Student's t). With two or three seeds such intervals are wide, and rightly so; one that is "
                        + "wider than the scale from 0 to 100% says nothing and is not written out. Differences have intervals "
                        + "after Welch. Nothing is corrected for the number of comparisons: of twenty intervals, one misses.",
                "Strengths",
                "The factor of norm decay (nd) or weight decay (wd), or the singular value at which svc clips.");
    }

    private void addProvenance(ReportPage page) {
        Section section = page.section("What was run");
        List<List<Cell>> rows = new ArrayList<>();
        config.toMap().forEach((key, value) -> rows.add(List.of(Cell.text(key), Cell.text(value))));
        section.table(new Table("The configuration (" + StudyFolder.CONFIG_FILE
                + " in the folder holds it as YAML). Every run has a seed of its own, derived from its settings and the study's seed.",
                List.of(Column.text("key"), Column.text("value")), rows, false));
        section.table(provenance());
        section.foldedTable("Time of every run", tables.times());
    }

    /// Where and with what the runs were made, begun and gone on with; all values of an item, with the number of runs that have it.
    private Table provenance() {
        Map<String, Map<String, Integer>> items = new LinkedHashMap<>();
        for (StudyResults.Begun run : results.runs()) {
            Map<String, Set<String>> all = new LinkedHashMap<>();
            run.contents().info().provenance().forEach((key, value) -> add(all, key, value));
            run.contents().later().forEach(line -> line.provenance().forEach((key, value) -> add(all, key, value)));
            all.remove("convolution_algorithms"); // differs between models; run.json has it
            add(all, "command", run.contents().info().command());
            all.forEach((key, values) -> values.forEach(
                    value -> items.computeIfAbsent(key, _ -> new LinkedHashMap<>()).merge(value, 1, Integer::sum)));
        }
        List<List<Cell>> rows = new ArrayList<>();
        items.forEach((key, values) -> values.forEach((value, count) -> rows.add(List.of(Cell.text(key), Cell.text(value),
                Cell.integer(count)))));
        return new Table("Where and with what the runs were made. A run that went on elsewhere counts in both rows.",
                List.of(Column.text("item"), Column.text("value"), Column.number("runs")),
                rows, false);
    }

    private static void add(Map<String, Set<String>> all, String key, String value) {
        all.computeIfAbsent(key, _ -> new LinkedHashSet<>()).add(value);
    }
}
