package dev.normlab.experiments.cli;

import dev.normlab.engine.io.AtomicFile;
import dev.normlab.experiments.plot.Figure;
import dev.normlab.experiments.report.NormFigures;
import dev.normlab.experiments.report.RecordedRun;
import dev.normlab.experiments.report.ReportFiles;
import dev.normlab.experiments.report.ShownPath;
import dev.normlab.experiments.report.TrainingReport;
import dev.normlab.experiments.run.TrainingRun;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.study.StudyFolder;
import dev.normlab.experiments.study.report.StudyFiles;
import dev.normlab.experiments.study.report.StudySummary;
import dev.normlab.lip.record.NormSeries;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `report`: a page of figures and tables from run folders.
@Command(name = "report",
        description = "Make one self-contained HTML page from a run folder, from all run folders in a folder, or from the folder of a study, "
                + "with tables (CSV, Markdown, LaTeX) and figures (SVG, PNG) as files.",
        sortOptions = false)
final class ReportCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common;

    @Parameters(paramLabel = "DIR", description = "A run folder, or a folder of run folders.")
    private Path folder = Path.of(".");

    @Option(names = "--out", paramLabel = "FILE",
            description = "The page (default: report.html in DIR).")
    private @Nullable Path out;

    @Option(names = "--figures", paramLabel = "DIR",
            description = "Where figures go (default: figures in DIR). Of run folders this also writes figures of norms that the page leaves "
                    + "out: over training, distributions and bars, on linear and logarithmic axes.")
    private @Nullable Path figures;

    @Option(names = "--tables", paramLabel = "DIR", description = "Where tables go (default: tables in DIR).")
    private @Nullable Path tables;

    ReportCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        requireFolder("--figures", figures);
        requireFolder("--tables", tables);
        Path page = out == null ? folder.resolve("report.html") : out;
        Path figureFolder = figures == null ? folder.resolve("figures") : figures;
        Path tableFolder = tables == null ? folder.resolve("tables") : tables;
        return StudyFolder.is(folder) ? study(page, tableFolder, figureFolder) : runs(page, tableFolder, figureFolder);
    }

    private static void requireFolder(String option, @Nullable Path path) {
        if (path != null && Files.exists(path) && !Files.isDirectory(path)) {
            throw UserError.failure(option + ": expected a folder, but " + path + " is a file; choose another name");
        }
    }

    private int runs(Path page, Path tableFolder, Path figureFolder) throws IOException {
        List<RunFolder.Contents> runs = RunFolder.readAll(folder);
        TrainingReport report = TrainingReport.of("Training runs", runs);
        AtomicFile.writeText(page, report.toHtml());
        common.say("report: " + ShownPath.of(page));
        List<String> written = ReportFiles.writeTables(tableFolder, report.tables());
        common.say(report.tables().size() + " tables in " + ShownPath.of(tableFolder));
        Map<String, Figure> drawn = new LinkedHashMap<>(report.figures());
        if (figures != null) {
            addNorms(drawn, runs);
        }
        List<String> files = ReportFiles.writeFigures(figureFolder, drawn);
        common.say(drawn.size() + " figures in " + ShownPath.of(figureFolder));
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("report", page.normalize().toString());
        json.put("tables", written);
        json.put("figures", files);
        common.writeJson(json);
        return 0;
    }

    private static void addNorms(Map<String, Figure> drawn, List<RunFolder.Contents> runs) throws IOException {
        RecordedRun.groups(RecordedRun.allOf(runs))
                .forEach((prefix, group) -> NormFigures.of(group).forEach((key, figure) -> drawn.put(prefix + key, figure)));
        for (RunFolder.Contents run : runs) {
            Path series = run.path().resolve(TrainingRun.NORM_SERIES_NAME);
            if (Files.exists(series)) {
                String name = String.valueOf(run.path().toAbsolutePath().normalize().getFileName());
                NormFigures.of(name, NormSeries.read(series)).forEach((key, figure) -> drawn.put(key + "-" + name, figure));
            }
        }
    }

    private int study(Path page, Path tableFolder, Path figureFolder) throws IOException {
        StudyFiles.Written written = StudyFiles.write(new StudyFolder(folder), page, tableFolder, figureFolder, common.progress()::line);
        StudySummary summary = new StudySummary(written);
        summary.lines().forEach(common::say);
        common.writeJson(summary.json());
        return 0;
    }
}
