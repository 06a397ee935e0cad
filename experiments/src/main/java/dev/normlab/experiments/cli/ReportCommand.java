package dev.normlab.experiments.cli;

import dev.normlab.engine.io.AtomicFile;
import dev.normlab.experiments.plot.Figure;
import dev.normlab.experiments.report.NormFigures;
import dev.normlab.experiments.report.RecordedRun;
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
import java.util.ArrayList;
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
                + "of this also tables and figures as files.",
        sortOptions = false)
final class ReportCommand implements Callable<Integer> {

    private static final double FIGURE_WIDTH = 760;

    @Mixin
    private final CommonOptions common;

    @Parameters(paramLabel = "DIR", description = "A run folder, or a folder of run folders.")
    private Path folder = Path.of(".");

    @Option(names = "--out", paramLabel = "FILE",
            description = "The page (default: report.html in DIR). Tables and figures of a study stay in its folder.")
    private @Nullable Path out;

    @Option(names = "--figures", paramLabel = "DIR",
            description = "Write the figures of norms as SVG and PNG files, too: over training, distributions and bars, on linear and logarithmic axes.")
    private @Nullable Path figures;

    ReportCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        if (figures != null && Files.exists(figures) && !Files.isDirectory(figures)) {
            throw UserError.failure("--figures: expected a folder, but " + figures + " is a file; choose another name");
        }
        Path page = out == null ? folder.resolve("report.html") : out;
        if (StudyFolder.is(folder)) {
            return study(page);
        }
        List<RunFolder.Contents> runs = RunFolder.readAll(folder);
        AtomicFile.writeText(page, TrainingReport.of("Training runs", runs).toHtml());
        common.say("report: " + ShownPath.of(page));
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("report", page.normalize().toString());
        if (figures != null) {
            Files.createDirectories(figures);
            Map<String, Figure> drawn = new LinkedHashMap<>();
            List<List<RecordedRun>> groups = RecordedRun.comparable(RecordedRun.allOf(runs));
            for (int i = 0; i < groups.size(); i++) {
                String prefix = groups.size() == 1 ? "" : "group-" + (i + 1) + "-";
                NormFigures.of(groups.get(i)).forEach((key, figure) -> drawn.put(prefix + key, figure));
            }
            for (RunFolder.Contents run : runs) {
                Path series = run.path().resolve(TrainingRun.NORM_SERIES_NAME);
                if (Files.exists(series)) {
                    String name = String.valueOf(run.path().toAbsolutePath().normalize().getFileName());
                    NormFigures.of(name, NormSeries.read(series)).forEach((key, figure) -> drawn.put(key + "-" + name, figure));
                }
            }
            List<String> files = writeFigures(figures, drawn);
            common.say(files.size() + " figures in " + ShownPath.of(figures));
            json.put("figures", files);
        }
        common.writeJson(json);
        return 0;
    }

    private int study(Path page) throws IOException {
        StudyFiles.Written written = StudyFiles.write(new StudyFolder(folder), page,
                figures == null ? folder.resolve("figures") : figures, common.progress()::line);
        StudySummary summary = new StudySummary(written);
        summary.lines().forEach(common::say);
        common.writeJson(summary.json());
        return 0;
    }

    private static List<String> writeFigures(Path into, Map<String, Figure> figures) throws IOException {
        List<String> files = new ArrayList<>();
        for (Map.Entry<String, Figure> figure : figures.entrySet()) {
            AtomicFile.writeText(into.resolve(figure.getKey() + ".svg"), figure.getValue().toSvgFile(FIGURE_WIDTH));
            byte[] png = figure.getValue().toPng(FIGURE_WIDTH, 2);
            AtomicFile.write(into.resolve(figure.getKey() + ".png"), out -> out.write(png));
            files.add(figure.getKey() + ".svg");
            files.add(figure.getKey() + ".png");
        }
        return files;
    }
}
