package dev.normlab.experiments.report;

import dev.normlab.experiments.plot.Numbers;
import java.util.List;
import java.util.stream.Collectors;

/// Tables as text for other programs and papers. Equal tables give equal bytes.
public final class TableText {

    private TableText() {}

    /// Comma-separated values after RFC 4180, with a line of names. Numbers have all their digits and no units; missing ones are empty.
    public static String csv(Table table) {
        StringBuilder text = new StringBuilder(line(table.columns().stream().map(Table.Column::name).toList()));
        for (List<Table.Cell> row : table.rows()) {
            text.append(line(row.stream().map(TableText::plain).toList()));
        }
        return text.toString();
    }

    private static String plain(Table.Cell cell) {
        if (Double.isFinite(cell.value())) {
            double value = cell.value();
            return value == Math.rint(value) && Math.abs(value) < 1e15 ? Long.toString((long) value) : Double.toString(value);
        }
        return cell.text().equals(Numbers.MISSING) ? "" : cell.text();
    }

    private static String line(List<String> fields) {
        return fields.stream().map(field -> field.matches("(?s).*[\",\r\n].*") ? "\"" + field.replace("\"", "\"\"") + "\"" : field)
                .collect(Collectors.joining(",")) + "\n";
    }

    /// A table of GitHub's Markdown, after its caption.
    public static String markdown(Table table) {
        StringBuilder text = new StringBuilder(table.caption()).append("\n\n");
        text.append(table.columns().stream().map(column -> escaped(column.name())).collect(Collectors.joining(" | ", "| ", " |\n")));
        text.append(table.columns().stream().map(column -> column.numeric() ? "---:" : "---").collect(Collectors.joining(" | ", "| ",
                " |\n")));
        for (List<Table.Cell> row : table.rows()) {
            text.append(row.stream().map(cell -> escaped(cell.text())).collect(Collectors.joining(" | ", "| ", " |\n")));
        }
        return text.toString();
    }

    private static String escaped(String text) {
        return text.replace("|", "\\|").replace("\n", " ");
    }

    /// A `table` environment of LaTeX with rules of the package booktabs.
    ///
    /// @param label for `\ref`
    public static String latex(Table table, String label) {
        StringBuilder text = new StringBuilder("% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n\\caption{");
        text.append(tex(table.caption())).append("}\n\\label{").append(label).append("}\n\\begin{tabular}{");
        text.append(table.columns().stream().map(column -> column.numeric() ? "r" : "l").collect(Collectors.joining()))
                .append("}\n\\toprule\n");
        text.append(table.columns().stream().map(column -> tex(column.name())).collect(Collectors.joining(" & "))).append(
                " \\\\\n\\midrule\n");
        for (List<Table.Cell> row : table.rows()) {
            text.append(row.stream().map(cell -> tex(cell.text())).collect(Collectors.joining(" & "))).append(" \\\\\n");
        }
        return text.append("\\bottomrule\n\\end{tabular}\n\\end{table}\n").toString();
    }

    /// Text with everything that LaTeX would take for a command written out.
    static String tex(String text) {
        StringBuilder out = new StringBuilder();
        text.codePoints().forEach(c -> out.append(switch (c) {
            case '\\' -> "\\textbackslash{}";
            case '&', '%', '$', '#', '_', '{', '}' -> "\\" + (char) c;
            case '~' -> "\\textasciitilde{}";
            case '^' -> "\\textasciicircum{}";
            case '<' -> "$<$";
            case '>' -> "$>$";
            case '±' -> "$\\pm$";
            case '×' -> "$\\times$";
            case '−' -> "$-$";
            case '–' -> "--";
            case '∞' -> "$\\infty$";
            case '⁻' -> "$^{-}$";
            case '⁰', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹' -> "$^{" + (c - '⁰') + "}$";
            case '¹' -> "$^{1}$";
            case '²' -> "$^{2}$";
            case '³' -> "$^{3}$";
            default -> Character.toString(c);
        }));
        return out.toString();
    }
}
