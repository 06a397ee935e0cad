package dev.normlab.experiments.cli;

import dev.normlab.attacks.ThreatModel;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.bench.AttackBenchmark;
import dev.normlab.experiments.run.DataSource;
import dev.normlab.experiments.run.Fractions;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.nn.data.Dataset;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `bench attack`.
@Command(name = "attack", sortOptions = false,
        description = "Measure Auto-PGD (cross entropy) on one batch of test images: images times steps per second, the share of its time that "
                + "as many passes forward and backward take alone, and garbage on the heap.")
final class BenchAttackCommand implements Callable<Integer> {

    @Mixin
    private final CommonOptions common;

    @Mixin
    private final ModelOptions models = new ModelOptions();

    @Option(names = "--data", paramLabel = "SPEC", description = "Where the images come from (default: synthetic).")
    private String data = "synthetic";

    @Option(names = "--batch-size", paramLabel = "N", description = "Images (default: 128).")
    private int batchSize = 128;

    @Option(names = "--norm", paramLabel = "NAME", description = "linf, l2 or l1 (default: linf).")
    private String norm = "linf";

    @Option(names = "--eps", paramLabel = "SIZE", description = "Size of the perturbation (default: 8/255).")
    private String eps = "8/255";

    @Option(names = "--steps", paramLabel = "N", description = "Steps of the attack that is timed (default: 20).")
    private int steps = 20;

    BenchAttackCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        DataOptions.requirePositive("--batch-size", batchSize);
        DataOptions.requirePositive("--steps", steps);
        ThreatModel threat;
        try {
            threat = new ThreatModel(ThreatModel.Ball.parse(norm), Fractions.parse("--eps", eps));
        } catch (IllegalArgumentException e) {
            throw UserError.usage("--norm, --eps: " + e.getMessage());
        }
        try (Device device = common.openDevice()) {
            Weights weights = models.load(common.seed());
            Dataset images = DataSource.load(data).test();
            if (images.size() < batchSize) {
                throw UserError.usage("--batch-size: the data has only " + images.size() + " test images");
            }
            Weights.summarize(weights.model(), images.shape(), device);
            AttackBenchmark.Result result = new AttackBenchmark(weights.model(), images.first(batchSize), threat, steps).run(device);
            common.say(String.format(Locale.ROOT,
                    "apgd-ce, %s, batch %d, %s, %s convolutions: %.1f images x steps/s, %.2f s, of which as many passes alone take %.1f%%, %s on the heap a step",
                    weights.spec(), batchSize, Progress.threads(device.workers().threads()), device.convolutionMode(),
                    result.imageStepsPerSecond(),
                    result.seconds(), 100 * result.passShare(), amount(result.allocatedBytesPerStep())));
            common.writeJson(json(weights, result, device));
            return 0;
        }
    }

    private static String amount(OptionalDouble bytes) {
        if (bytes.isPresent() && bytes.getAsDouble() < 0) {
            return "nothing that can be told from noise";
        }
        return bytes.isPresent() ? String.format(Locale.ROOT, "%.0f KiB", bytes.getAsDouble() / 1024) : "an unknown amount";
    }

    private Map<String, Object> json(Weights weights, AttackBenchmark.Result result, Device device) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("model", weights.spec().toString());
        json.put("attack", "apgd-ce");
        json.put("norm", norm);
        json.put("batch_size", batchSize);
        json.put("steps", steps);
        json.put("threads", device.workers().threads());
        json.put("device", device.computes());
        json.put("conv", device.convolutionMode().toString());
        json.put("image_steps_per_second", result.imageStepsPerSecond());
        json.put("seconds", result.seconds());
        json.put("pass_share", result.passShare());
        json.put("allocated_bytes_per_step", result.allocatedBytesPerStep().orElse(Double.NaN));
        return json;
    }
}
