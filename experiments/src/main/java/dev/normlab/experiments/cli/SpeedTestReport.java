package dev.normlab.experiments.cli;

import dev.normlab.engine.io.AtomicFile;
import dev.normlab.experiments.bench.NormBenchmark;
import dev.normlab.experiments.bench.SpeedTest.Method;
import dev.normlab.experiments.bench.SpeedTest.Repeats;
import dev.normlab.experiments.bench.SpeedTest.Row;
import dev.normlab.experiments.bench.SpeedTest.Timing;
import dev.normlab.experiments.plot.Axis;
import dev.normlab.experiments.plot.BarChart;
import dev.normlab.experiments.plot.Figure;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.report.ExportedTable;
import dev.normlab.experiments.report.ReportFiles;
import dev.normlab.experiments.report.ReportPage;
import dev.normlab.experiments.report.Table;
import dev.normlab.experiments.report.Table.Cell;
import dev.normlab.experiments.report.Table.Column;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.store.Json;
import dev.normlab.experiments.study.StudyFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// What came out of the efficiency study: for the console, as JSON, as tables and a figure, and as a page.
///
/// @param rows    one per kernel size
/// @param threads that computed
/// @param kernels what they computed with
/// @param svd     how the spectrum was computed
/// @param repeats how often each method was timed
record SpeedTestReport(List<Row> rows, int threads, String kernels, String svd, Repeats repeats) {

    private static final String NAME = "speed-test";
    // Kernels of a GPU take less than starting their programs varies.
    private static final String TOO_SHORT = "-";

    /// How often methods are timed, in words.
    static String described(Repeats repeats) {
        if (repeats.equals(Repeats.PAPER)) {
            return "every method 100 times, as in the paper";
        }
        return (repeats.count() == 1
                ? "slow methods once"
                : "slow methods up to " + repeats.count() + " times and for " + Numbers.significant(repeats.mostSeconds(), 2)
                        + " seconds at most, but once at least")
                + " (the paper: 100 times)";
    }

    /// Writes `speed-test.json`, both tables as CSV, Markdown and LaTeX, the figure as SVG and PNG, and `report.html`.
    ///
    /// @throws IOException if a file cannot be written
    void write(Path folder) throws IOException {
        Files.createDirectories(folder);
        AtomicFile.writeText(folder.resolve(NAME + ".json"), Json.document(json()));
        Map<String, ExportedTable> tables = new LinkedHashMap<>();
        tables.put(NAME, new ExportedTable(times(), timesData()));
        tables.put(NAME + "-values", new ExportedTable(values(), valuesData()));
        ReportFiles.writeTables(folder, tables);
        ReportFiles.writeFigures(folder, Map.of(NAME, figure()));
        AtomicFile.writeText(folder.resolve(StudyFolder.REPORT_FILE), page());
    }

