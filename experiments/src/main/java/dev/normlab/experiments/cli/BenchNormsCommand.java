package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.bench.MachinePeak;
import dev.normlab.experiments.bench.NormBenchmark;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.UserError;
import dev.normlab.lip.norm.Norm;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `bench norms`: the time of exact norms beside that of reading the weights.
@Command(name = "norms", sortOptions = false,
        description = "Measure the time of exact norms of convolutions on 32x32 images, beside that of reading the weights once.")
final class BenchNormsCommand implements Callable<Integer> {

    private static final double MOST_SECONDS = 60;

    @Mixin
    private final CommonOptions common;

    @Option(names = "--seconds", paramLabel = "S",
            description = "Measure each size for S seconds, twice; the median counts (default: 0.5).")
    private double seconds = 0.5;

    BenchNormsCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        if (!(seconds > 0 && seconds <= MOST_SECONDS)) {
            throw UserError.usage("--seconds: expected a number above 0 and up to " + MOST_SECONDS + ", but got " + seconds);
        }
        try (Device device = common.openCpu("bench norms")) {
            Progress progress = common.progress();
            List<NormBenchmark.Row> rows = new NormBenchmark(NormBenchmark.PAPER, seconds, MachinePeak.lastLevelCacheBytes()).run(device,
                    progress::update);
            progress.clear();
            table(rows, device).forEach(common::say);
            common.writeJson(json(rows, device));
            return 0;
        }
    }

    private static List<String> table(List<NormBenchmark.Row> rows, Device device) {
        List<String> lines = new ArrayList<>();
        lines.add(String.format(Locale.ROOT,
                "%s, %s kernels; medians of alternating turns; the ratio is to reading the weights once, same threads",
                Progress.threads(device.workers().threads()), device.kernels().name()));
        lines.add(String.format(Locale.ROOT, "%-14s %9s %-7s  %9s %7s  %9s %6s  %9s %6s", "convolution", "KiB", "in", "read ms", "GB/s",
                "l1 ms", "ratio",
                "linf ms", "ratio"));
        for (NormBenchmark.Row row : rows) {
            lines.add(String.format(Locale.ROOT, "%-14s %9d %-7s  %9.4f %7.1f  %9.4f %6.2f  %9.4f %6.2f", row.size(),
                    row.size().bytes() >> 10, place(row),
                    1000 * row.read(), row.size().bytes() / row.read() / 1e9, 1000 * row.l1(), row.ratio(Norm.L1), 1000 * row.linf(),
                    row.ratio(Norm.LINF)));
        }
        return lines;
    }

    private static String place(NormBenchmark.Row row) {
        return row.cached() ? "cache" : "memory";
    }

    private static Map<String, Object> json(List<NormBenchmark.Row> rows, Device device) {
        List<Map<String, Object>> list = new ArrayList<>();
        for (NormBenchmark.Row row : rows) {
            boolean read = !Double.isNaN(row.read());
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("convolution", row.size().toString());
            entry.put("bytes", row.size().bytes());
            entry.put("weights_in", place(row));
            entry.put("read_ms", read ? 1000 * row.read() : null);
            entry.put("l1_ms", 1000 * row.l1());
            entry.put("l1_ratio", read ? row.ratio(Norm.L1) : null);
            entry.put("linf_ms", 1000 * row.linf());
            entry.put("linf_ratio", read ? row.ratio(Norm.LINF) : null);
            list.add(entry);
        }
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("threads", device.workers().threads());
        json.put("device", device.kernels().name());
        json.put("norms", list);
        return json;
    }
}
