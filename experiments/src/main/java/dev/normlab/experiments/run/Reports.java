package dev.normlab.experiments.run;

import dev.normlab.engine.io.AtomicFile;
import dev.normlab.experiments.report.RecordedRun;
import dev.normlab.experiments.report.TrainingReport;
import dev.normlab.experiments.store.RunFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// Makes report pages from run folders.
public final class Reports {

    private Reports() {
    }

    /// Writes the page of a run folder, or of all run folders in a folder.
    ///
    /// @return the page's file
    /// @throws IOException if there is no run folder or a file cannot be read or written
    public static Path write(Path folder, Path page, String title) throws IOException {
        List<RecordedRun> runs = RecordedRun.allOf(RunFolder.readAll(folder));
        AtomicFile.writeText(page, new TrainingReport(title, introduction(runs), runs).toHtml());
        return page;
    }

    private static String introduction(List<RecordedRun> runs) {
        return runs.size() == 1 ? "One training run, " + runs.getFirst().name() + "."
                : runs.size() + " training runs: " + String.join(", ", runs.stream().map(RecordedRun::name).toList()) + ".";
    }
}
