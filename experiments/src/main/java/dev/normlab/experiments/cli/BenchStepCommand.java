package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.bench.StepBenchmark;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.UserError;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `bench step`.
@Command(name = "step", description = "Measure training steps and inference in images per second, with the trainer's own step.",
        sortOptions = false)
final class BenchStepCommand implements Callable<Integer> {

    private static final double MEBIBYTE = 1 << 20;
    private static final int MOST_SECONDS = 3600;

    @Mixin
    private final CommonOptions common;

    @Option(names = "--model", paramLabel = "NAME", description = "Model (default: vgg11).")
    private String model = "vgg11";

    @Option(names = "--data", paramLabel = "SPEC", description = "Where the images come from (default: synthetic).")
    private String data = "synthetic";

    @Option(names = "--method", paramLabel = "NAME", description = "As for train (default: plain).")
    private String method = "plain";

    @Option(names = "--batch-size", paramLabel = "N", description = "Images of a step (default: 128).")
    private int batchSize = 128;

    @Option(names = "--warmup", paramLabel = "N", description = "Steps before measuring (default: 3).")
    private int warmup = 3;

    @Option(names = "--steps", paramLabel = "N", description = "Measured steps; the median counts (default: 10).")
    private int steps = 10;

    @Option(names = "--seconds", paramLabel = "S",
            description = "Measure training for S seconds and inference for half as long, at least 3 steps each, instead of --steps.")
    private double seconds;

    @Option(names = "--profile", description = "On a GPU: also let its profiler say what a training step does there. Compiles it again.")
    private boolean profile;

    BenchStepCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        DataOptions.requirePositive("--batch-size", batchSize);
        DataOptions.requirePositive("--steps", steps);
        if (warmup < 0) {
            throw UserError.usage("--warmup: expected a number of at least 0, but got " + warmup);
        }
        if (!(seconds >= 0 && seconds <= MOST_SECONDS)) {
            throw UserError.usage("--seconds: expected a number from 0 to " + MOST_SECONDS + ", but got " + seconds);
        }
        try (Device device = common.openDevice()) {
            if (profile && device.accelerator() == null) {
                throw UserError.usage("--profile: expected --device gpu, whose profiler is asked, but the device is " + device.computes());
            }
            StepBenchmark benchmark = new StepBenchmark(model, data, method, batchSize, common.seed());
            StepBenchmark.Duration duration = new StepBenchmark.Duration(warmup, steps, seconds);
            StepBenchmark.Result result = benchmark.run(device, duration);
            lines(result, device).forEach(common::say);
            Map<String, Object> json = json(result, device);
            try {
                if (profile) {
                    StepBenchmark.Profiled profiled = benchmark.profile(device, duration)
                            .orElseThrow(() -> UserError.failure("--profile: " + device.computes() + " has no profiler"));
                    common.say(line(profiled));
                    json.put("profile", json(profiled));
                }
            } finally {
                common.writeJson(json); // what was measured stays, whatever becomes of the profile
            }
            return 0;
        }
    }

    private static String line(StepBenchmark.Profiled profiled) {
        return String.format(Locale.ROOT,
                "with the device's profiler: a step takes %.2f ms, of which %.2f in kernels and %.2f beyond; %d bytes to the device, %d back",
                profiled.stepMillis(), profiled.kernelMillis(), profiled.beyondMillis(), profiled.bytesIn(), profiled.bytesOut());
    }

    private static Map<String, Object> json(StepBenchmark.Profiled profiled) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("step_ms", profiled.stepMillis());
        json.put("kernel_ms", profiled.kernelMillis());
        json.put("beyond_kernels_ms", profiled.beyondMillis());
        json.put("bytes_to_device", profiled.bytesIn());
        json.put("bytes_from_device", profiled.bytesOut());
        return json;
    }

    private List<String> lines(StepBenchmark.Result result, Device device) {
        String first = String.format(Locale.ROOT,
                "%s, batch %d, %s, %s, %s convolutions: training %.1f images/s (step %.1f ms), inference %.1f images/s",
                result.model(), batchSize, Progress.threads(device.workers().threads()),
                device.computes() + (device.accelerator() == null ? " kernels" : ""),
                device.convolutionMode(),
                result.trainImagesPerSecond(),
                result.stepMillis(), result.inferImagesPerSecond());
        String second = String.format(Locale.ROOT, "loss of the first step %.6f; it began after %.1f s and took %.1f s", result.firstLoss(),
                result.startSeconds(), result.firstStepSeconds());
        if (device.accelerator() != null) { // operations, repacks and intermediates are counted by the CPU's interpreter
            return List.of(first, second, String.format(Locale.ROOT, "a step: %s on the heap; peak resident memory of the host %s",
                    amount(result.allocatedBytesPerStep(), 1024, "KiB"), amount(result.trainPeakBytes(), MEBIBYTE, "MiB")));
        }
        String third = String.format(Locale.ROOT,
                "a step: %d operations, %d repacks, %s on the heap; intermediates %.0f MiB; peak resident memory %s",
                result.operationsPerStep().values().stream().mapToLong(Long::longValue).sum(), result.repacksPerStep(),
                amount(result.allocatedBytesPerStep(), 1024, "KiB"), result.poolBytes() / MEBIBYTE,
                amount(result.trainPeakBytes(), MEBIBYTE, "MiB"));
        return List.of(first, second, third);
    }

    private static String amount(OptionalLong bytes, double unit, String name) {
        return bytes.isPresent() ? String.format(Locale.ROOT, "%.0f %s", bytes.getAsLong() / unit, name) : "unknown";
    }

    private Map<String, Object> json(StepBenchmark.Result result, Device device) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("model", result.model());
        json.put("batch_size", batchSize);
        json.put("threads", device.workers().threads());
        json.put("device", device.computes());
        json.put("conv", device.convolutionMode().toString());
        json.put("train_images_per_second", result.trainImagesPerSecond());
        json.put("infer_images_per_second", result.inferImagesPerSecond());
        json.put("step_ms", result.stepMillis());
        json.put("infer_ms", result.inferMillis());
        json.put("loss", result.firstLoss());
        json.put("seconds_to_first_step", result.startSeconds());
        json.put("first_step_seconds", result.firstStepSeconds());
        json.put("repacks_per_step", result.repacksPerStep());
        json.put("allocated_bytes_per_step", orNull(result.allocatedBytesPerStep()));
        json.put("pool_bytes", result.poolBytes());
        json.put("train_peak_resident_bytes", orNull(result.trainPeakBytes()));
        json.put("peak_resident_bytes", orNull(result.peakBytes()));
        json.put("operations_per_step", result.operationsPerStep());
        return json;
    }

    private static @Nullable Long orNull(OptionalLong value) {
        return value.isPresent() ? value.getAsLong() : null;
    }
}