    private String page() {
        ReportPage page = new ReportPage("Speed test of norms", "The time of the exact l1 and linf norms of single convolutions on 32x32 "
                + "images beside that of iterations for the largest singular value and of the spectrum that singular value clipping "
                + "needs. " + circumstances() + " In this run " + ratio() + ".");
        page.section("Times").table(times()).figure(figure(), ReportPage.Width.FULL,
                "Median time in milliseconds of every method, with quartiles, on a logarithmic axis: only the ends of bars mean something.");
        ReportPage.Section found = page.section("What was found").table(values());
        onGpu().ifPresent(text -> found.paragraph(text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1) + "."));
        return page.footer("Made by normlab. This page is one file and loads nothing from the network. The tables and the figure are files "
                + "beside it.").toHtml();
    }

    private String circumstances() {
        return Progress.threads(threads) + ", " + kernels + " kernels, spectrum by " + svd + "; " + described(repeats)
                + ".";
    }

    private String ratio() {
        double[] ratios = rows.stream().mapToDouble(row -> row.timesL1(Method.SVC)).sorted().toArray();
        return String.format(Locale.ROOT, "the l1 norm is %.0f to %.0f times as fast as the spectrum of singular value clipping",
                ratios[0], ratios[ratios.length - 1]);
    }

    /// The paper's table 1: one row per kernel size, one column per method.
    private Table times() {
        List<Column> columns = new ArrayList<>(List.of(Column.text("convolution")));
        methods().forEach(method -> columns.add(Column.number(method.label() + ", ms")));
        columns.add(Column.number("SVC : l1"));
        List<List<Cell>> cells = new ArrayList<>();
        for (Row row : rows) {
            List<Cell> line = new ArrayList<>(List.of(Cell.text(row.size().toString())));
            for (Method method : methods()) {
                Timing timing = row.of(method);
                line.add(
                        timing.seconds().median() <= 0
                                ? Cell.text(TOO_SHORT)
                                : new Cell(
                                        Numbers.significant(milliseconds(timing, 0.5), 3) + " ("
                                                + Numbers.significant(milliseconds(timing, 0.25),
                                                        3)
                                                + " to " + Numbers.significant(milliseconds(timing, 0.75), 3) + ")",
                                        milliseconds(timing, 0.5)));
            }
            line.add(Cell.number(row.timesL1(Method.SVC)));
            cells.add(line);
        }
        return new Table("Milliseconds for norms of one convolution on 32x32 images: medians, with quartiles in parentheses. "
                + circumstances(), columns, cells, true);
    }

    /// The same with every number in a column of its own.
    private Table timesData() {
        List<Column> columns = sizeColumns();
        for (Method method : methods()) {
            for (String what : List.of("ms", "ms_quartile_1", "ms_quartile_3", "repeats")) {
                columns.add(Column.number(key(method) + "_" + what));
            }
        }
        columns.add(Column.number("svc_to_l1"));
        List<List<Cell>> cells = new ArrayList<>();
        for (Row row : rows) {
            List<Cell> line = sizeCells(row.size());
            for (Method method : methods()) {
                Timing timing = row.of(method);
                line.addAll(List.of(Cell.number(milliseconds(timing, 0.5)), Cell.number(milliseconds(timing, 0.25)),
                        Cell.number(milliseconds(timing, 0.75)), Cell.integer(timing.seconds().size())));
            }
            line.add(Cell.number(row.timesL1(Method.SVC)));
            cells.add(line);
        }
        return new Table("Milliseconds for norms of one convolution.", columns, cells, false);
    }

    private static double milliseconds(Timing timing, double quantile) {
        return 1000 * timing.seconds().quantile(quantile);
    }

    /// What the methods found.
    private Table values() {
        List<Column> columns = List.of(Column.text("convolution"), Column.number("l1"), Column.number("linf"),
                Column.number("l2 (Lanczos)"), Column.number("power (steps)"), Column.number("power, published (steps)"),
                Column.number("l2, circular"), Column.number("l1 error"), Column.number("linf error"));
        List<List<Cell>> cells = rows.stream().map(row -> List.of(Cell.text(row.size().toString()),
                value(row.of(Method.L1), false), value(row.of(Method.LINF), false), value(row.of(Method.LANCZOS), false),
                value(row.of(Method.POWER), true), value(row.of(Method.POWER_PUBLISHED), true), value(row.of(Method.SVC), false),
                Cell.text(error(row.of(Method.L1).value(), row.truth().l1())),
                Cell.text(error(row.of(Method.LINF).value(), row.truth().linf())))).toList();
        return new Table("The norms that were found: exact ones, largest singular values with steps of the iteration, and relative "
                + "differences from sums by brute force.", columns, cells, true);
    }

    private static Cell value(Timing timing, boolean withSteps) {
        return new Cell(Numbers.significant(timing.value(), 6) + (withSteps ? " (" + timing.steps() + ")" : ""), timing.value());
    }

    private Table valuesData() {
        List<Column> columns = sizeColumns();
        for (Method method : methods()) {
            columns.addAll(List.of(Column.number(key(method) + "_value"), Column.number(key(method) + "_steps")));
        }
        columns.addAll(List.of(Column.number("brute_force_l1"), Column.number("brute_force_linf")));
        List<List<Cell>> cells = new ArrayList<>();
        for (Row row : rows) {
            List<Cell> line = sizeCells(row.size());
            for (Method method : methods()) {
                line.addAll(List.of(Cell.number(row.of(method).value()), Cell.integer(row.of(method).steps())));
            }
            line.addAll(List.of(Cell.number(row.truth().l1()), Cell.number(row.truth().linf())));
            cells.add(line);
        }
        return new Table("The norms that were found.", columns, cells, false);
    }

    private static List<Column> sizeColumns() {
        return new ArrayList<>(List.of(Column.text("convolution"), Column.number("kernel"), Column.number("inputs"),
                Column.number("outputs")));
    }

    private static List<Cell> sizeCells(NormBenchmark.Size size) {
        return new ArrayList<>(List.of(Cell.text(size.toString()), Cell.integer(size.kernel()), Cell.integer(size.inputs()),
                Cell.integer(size.outputs())));
    }

    private List<Method> methods() {
        return rows.getFirst().methods();
    }

    private static String key(Method method) {
        return method.name().toLowerCase(Locale.ROOT);
    }

    /// The tables for the console.
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add(String.format(Locale.ROOT, "%s, %s kernels, spectrum by %s; milliseconds: median (quartiles)",
                Progress.threads(threads), kernels, svd));
        StringBuilder head = new StringBuilder(String.format(Locale.ROOT, "%-13s", "convolution"));
        for (Method method : methods()) {
            head.append(String.format(Locale.ROOT, "  %28s", method.label()));
        }
        lines.add(head.append(String.format(Locale.ROOT, "  %12s", "SVC : l1")).toString());
        for (Row row : rows) {
            StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-13s", row.size()));
            for (Method method : methods()) {
                line.append(String.format(Locale.ROOT, "  %28s", milliseconds(row.of(method))));
            }
            lines.add(line.append(String.format(Locale.ROOT, "  %12.0f", row.timesL1(Method.SVC))).toString());
        }
        lines.add("");
        lines.add(String.format(Locale.ROOT, "%-13s  %12s  %12s  %12s  %14s  %18s  %12s  %10s  %10s", "norms", "l1", "linf", "l2 (Lanczos)",
                "power (steps)",
                "published (steps)", "l2 circular", "l1 error", "linf error"));
        rows.forEach(row -> lines.add(values(row)));
        onGpu().ifPresent(lines::add);
        lines.add(ratio());
        return lines;
    }

    /// How far what a GPU found is from what the CPU found.
    private Optional<String> onGpu() {
        if (!methods().contains(Method.GPU_L1)) {
            return Optional.empty();
        }
        return Optional.of(String.format(Locale.ROOT, "on the GPU l1, linf and power differ from the CPU's by %.1e, %.1e and %.1e at most",
                difference(Method.L1, Method.GPU_L1), difference(Method.LINF, Method.GPU_LINF),
                difference(Method.POWER, Method.GPU_POWER)));
    }

    private double difference(Method cpu, Method gpu) {
        return rows.stream().mapToDouble(row -> Math.abs(row.of(gpu).value() - row.of(cpu).value()) / row.of(cpu).value()).max().orElse(0);
    }

    private static String milliseconds(Timing timing) {
        double median = 1000 * timing.seconds().median();
        if (median <= 0) {
            return TOO_SHORT;
        }
        String format = median < 1 ? "%.4f (%.4f-%.4f)" : median < 100 ? "%.2f (%.2f-%.2f)" : "%.0f (%.0f-%.0f)";
        return String.format(Locale.ROOT, format, median, 1000 * timing.seconds().quantile(0.25), 1000 * timing.seconds().quantile(0.75));
    }

    private static String values(Row row) {
        return String.format(Locale.ROOT, "%-13s  %12.4f  %12.4f  %12.5f  %14s  %18s  %12.5f  %10s  %10s", row.size(),
                row.of(Method.L1).value(),
                row.of(Method.LINF).value(), row.of(Method.LANCZOS).value(), iterated(row.of(Method.POWER)),
                iterated(row.of(Method.POWER_PUBLISHED)), row.of(Method.SVC).value(),
                error(row.of(Method.L1).value(), row.truth().l1()), error(row.of(Method.LINF).value(), row.truth().linf()));
    }

    private static String iterated(Timing timing) {
        return String.format(Locale.ROOT, "%.4f (%d)", timing.value(), timing.steps());
    }

    /// The relative difference from brute force.
    private static String error(double value, double truth) {
        return Double.isNaN(truth) ? "not tried" : String.format(Locale.ROOT, "%.1e", Math.abs(value - truth) / truth);
    }

    /// Bars of all times.
    Figure figure() {
        List<BarChart.Series> series = new ArrayList<>();
        for (Method method : methods()) {
            series.add(new BarChart.Series(method.label(), series.size(), rows.stream().map(row -> {
                Timing timing = row.of(method);
                return new BarChart.Bar(1000 * timing.seconds().median(), 1000 * timing.seconds().quantile(0.25),
                        1000 * timing.seconds().quantile(0.75));
            }).toList()));
        }
        return new BarChart("Time of the norms of one convolution on 32x32 images", "Medians with quartiles, on a logarithmic axis.",
                "convolution",
                Axis.log("milliseconds"), rows.stream().map(row -> row.size().toString()).toList(), series);
    }

    /// The result for other programs.
    Map<String, Object> json() {
        List<Map<String, Object>> list = new ArrayList<>();
        for (Row row : rows) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("convolution", row.size().toString());
            row.timings().forEach((method, timing) -> {
                Map<String, Object> times = new LinkedHashMap<>();
                times.put("median_ms", 1000 * timing.seconds().median());
                times.put("quartiles_ms", List.of(1000 * timing.seconds().quantile(0.25), 1000 * timing.seconds().quantile(0.75)));
                times.put("range_ms", List.of(1000 * timing.seconds().min(), 1000 * timing.seconds().max()));
                times.put("repeats", timing.seconds().size());
                times.put("value", timing.value());
                times.put("steps", timing.steps());
                entry.put(method.name().toLowerCase(Locale.ROOT), times);
            });
            entry.put("svc_to_l1", row.timesL1(Method.SVC));
            entry.put("brute_force_l1", row.truth().l1());
            entry.put("brute_force_linf", row.truth().linf());
            list.add(entry);
        }
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("threads", threads);
        json.put("kernels", kernels);
        json.put("svd", svd);
        json.put("repeats", repeats.count());
        json.put("sizes", list);
        return json;
    }
}
