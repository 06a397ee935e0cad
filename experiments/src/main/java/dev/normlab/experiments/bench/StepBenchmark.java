package dev.normlab.experiments.bench;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.DeviceProfile;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.program.ProgramCompiler;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.experiments.run.DataSource;
import dev.normlab.experiments.run.Method;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.WarmUp;
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
import java.util.Optional;
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

    /// What a training step does on an accelerator, as its profiler says, which makes steps slower. Times are medians.
    ///
    /// @param stepMillis   a step, all in all
    /// @param kernelMillis of it in kernels
    /// @param beyondMillis the rest: launches, transfers, what the host does
    /// @param bytesIn      sent to the device in the last step
    /// @param bytesOut     read from it
    public record Profiled(double stepMillis, double kernelMillis, double beyondMillis, long bytesIn, long bytesOut) {}

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
        WarmUp.begin(model, device);
        Subject subject = subject(device);
        Tensor x = subject.batch.imageTensor();
        Tensor y = subject.batch.labelTensor();
        try (TrainingStep step = subject.step(device)) {
            double startSeconds = ProcessMemory.secondsSinceStart();
            long before = System.nanoTime();
            float firstLoss = step.run(x, y).loss();
            double firstSeconds = (System.nanoTime() - before) / 1e9;
            for (int i = 1; i < duration.warmup; i++) {
                step.run(x, y);
            }
            double trainSeconds = medianSeconds(duration, duration.seconds, () -> step.run(x, y));
            Counts counts = Counts.of(device, () -> step.run(x, y)); // last, since vectors are objects until everything is compiled
            OptionalLong trainPeak = ProcessMemory.peakResidentBytes();
            double inferSeconds = inference(subject.network, subject.images, device, duration);
            return new Result(subject.spec.toString(), batchSize / trainSeconds, batchSize / inferSeconds, 1000 * trainSeconds,
                    1000 * inferSeconds,
                    startSeconds, firstSeconds, firstLoss, counts.repacks, counts.operations, counts.allocatedBytes,
                    device.pool().allocatedBytes(), trainPeak, ProcessMemory.peakResidentBytes());
        }
    }

    /// Lets the profiler of the device's accelerator look at training steps; empty if it has none.
    ///
    /// @throws UserError if the data has fewer images than a batch
    public Optional<Profiled> profile(Device device, Duration duration) {
        Optional<DeviceProfile> started = device.accelerator() instanceof ProgramCompiler compiler
                ? compiler.startProfile()
                : Optional.empty();
        if (started.isEmpty()) {
            return Optional.empty();
        }
        DeviceProfile profile = started.get();
        Subject subject = subject(device);
        Tensor x = subject.batch.imageTensor();
        Tensor y = subject.batch.labelTensor();
        List<Double> all = new ArrayList<>(), kernels = new ArrayList<>(), beyond = new ArrayList<>();
        try (TrainingStep step = subject.step(device)) {
            for (int i = 0; i <= duration.warmup; i++) {
                step.run(x, y);
            }
            for (int i = 0; i < Math.max(LEAST_STEPS, duration.steps); i++) {
                profile.clear();
                long start = System.nanoTime();
                step.run(x, y);
                double wall = (System.nanoTime() - start) / 1e6;
                all.add(wall);
                kernels.add(profile.kernelNanos() / 1e6);
                beyond.add(wall - profile.kernelNanos() / 1e6);
            }
            return Optional.of(new Profiled(median(all), median(kernels), median(beyond), profile.bytesIn(), profile.bytesOut()));
        }
    }

    /// What is trained on what.
    private record Subject(ModelSpec spec, Layer network, Dataset images, Batch batch, Method method, long seed) {

        TrainingStep step(Device device) {
            return new TrainingStep(network, method.objective(seed), new Sgd(network, SgdOptions.of(0.01, 0.9, method.weightDecay())),
                    method.hooks(network, Math.max(1, images.size() / batch.labels().length)), device);
        }
    }

    private Subject subject(Device device) {
        Dataset images = DataSource.load(data).train();
        if (images.size() < batchSize) {
            throw UserError.usage("--batch-size: the data has only " + images.size() + " training images");
        }
        Method bundle = Method.parse(method);
        ModelSpec spec = Weights.parse(bundle.modelFor(model), images.classes());
        Weights.requireClasses(spec, images.classes());
        Layer network = Models.create(spec, seed);
        Weights.summarize(network, images.shape(), device);
        try (BatchLoader.Epoch epoch = BatchLoader.shuffled(images, batchSize, seed, Augmentation.cropAndFlip()).epoch(0)) {
            return new Subject(spec, network, images, epoch.next(), bundle, seed);
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
        return median(seconds);
    }

    private static double median(List<Double> values) {
        return Sample.of(values.stream().mapToDouble(Double::doubleValue).toArray()).median();
    }
}
