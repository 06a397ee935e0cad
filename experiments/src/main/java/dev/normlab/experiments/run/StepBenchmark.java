package dev.normlab.experiments.run;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.experiments.stats.Sample;
import dev.normlab.nn.data.Augmentation;
import dev.normlab.nn.data.Batch;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.model.ModelSpec;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.Evaluator;
import dev.normlab.nn.train.TrainingStep;

/// Times the trainer's own step on the batch that `train` would begin with, and inference on the same images.
public final class StepBenchmark {

    private final String model;
    private final String data;
    private final String method;
    private final int batchSize;
    private final long seed;

    /// What was measured.
    ///
    /// @param trainImagesPerSecond from the median step
    /// @param inferImagesPerSecond from the median evaluation of the batch
    /// @param stepMillis           the median step
    /// @param firstLoss            of the first step, as `train` with the same settings reports it
    /// @param repacksPerStep       copies between memory layouts in a training step
    /// @param poolBytes            memory of all intermediates
    public record Result(String model, double trainImagesPerSecond, double inferImagesPerSecond, double stepMillis, float firstLoss,
            long repacksPerStep,
            long poolBytes) {}

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
    public Result run(Device device, int warmup, int steps) {
        Dataset images = DataSource.load(data).train();
        if (images.size() < batchSize) {
            throw UserError.usage("--batch-size: the data has only " + images.size() + " training images");
        }
        ModelSpec spec = Weights.parse(model, images.classes());
        Weights.requireClasses(spec, images.classes());
        Layer network = Models.create(spec, seed);
        Weights.summarize(network, images.shape(), device);
        Method bundle = Method.parse(method);
        Batch batch;
        try (BatchLoader.Epoch epoch = BatchLoader.shuffled(images, batchSize, seed, Augmentation.cropAndFlip()).epoch(0)) {
            batch = epoch.next();
        }
        try (TrainingStep step = new TrainingStep(network, Objective.crossEntropy(),
                new Sgd(network, SgdOptions.of(0.01, 0.9, bundle.weightDecay())),
                bundle.hooks(network), device)) {
            Tensor x = batch.imageTensor();
            Tensor y = batch.labelTensor();
            float firstLoss = step.run(x, y).loss();
            for (int i = 1; i < warmup; i++) {
                step.run(x, y);
            }
            long repacks = device.repacks();
            step.run(x, y);
            repacks = device.repacks() - repacks;
            double trainSeconds = medianSeconds(steps, () -> step.run(x, y));
            double inferSeconds = inference(network, images, device, warmup, steps);
            return new Result(spec.toString(), batchSize / trainSeconds, batchSize / inferSeconds, 1000 * trainSeconds, firstLoss, repacks,
                    device.pool().allocatedBytes());
        }
    }

    private double inference(Layer network, Dataset images, Device device, int warmup, int steps) {
        Dataset one = images.first(batchSize);
        try (Evaluator evaluator = new Evaluator(network, batchSize, device)) {
            for (int i = 0; i < warmup; i++) {
                evaluator.evaluate(one);
            }
            return medianSeconds(steps, () -> evaluator.evaluate(one));
        }
    }

    private static double medianSeconds(int repetitions, Runnable work) {
        double[] seconds = new double[repetitions];
        for (int i = 0; i < repetitions; i++) {
            long start = System.nanoTime();
            work.run();
            seconds[i] = (System.nanoTime() - start) / 1e9;
        }
        return Sample.of(seconds).median();
    }
}
