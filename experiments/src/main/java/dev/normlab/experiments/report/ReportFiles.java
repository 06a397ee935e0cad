package dev.normlab.experiments.report;

import dev.normlab.engine.io.AtomicFile;
import dev.normlab.experiments.plot.Figure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Writes tables and figures as files. All are written atomically.
public final class ReportFiles {

    private static final double FIGURE_WIDTH = 760;

    private ReportFiles() {}

    /// Writes every table as CSV, Markdown and LaTeX.
    ///
    /// @param into   the folder, which is made if it is not there
    /// @param tables by file name without ending
    /// @return the names of the files
    /// @throws IOException if a file cannot be written
    public static List<String> writeTables(Path into, Map<String, ExportedTable> tables) throws IOException {
        Files.createDirectories(into);
        List<String> files = new ArrayList<>();
        for (Map.Entry<String, ExportedTable> table : tables.entrySet()) {
            String name = table.getKey();
            Table text = table.getValue().text();
            AtomicFile.writeText(into.resolve(name + ".csv"), TableText.csv(table.getValue().data()));
            AtomicFile.writeText(into.resolve(name + ".md"), TableText.markdown(text));
            AtomicFile.writeText(into.resolve(name + ".tex"), TableText.latex(text, "tab:" + name));
            files.addAll(List.of(name + ".csv", name + ".md", name + ".tex"));
        }
        return files;
    }

    /// Writes every figure as SVG and PNG.
    ///
    /// @param into    the folder, which is made if it is not there
    /// @param figures by file name without ending
    /// @return the names of the files
    /// @throws IOException if a file cannot be written
    public static List<String> writeFigures(Path into, Map<String, Figure> figures) throws IOException {
        Files.createDirectories(into);
        List<String> files = new ArrayList<>();
        for (Map.Entry<String, Figure> figure : figures.entrySet()) {
            AtomicFile.writeText(into.resolve(figure.getKey() + ".svg"), figure.getValue().toSvgFile(FIGURE_WIDTH));
            byte[] png = figure.getValue().toPng(FIGURE_WIDTH, 2);
            AtomicFile.write(into.resolve(figure.getKey() + ".png"), out -> out.write(png));
            files.addAll(List.of(figure.getKey() + ".svg", figure.getKey() + ".png"));
        }
        return files;
    }
}
