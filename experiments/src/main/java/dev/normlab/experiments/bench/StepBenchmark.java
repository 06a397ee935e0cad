package dev.normlab.experiments.bench;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.experiments.run.DataSource;
import dev.normlab.experiments.run.Method;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.experiments.stats.Sample;
import dev.normlab.nn.data.Augmentation;
import dev.normlab.nn.data.Batch;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.model.ModelSpec;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.Evaluator;
import dev.normlab.nn.train.TrainingStep;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/// Times the trainer's own step on the batch that `train` would begin with, and inference on the same images.
public final class StepBenchmark {

    private static final int LEAST_STEPS = 3;

    private final String model;
    private final String data;
    private final String method;
    private final int batchSize;
    private final long seed;

    /// How long to measure.
    ///
    /// @param warmup  steps before
    /// @param steps   that are measured, if `seconds` is 0
    /// @param seconds to measure training, and half as long inference, at least three steps each; 0 to count steps
    public record Duration(int warmup, int steps, double seconds) {}

    /// What was measured.
    ///
    /// @param trainImagesPerSecond  from the median step
    /// @param inferImagesPerSecond  from the median evaluation of the batch
    /// @param stepMillis            the median step
    /// @param inferMillis           the median evaluation
    /// @param startSeconds          from the start of the virtual machine to the first step
    /// @param firstStepSeconds      of the first step, recording and compiling included
    /// @param firstLoss             of the first step, as `train` with the same settings reports it
    /// @param repacksPerStep        copies between memory layouts in a training step
    /// @param operationsPerStep     how often a training step calls each operation
    /// @param allocatedBytesPerStep heap that all threads together allocate in a training step; empty where it is not counted
    /// @param poolBytes             memory of all intermediates
    /// @param trainPeakBytes        the process's largest resident set until the end of training; empty where the system does not say it
    /// @param peakBytes             the same, inference included
    public record Result(String model, double trainImagesPerSecond, double inferImagesPerSecond, double stepMillis, double inferMillis,
            double startSeconds, double firstStepSeconds, float firstLoss, long repacksPerStep, Map<String, Long> operationsPerStep,
            OptionalLong allocatedBytesPerStep, long poolBytes, OptionalLong trainPeakBytes, OptionalLong peakBytes) {}

    /// A benchmark of one configuration.
    ///
    /// @param method of `train`
    public StepBenchmark(String model, String data, String method, int batchSize, long seed) {
        this.model = model;
        this.data = data;
        this.method = method;
        this.batchSize = batchSize;
        this.seed = seed;
    }

    /// Measures.
    ///
    /// @throws UserError if the data has fewer images than a batch
    public Result run(Device device, Duration duration) {
        Dataset images = DataSource.load(data).train();
        if (images.size() < batchSize) {
            throw UserError.usage("--batch-size: the data has only " + images.size() + " training images");
        }
        Method bundle = Method.parse(method);
        ModelSpec spec = Weights.parse(bundle.modelFor(model), images.classes());
        Weights.requireClasses(spec, images.classes());
        Layer network = Models.create(spec, seed);
        Weights.summarize(network, images.shape(), device);
        Batch batch;
        try (BatchLoader.Epoch epoch = BatchLoader.shuffled(images, batchSize, seed, Augmentation.cropAndFlip()).epoch(0)) {
            batch = epoch.next();
        }
        try (TrainingStep step = new TrainingStep(network, bundle.objective(seed),
                new Sgd(network, SgdOptions.of(0.01, 0.9, bundle.weightDecay())),
                bundle.hooks(network, Math.max(1, images.size() / batchSize)), device)) {
            Tensor x = batch.imageTensor();
            Tensor y = batch.labelTensor();
            double startSeconds = ProcessMemory.secondsSinceStart();
            long before = System.nanoTime();
            float firstLoss = step.run(x, y).loss();
            double firstSeconds = (System.nanoTime() - before) / 1e9;
            for (int i = 1; i < duration.warmup; i++) {
                step.run(x, y);
            }
            Counts counts = Counts.of(device, () -> step.run(x, y));
            double trainSeconds = medianSeconds(duration, duration.seconds, () -> step.run(x, y));
            OptionalLong trainPeak = ProcessMemory.peakResidentBytes();
            double inferSeconds = inference(network, images, device, duration);
            return new Result(spec.toString(), batchSize / trainSeconds, batchSize / inferSeconds, 1000 * trainSeconds, 1000 * inferSeconds,
                    startSeconds, firstSeconds, firstLoss, counts.repacks, counts.operations, counts.allocatedBytes,
                    device.pool().allocatedBytes(), trainPeak, ProcessMemory.peakResidentBytes());
        }
    }

    /// What one step does, apart from taking time.
    private record Counts(long repacks, Map<String, Long> operations, OptionalLong allocatedBytes) {

        static Counts of(Device device, Runnable step) {
            Map<String, Long> operations = new LinkedHashMap<>();
            for (Opcode opcode : Opcode.values()) {
                operations.put(opcode.name(), -device.calls(opcode.name()));
            }
            long repacks = device.repacks();
            OptionalLong before = ProcessMemory.allocatedBytes();
            step.run();
            OptionalLong after = ProcessMemory.allocatedBytes();
            operations.replaceAll((name, count) -> count + device.calls(name));
            operations.values().removeIf(count -> count == 0);
            OptionalLong allocated = before.isPresent() && after.isPresent()
                    ? OptionalLong.of(after.getAsLong() - before.getAsLong())
                    : OptionalLong.empty();
            return new Counts(device.repacks() - repacks, operations, allocated);
        }
    }

    private double inference(Layer network, Dataset images, Device device, Duration duration) {
        Dataset one = images.first(batchSize);
        try (Evaluator evaluator = new Evaluator(network, batchSize, device)) {
            for (int i = 0; i < duration.warmup; i++) {
                evaluator.evaluate(one);
            }
            return medianSeconds(duration, duration.seconds / 2, () -> evaluator.evaluate(one));
        }
    }

    private static double medianSeconds(Duration duration, double enough, Runnable work) {
        List<Double> seconds = new ArrayList<>();
        double spent = 0;
        while (duration.seconds == 0 ? seconds.size() < duration.steps : seconds.size() < LEAST_STEPS || spent < enough) {
            long start = System.nanoTime();
            work.run();
            double one = (System.nanoTime() - start) / 1e9;
            seconds.add(one);
            spent += one;
        }
        return Sample.of(seconds.stream().mapToDouble(Double::doubleValue).toArray()).median();
    }
}
