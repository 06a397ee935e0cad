package dev.normlab.experiments.study.report;

import dev.normlab.engine.io.AtomicFile;
import dev.normlab.experiments.plot.Figure;
import dev.normlab.experiments.report.ReportFiles;
import dev.normlab.experiments.report.TableText;
import dev.normlab.experiments.store.FolderLock;
import dev.normlab.experiments.store.UnfinishedFiles;
import dev.normlab.experiments.study.StudyFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/// The files that are made of a study's runs: the page, tables and figures.
public final class StudyFiles {

    private StudyFiles() {}

    /// What was written.
    ///
    /// @param results what it was made of
    /// @param page    the HTML file
    /// @param tables  the folder of the tables
    /// @param figures the folder of the figures
    /// @param drawn   the number of figures
    public record Written(StudyResults results, Path page, Path tables, Path figures, int drawn) {}

    /// Writes `report.html`, `tables/` (CSV, Markdown, LaTeX), `figures/` (SVG, PNG) and `times.csv` into the study's folder, from what is
    /// finished by now. One process at a time does this.
    ///
    /// @param tell hears what there is to wait for
    /// @throws IOException if a file cannot be read or written
    public static Written write(StudyFolder folder, Consumer<String> tell) throws IOException {
        return write(folder, folder.path().resolve(StudyFolder.REPORT_FILE), folder.path().resolve("tables"),
                folder.path().resolve("figures"), tell);
    }

    /// As [#write(StudyFolder, Consumer)], with the page, the tables and the figures in other places.
    ///
    /// @throws IOException if a file cannot be read or written
    public static Written write(StudyFolder folder, Path page, Path tableFolder, Path figures, Consumer<String> tell)
            throws IOException {
        try (FolderLock lock = new FolderLock(folder.path())) {
            lock.await(tell);
            StudyResults results = StudyResults.read(folder);
            StudyTables tables = new StudyTables(results);
            for (Path target : new Path[] {folder.path(), Files.createDirectories(tableFolder), Files.createDirectories(figures)}) {
                UnfinishedFiles.removeFrom(target);
            }
            ReportFiles.writeTables(tableFolder, tables.all());
            AtomicFile.writeText(folder.path().resolve("times.csv"), TableText.csv(tables.times()));
            Map<String, Figure> drawn = new LinkedHashMap<>();
            results.config().models().forEach(model -> drawn.putAll(new StudyFigures(results, model).all()));
            ReportFiles.writeFigures(figures, drawn);
            AtomicFile.writeText(page, new StudyPage(results).toHtml());
            return new Written(results, page, tableFolder, figures, drawn.size());
        }
    }
}
