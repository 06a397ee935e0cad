package dev.normlab.experiments.cli;

import dev.normlab.engine.io.AtomicFile;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.bench.NormBenchmark;
import dev.normlab.experiments.bench.SpeedTest;
import dev.normlab.experiments.bench.SpeedTest.Method;
import dev.normlab.experiments.bench.SpeedTest.Row;
import dev.normlab.experiments.bench.SpeedTest.Timing;
import dev.normlab.experiments.plot.Axis;
import dev.normlab.experiments.plot.BarChart;
import dev.normlab.experiments.plot.Figure;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.store.Json;
import dev.normlab.lip.spectral.SvdMethod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `experiment speed-test`: the paper's efficiency study.
@Command(name = "speed-test", sortOptions = false,
        description = "Time l1 and linf norms beside power iteration and the spectrum of singular value clipping, on six kernel sizes at 32x32.")
final class SpeedTestCommand implements Callable<Integer> {

    private static final int MOST_REPEATS = 1000;
    private static final double FIGURE_WIDTH = 900;
    private static final double SECONDS_OF_A_METHOD = 10;

    @Mixin
    private final CommonOptions common;

    @Option(names = "--repeats", paramLabel = "N",
            description = "Repeat slow methods N times, for ten seconds at most (default: 5). The paper takes 100.")
    private int repeats = 5;

    @Option(names = "--svd", paramLabel = "NAME",
            description = "gram, ejml-values, jacobi or ejml: how the spectrum is computed (default: gram).")
    private String svd = "gram";

    @Option(names = "--smoke", description = "The two smallest sizes, once: does it run?")
    private boolean smoke;

    @Option(names = "--dry-run", description = "Only say what would be timed.")
    private boolean dryRun;

    @Option(names = "--out", paramLabel = "DIR", description = "Write the result as speed-test.json and a figure as SVG and PNG.")
    private @Nullable Path out;

    SpeedTestCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        if (repeats < 1 || repeats > MOST_REPEATS) {
            throw UserError.usage("--repeats: expected a number from 1 to " + MOST_REPEATS + ", but got " + repeats);
        }
        SvdMethod method = SvdNames.parse(svd);
        List<NormBenchmark.Size> sizes = smoke ? NormBenchmark.PAPER.subList(0, 2) : NormBenchmark.PAPER;
        if (dryRun) {
            return plan(sizes, method);
        }
        try (Device device = common.openCpu("experiment speed-test")) {
            Progress progress = common.progress();
            List<Row> rows = new SpeedTest(sizes, smoke ? 1 : repeats, method, common.seed()).run(device, progress::update);
            progress.clear();
            table(rows, device, method).forEach(common::say);
            Map<String, Object> json = json(rows, device, method);
            if (out != null) {
                Files.createDirectories(out);
                AtomicFile.writeText(out.resolve("speed-test.json"), Json.document(json));
                AtomicFile.writeText(out.resolve("speed-test.svg"), figure(rows).toSvgFile(FIGURE_WIDTH));
                byte[] png = figure(rows).toPng(FIGURE_WIDTH, 2);
                AtomicFile.write(out.resolve("speed-test.png"), stream -> stream.write(png));
            }
            common.writeJson(json);
            return 0;
        }
    }

    private int plan(List<NormBenchmark.Size> sizes, SvdMethod spectrum) throws IOException {
        List<String> methods = Arrays.stream(Method.values()).map(Method::label).toList();
        common.say(
                sizes.size() + " convolutions on 32x32 images: " + sizes.stream().map(Object::toString).collect(Collectors.joining(", ")));
        common.say("each timed with " + String.join(", ", methods) + "; slow methods up to " + (smoke ? 1 : repeats)
                + " times and for ten seconds at most, spectrum by " + spectrum.label());
        double most = (double) sizes.size() * methods.size() * SECONDS_OF_A_METHOD;
        common.say("at most about " + Progress.duration(most) + " for the repetitions, and one run of each method where that takes longer");
        common.writeJson(Map.of("sizes", sizes.stream().map(Object::toString).toList(), "methods", methods, "repeats",
                smoke ? 1 : repeats));
        return 0;
    }

    private static List<String> table(List<Row> rows, Device device, SvdMethod svd) {
        List<String> lines = new ArrayList<>();
        lines.add(String.format(Locale.ROOT, "%d threads, %s kernels, spectrum by %s; milliseconds: median (quartiles)",
                device.workers().threads(),
                device.kernels().name(), svd.label()));
        StringBuilder head = new StringBuilder(String.format(Locale.ROOT, "%-13s", "convolution"));
        for (Method method : Method.values()) {
            head.append(String.format(Locale.ROOT, "  %28s", method.label()));
        }
        lines.add(head.append(String.format(Locale.ROOT, "  %12s", "SVC : l1")).toString());
        for (Row row : rows) {
            StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-13s", row.size()));
            for (Method method : Method.values()) {
                line.append(String.format(Locale.ROOT, "  %28s", milliseconds(row.of(method))));
            }
            lines.add(line.append(String.format(Locale.ROOT, "  %12.0f", row.timesL1(Method.SVC))).toString());
        }
        lines.add("");
        lines.add(String.format(Locale.ROOT, "%-13s  %12s  %12s  %12s  %14s  %18s  %12s  %10s  %10s", "norms", "l1", "linf", "l2 (Lanczos)",
                "power (steps)",
                "published (steps)", "l2 circular", "l1 error", "linf error"));
        rows.forEach(row -> lines.add(values(row)));
        double[] ratios = rows.stream().mapToDouble(row -> row.timesL1(Method.SVC)).sorted().toArray();
        lines.add(String.format(Locale.ROOT, "the l1 norm is %.0f to %.0f times as fast as the spectrum of singular value clipping",
                ratios[0],
                ratios[ratios.length - 1]));
        return lines;
    }

    private static String milliseconds(Timing timing) {
        double median = 1000 * timing.seconds().median();
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

    private static Figure figure(List<Row> rows) {
        List<BarChart.Series> series = new ArrayList<>();
        for (Method method : Method.values()) {
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

    private static Map<String, Object> json(List<Row> rows, Device device, SvdMethod svd) {
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
        json.put("threads", device.workers().threads());
        json.put("kernels", device.kernels().name());
        json.put("svd", svd.label());
        json.put("sizes", list);
        return json;
    }
}
