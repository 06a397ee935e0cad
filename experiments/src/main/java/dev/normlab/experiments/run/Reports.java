package dev.normlab.experiments.run;

import dev.normlab.engine.io.AtomicFile;
import dev.normlab.experiments.report.RecordedRun;
import dev.normlab.experiments.report.TrainingReport;
import dev.normlab.experiments.store.RunFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Makes report pages from run folders.
public final class Reports {

    private Reports() {
    }

    /// Writes the page of a run folder, or of all run folders in a folder.
    ///
    /// @return the page's file
    /// @throws IOException if there is no run folder or a file cannot be read or written
    public static Path write(Path folder, Path page, String title) throws IOException {
        List<RecordedRun> runs = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (RunFolder.Contents contents : RunFolder.readAll(folder)) {
            RecordedRun run = RecordedRun.of(contents);
            runs.add(names.add(run.name()) ? run : run.named(run.name() + " (" + contents.path().getFileName() + ")"));
        }
        AtomicFile.writeText(page, new TrainingReport(title, introduction(runs), runs).toHtml());
        return page;
    }

    private static String introduction(List<RecordedRun> runs) {
        return runs.size() == 1 ? "One training run, " + runs.getFirst().name() + "."
                : runs.size() + " training runs: " + String.join(", ", runs.stream().map(RecordedRun::name).toList()) + ".";
    }
}
