package dev.normlab.experiments.report;

import dev.normlab.experiments.plot.Numbers;
import java.util.List;

/// A table of a report. The first cell of every row names the row. Readers can sort by a column where `sortable`; without scripts the table
/// stays as it is.
///
/// @param caption what the table shows
/// @param columns the columns
/// @param rows the rows, each with one cell per column
/// @param sortable whether the columns can be sorted
public record Table(String caption, List<Column> columns, List<List<Cell>> rows, boolean sortable) {

    /// Copies the lists.
    ///
    /// @throws IllegalArgumentException if a row does not have one cell per column
    public Table {
        columns = List.copyOf(columns);
        rows = rows.stream().map(List::copyOf).toList();
        for (List<Cell> row : rows) {
            if (row.size() != columns.size()) {
                throw new IllegalArgumentException(
                        "table '" + caption + "' has " + columns.size() + " columns, but a row of " + row.size() + " cells");
            }
        }
    }

    /// A column; the cells of a `numeric` one are right-aligned.
    public record Column(String name, boolean numeric) {

        /// A column of text.
        public static Column text(String name) {
            return new Column(name, false);
        }

        /// A column of numbers.
        public static Column number(String name) {
            return new Column(name, true);
        }
    }

    /// A cell.
    ///
    /// @param text what is shown
    /// @param value the number that it is sorted by, or NaN to sort by its text
    public record Cell(String text, double value) {

        /// A cell of text.
        public static Cell text(String text) {
            return new Cell(text, Double.NaN);
        }

        /// A number with three significant digits.
        public static Cell number(double value) {
            return new Cell(Numbers.significant(value, 3), value);
        }

        /// An integer.
        public static Cell integer(long value) {
            return new Cell(Numbers.integer(value), value);
        }

        /// A fraction as a percentage with one decimal.
        public static Cell percent(double fraction) {
            return new Cell(Numbers.percent(fraction, 1), fraction);
        }
    }
}
