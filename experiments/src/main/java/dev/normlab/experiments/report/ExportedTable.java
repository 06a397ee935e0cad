package dev.normlab.experiments.report;

/// A table in two forms.
///
/// @param text for people: pages, Markdown, LaTeX
/// @param data for programs: one number a cell, and no two columns of one name
public record ExportedTable(Table text, Table data) {

    /// A table whose cells hold one number each and do for both.
    public static ExportedTable of(Table table) {
        return new ExportedTable(table, table);
    }
}
