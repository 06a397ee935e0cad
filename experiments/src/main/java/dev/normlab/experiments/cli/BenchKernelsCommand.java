package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.Accelerator;
import dev.normlab.engine.kernel.ConvolutionAlgorithm;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.bench.KernelBenchmark;
import dev.normlab.experiments.bench.KernelBenchmark.Result;
import dev.normlab.experiments.bench.KernelBenchmark.Row;
import dev.normlab.experiments.bench.MachinePeak;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.nn.model.ModelSpec;
import java.io.IOException;
import java.util.ArrayList;
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

/// `bench kernels`: each kernel beside the machine's peak.
@Command(name = "kernels", sortOptions = false,
        description = "Measure every distinct operation of some networks, and the share of this machine's peak that it reaches.")
final class BenchKernelsCommand implements Callable<Integer> {

    private static final String HEADER = """
            Convolutions and matrix products: nominal GFLOP/s, 2 n o oh ow (c/groups) kh kw for each of forward, dx and dw, padding included; the share is of
            the multiply-adds on registers of all threads. Parameters count as new in every run: rearranging them is part of the time.
            Everything else: GB/s, every operand read once and every result written once, without layout padding; operands rotate through four times the
            last-level cache; the share is of the faster of copy and triad c = a + 3 b (of read for what hardly writes, of update a = -a for what works in
            place: stores to new tensors read their cache lines first, which is not counted), none where all fits into the caches.
            Times are medians of alternating rounds.""";

    private static final long GPU_CACHE_MEBIBYTES = 128;
    private static final String ACCELERATOR_HEADER = """
            Convolutions and matrix products: nominal GFLOP/s, 2 n o oh ow (c/groups) kh kw for each of forward, dx and dw, padding included; the share is of
            --peak. Everything else: GB/s, every operand read once and every result written once; the share is of y = -x, none where all fits into the cache.
            A time is what a program of 1 + 8 such operations takes longer than one of 1, divided by 8: kernels and their launches, without starting the program and
            without transfers; - where that is too short. Updates by SGD are one launch in both. Medians.""";

    @Mixin
    private final CommonOptions common;

    @Option(names = "--models", paramLabel = "LIST", split = ",",
            description = "Networks whose operations are measured (default: resnet18,vgg11,regnetx200mf).")
    private List<String> models = List.of("resnet18", "vgg11", "regnetx200mf");

    @Option(names = "--filter", paramLabel = "TEXT",
            description = "Only operations whose names contain this text, for example 3x3 or pool.")
    private String filter = "";

    @Option(names = "--batch-size", paramLabel = "N", description = "Images of a step (default: 128).")
    private int batchSize = 128;

    @Option(names = "--rounds", paramLabel = "N", description = "Repetitions; the median counts (default: 7).")
    private int rounds = 7;

    @Option(names = "--cache", paramLabel = "MIB",
            description = "Size of the last-level cache (default: what the system says, or 32; of a GPU 128).")
    private @Nullable Long givenCache;

    @Option(names = "--peak", paramLabel = "GFLOPS",
            description = "What a GPU reaches at most in single precision, from its data sheet; shares of arithmetic are of it.")
    private double peakGflops;

    @Option(names = "--all", description = "List also what touches less than 64 KiB.")
    private boolean all;

    BenchKernelsCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        DataOptions.requirePositive("--batch-size", batchSize);
        DataOptions.requirePositive("--rounds", rounds);
        boolean onGpu = common.deviceName().startsWith("gpu");
        long most = onGpu ? 512 : 4096;
        long cacheMebibytes = givenCache != null ? givenCache : onGpu ? GPU_CACHE_MEBIBYTES : MachinePeak.lastLevelCacheBytes() >> 20;
        if (cacheMebibytes < 1 || cacheMebibytes > most) {
            throw UserError.usage("--cache: expected mebibytes from 1 to " + most + ", but got " + cacheMebibytes);
        }
        if (peakGflops != 0 && !(onGpu && peakGflops > 0)) {
            throw UserError.usage(
                    "--peak: expected a GPU's GFLOP/s, above 0, beside --device gpu (a CPU's peak is measured), but got " + peakGflops);
        }
        List<ModelSpec> specs = models.stream().map(model -> Weights.parseFor("--models", model)).toList();
        try (Device device = common.openDevice()) {
            Progress progress = common.progress();
            Result result = new KernelBenchmark(specs, batchSize, rounds, cacheMebibytes << 20, peakGflops).run(device, filter,
                    progress::update);
            progress.clear();
            if (result.rows().isEmpty() && result.failures().isEmpty()) {
                throw UserError.usage("--filter: no operation of these networks has '" + filter + "' in its name");
            }
            table(result, device, specs).forEach(common::say);
            result.failures().forEach(failure -> common.say("failed: " + failure));
            common.writeJson(json(result, device));
            return result.failures().isEmpty() ? 0 : 1;
        }
    }

    private List<String> header(Result result, Device device) {
        MachinePeak.Rates peak = result.peak();
        List<String> lines = new ArrayList<>();
        Accelerator accelerator = device.accelerator();
        if (accelerator != null) {
            lines.add(String.format(Locale.ROOT, "batch %d, %s", batchSize, accelerator.describe()));
            lines.add(String.format(Locale.ROOT, "memory: y = -x of %d MiB at %.1f GB/s; last-level cache %d MiB%s",
                    result.arrayBytes() >> 20,
                    peak.copy(), result.cacheBytes() >> 20,
                    peakGflops > 0 ? String.format(Locale.ROOT, "; peak %.0f GFLOP/s as given", peakGflops) : ""));
            ACCELERATOR_HEADER.lines().forEach(lines::add);
            return lines;
        }
        lines.add(String.format(Locale.ROOT, "batch %d, %s, %s kernels, %s convolutions", batchSize,
                Progress.threads(device.workers().threads()),
                device.kernels().name(),
                device.convolutionMode()));
        lines.add(String.format(Locale.ROOT,
                "multiply-adds %.1f GFLOP/s one thread, %.1f all; memory GB/s, all threads, arrays of %d MiB: read %.1f, "
                        + "update %.1f, copy %.1f, triad %.1f, System.arraycopy %.1f; last-level cache %d MiB",
                peak.oneThread(), peak.allThreads(),
                result.arrayBytes() >> 20, peak.read(), peak.update(), peak.copy(), peak.triad(), peak.arrayCopy(),
                result.cacheBytes() >> 20));
        HEADER.lines().forEach(lines::add);
        return lines;
    }

    private List<String> table(Result result, Device device, List<ModelSpec> specs) {
        List<String> lines = header(result, device);
        List<Row> listed = result.rows().stream().filter(row -> all || !row.small()).toList();
        int width = listed.stream().mapToInt(row -> row.name().length()).max().orElse(10);
        lines.add(String.format(Locale.ROOT, "%-" + width + "s  %10s  %8s %-7s %6s  %s", "operation", "ms", "rate", "", "share",
                "in a step of"));
        for (Row row : listed) {
            lines.add(String.format(Locale.ROOT, "%-" + width + "s  %10s  %8s %-7s %6s  %s%s", row.name(),
                    row.seconds() > 0 ? String.format(Locale.ROOT, "%.4f", 1000 * row.seconds()) : "-",
                    row.seconds() > 0 ? String.format(Locale.ROOT, "%.1f", row.rate()) : "-", unit(row),
                    Double.isNaN(row.share()) ? "" : String.format(Locale.ROOT, "%.0f%%", 100 * row.share()),
                    occurrences(row) + algorithm(row),
                    row.repacks() > 0 ? ", repacks " + row.repacks() : ""));
        }
        if (listed.size() < result.rows().size()) {
            lines.add(result.rows().size() - listed.size() + " operations on less than 64 KiB each are not listed (--all lists them)");
        }
        if (filter.isEmpty()) {
            for (ModelSpec spec : specs) {
                double training = result.sum(spec.name(), true), inference = result.sum(spec.name(), false);
                if (training == 0 || inference == 0) {
                    continue;
                }
                lines.add(String.format(Locale.ROOT, "sum of %s: training step %.1f ms (%.1f images/s), inference %.1f ms (%.1f images/s)",
                        spec.name(), 1000 * training, batchSize / training, 1000 * inference, batchSize / inference));
            }
        }
        return lines;
    }

    private static String unit(Row row) {
        return row.work().isArithmetic() ? "GFLOP/s" : "GB/s";
    }

    private static String algorithm(Row row) {
        return row.algorithm().filter(algorithm -> algorithm != ConvolutionAlgorithm.DIRECT).map(algorithm -> ", " + algorithm).orElse("");
    }

    private static String occurrences(Row row) {
        Map<String, Integer> counts = row.training().isEmpty() ? row.inference() : row.training();
        String text = counts.entrySet().stream().map(entry -> entry.getKey() + " x" + entry.getValue()).collect(Collectors.joining(", "));
        return row.training().isEmpty() ? text + " (inference)" : text;
    }

    private Map<String, Object> json(Result result, Device device) {
        MachinePeak.Rates peak = result.peak();
        Map<String, Object> machine = new LinkedHashMap<>();
        Accelerator accelerator = device.accelerator();
        if (accelerator != null) {
            machine.put("accelerator", accelerator.describe());
            machine.put("given_peak_gflops", peakGflops > 0 ? peakGflops : null);
            machine.put("negate_gb_per_second", peak.copy());
        } else {
            machine.put("gflops_one_thread", peak.oneThread());
            machine.put("gflops_all_threads", peak.allThreads());
            machine.put("read_gb_per_second", peak.read());
            machine.put("update_gb_per_second", peak.update());
            machine.put("copy_gb_per_second", peak.copy());
            machine.put("triad_gb_per_second", peak.triad());
            machine.put("array_copy_gb_per_second", peak.arrayCopy());
        }
        machine.put("cache_bytes", result.cacheBytes());
        List<Map<String, Object>> rows = new ArrayList<>();
        for (Row row : result.rows()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", row.name());
            entry.put("opcode", row.opcode());
            row.convolution().ifPresent(sizes -> entry.put("sizes", sizes));
            row.algorithm().ifPresent(algorithm -> entry.put("algorithm", algorithm.toString()));
            entry.put("ms", row.seconds() > 0 ? 1000 * row.seconds() : null);
            entry.put("unit", unit(row));
            entry.put("rate", row.seconds() > 0 ? row.rate() : null);
            entry.put("share", Double.isNaN(row.share()) ? null : row.share());
            entry.put("operations", row.work().operations());
            entry.put("read_bytes", row.work().readBytes());
            entry.put("written_bytes", row.work().writtenBytes());
            entry.put("repacks", row.repacks());
            entry.put("training", row.training());
            entry.put("inference", row.inference());
            rows.add(entry);
        }
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("batch_size", batchSize);
        json.put("threads", device.workers().threads());
        json.put("device", accelerator != null ? device.computes() : device.kernels().name());
        json.put("conv", device.convolutionMode().toString());
        json.put("machine", machine);
        json.put("kernels", rows);
        json.put("failures", result.failures());
        return json;
    }
}
