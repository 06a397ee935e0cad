package dev.normlab.experiments.cli;

import dev.normlab.engine.io.AtomicFile;
import dev.normlab.experiments.report.TrainingReport;
import dev.normlab.experiments.store.RunFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `report`: a page of figures and tables from run folders.
@Command(name = "report", description = "Make one self-contained HTML page from a run folder, or from all run folders in a folder.",
        sortOptions = false)
final class ReportCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common;

    @Parameters(paramLabel = "DIR", description = "A run folder, or a folder of run folders.")
    private Path folder = Path.of(".");

    @Option(names = "--out", paramLabel = "FILE", description = "The page (default: report.html in DIR).")
    private @Nullable Path out;

    ReportCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        Path page = out == null ? folder.resolve("report.html") : out;
        AtomicFile.writeText(page, TrainingReport.of("Training runs", RunFolder.readAll(folder)).toHtml());
        common.say("report: " + page.toAbsolutePath());
        common.writeJson(Map.of("report", page.toString()));
        return 0;
    }
}
