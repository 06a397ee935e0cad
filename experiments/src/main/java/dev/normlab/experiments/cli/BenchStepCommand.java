package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.StepBenchmark;
import dev.normlab.experiments.run.UserError;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `bench step`.
@Command(name = "step", description = "Measure training steps and inference in images per second, with the trainer's own step.",
        sortOptions = false)
final class BenchStepCommand implements Callable<Integer> {

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
        try (Device device = common.openDevice()) {
            StepBenchmark.Result result = new StepBenchmark(model, data, method, batchSize, common.seed()).run(device, warmup, steps);
            common.say(String.format(Locale.ROOT,
                    "%s, batch %d, %d threads, %s kernels: training %.1f images/s (step %.1f ms), inference %.1f images/s",
                    result.model(), batchSize, device.workers().threads(), device.kernels().name(), result.trainImagesPerSecond(),
                    result.stepMillis(), result.inferImagesPerSecond()));
            common.say(String.format(Locale.ROOT, "loss of the first step %.6f, repacks a step %d, pool %.0f MiB", result.firstLoss(),
                    result.repacksPerStep(), result.poolBytes() / 1048576.0));
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("model", result.model());
            json.put("batch_size", batchSize);
            json.put("threads", device.workers().threads());
            json.put("device", device.kernels().name());
            json.put("train_images_per_second", result.trainImagesPerSecond());
            json.put("infer_images_per_second", result.inferImagesPerSecond());
            json.put("step_ms", result.stepMillis());
            json.put("loss", result.firstLoss());
            json.put("repacks_per_step", result.repacksPerStep());
            json.put("pool_bytes", result.poolBytes());
            common.writeJson(json);
            return 0;
        }
    }
}
