package dev.normlab.experiments.selftest;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.DeviceCheck;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.norm.NormDecay;
import dev.normlab.nn.data.Batch;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.model.Summary;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.TrainingStep;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntToDoubleFunction;

/// A short training of a narrow VGG with l1 norm decay beside the same on the CPU: the first five losses agree within half a percent (later
/// ones drift apart by rounding, as two runs of any framework on two devices do: [SeedRange] looks at those), and the loss falls.
final class ShortTraining implements DeviceCheck {

    private static final String MODEL = "vgg11:width=0.0625";
    /// Images of a step.
    static final int BATCH = 32;

    /// Steps whose losses are compared.
    static final int CLOSE_STEPS = 5;

    private static final double CLOSE = 5e-3;
    private static final float BETA = 1e-3f;
    private static final int STEPS = 20;
    private static final int WHOLE_STEPS = 200;
    private static final int SEED = 2;

    private static final double RATE = 0.05;

    private final Dataset data;
    private final int threads;

    /// @param data    images to train on
    /// @param threads of the CPU's run
    ShortTraining(Dataset data, int threads) {
        this.data = data;
        this.threads = threads;
    }

    @Override
    public String name() {
        return "training";
    }

    @Override
    public Outcome run(Device device, boolean whole, Progress progress) {
        int steps = whole ? WHOLE_STEPS : STEPS;
        List<Float> expected;
        try (Device cpu = Device.cpu(threads)) {
            expected = train(data, cpu, steps, (_, _) -> {
            }).losses;
        }
        List<Float> actual = train(data, device, steps, progress).losses;
        List<String> failures = differences(actual, expected);
        double worst = 0;
        for (int i = 0; i < CLOSE_STEPS; i++) {
            worst = Math.max(worst, error(actual.get(i), expected.get(i)));
        }
        double last = mean(actual.subList(steps - CLOSE_STEPS, steps));
        double cpuLast = mean(expected.subList(steps - CLOSE_STEPS, steps));
        if (!(last < mean(actual.subList(0, CLOSE_STEPS)))) {
            failures.add("the loss does not fall: " + actual);
        }
        return new Outcome(CLOSE_STEPS + 1, failures,
                String.format(Locale.ROOT, "first losses within %.1e; loss after %d steps %.4f, CPU %.4f", worst, steps, last, cpuLast));
    }

    /// A line for each of the first losses that is not the CPU's.
    static List<String> differences(List<Float> actual, List<Float> expected) {
        List<String> failures = new ArrayList<>();
        for (int i = 0; i < CLOSE_STEPS; i++) {
            if (!(error(actual.get(i), expected.get(i)) <= CLOSE)) {
                failures.add("the loss of step " + i + " is " + actual.get(i) + ", on the CPU " + expected.get(i));
            }
        }
        return failures;
    }

    private static double error(float actual, float expected) {
        return Math.abs((double) actual - expected) / expected;
    }

    /// A network after some steps, and the losses of the steps.
    record Trained(Layer network, List<Float> losses) {}

    /// Trains the network at a constant learning rate.
    static Trained train(Dataset data, Device device, int steps, Progress progress) {
        return train(data, device, steps, SEED, _ -> RATE, progress);
    }

    /// Trains the network.
    ///
    /// @param seed of the first weights and of the order of the images
    /// @param rate the learning rate of every epoch
    static Trained train(Dataset data, Device device, int steps, int seed, IntToDoubleFunction rate, Progress progress) {
        Layer network = Models.create(MODEL, seed);
        Summary.of(network, data.shape().channels(), data.shape().height(), data.shape().width(), device);
        NormDecay decay = new NormDecay(network, NormDecay.Options.of(Norm.L1, BETA));
        Sgd sgd = new Sgd(network, SgdOptions.of(RATE, 0.9, 0));
        List<Float> losses = new ArrayList<>();
        BatchLoader loader = BatchLoader.shuffled(data, BATCH, seed + 1, null);
        try (TrainingStep step = new TrainingStep(network, Objective.crossEntropy(), sgd, List.of(decay), device)) {
            for (int epoch = 0; losses.size() < steps; epoch++) {
                sgd.learningRate(rate.applyAsDouble(epoch));
                try (BatchLoader.Epoch batches = loader.epoch(epoch)) {
                    while (batches.hasNext() && losses.size() < steps) {
                        Batch batch = batches.next();
                        if (batch.size() == BATCH) {
                            losses.add(step.run(batch.imageTensor(), batch.labelTensor()).loss());
                            progress.done(losses.size(), steps);
                        }
                    }
                }
            }
        }
        return new Trained(network, losses);
    }

    private static double mean(List<Float> values) {
        return values.stream().mapToDouble(Float::doubleValue).average().orElse(Double.NaN);
    }
}
