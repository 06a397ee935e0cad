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

/// A short training of a narrow VGG with l1 norm decay beside the same on the CPU: the first five losses agree within half a percent (later
/// ones drift apart by rounding, as two runs of any framework on two devices do), all are finite, and the loss falls.
final class ShortTraining implements DeviceCheck {

    private static final String MODEL = "vgg11:width=0.0625";
    private static final int BATCH = 32;
    private static final int CLOSE_STEPS = 5;
    private static final double CLOSE = 5e-3;
    private static final float BETA = 1e-3f;
    private static final int STEPS = 20;
    private static final int WHOLE_STEPS = 200;

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
        List<String> failures = new ArrayList<>();
        double worst = 0;
        for (int i = 0; i < CLOSE_STEPS; i++) {
            double error = Math.abs(actual.get(i) - expected.get(i)) / expected.get(i);
            worst = Math.max(worst, error);
            if (!(error <= CLOSE)) {
                failures.add("the loss of step " + i + " is " + actual.get(i) + ", on the CPU " + expected.get(i));
            }
        }
        double last = mean(actual.subList(steps - CLOSE_STEPS, steps));
        double cpuLast = mean(expected.subList(steps - CLOSE_STEPS, steps));
        if (!(last < mean(actual.subList(0, CLOSE_STEPS)))) {
            failures.add("the loss does not fall: " + actual);
        }
        return new Outcome(CLOSE_STEPS + 1, failures,
                String.format(Locale.ROOT, "first losses within %.1e; loss after %d steps %.4f, CPU %.4f", worst, steps, last, cpuLast));
    }

    /// A network after some steps, and the losses of the steps.
    record Trained(Layer network, List<Float> losses) {}

    /// Trains the network.
    static Trained train(Dataset data, Device device, int steps, Progress progress) {
        Layer network = Models.create(MODEL, 2);
        Summary.of(network, data.shape().channels(), data.shape().height(), data.shape().width(), device);
        NormDecay decay = new NormDecay(network, NormDecay.Options.of(Norm.L1, BETA));
        Sgd sgd = new Sgd(network, SgdOptions.of(0.05, 0.9, 0));
        List<Float> losses = new ArrayList<>();
        BatchLoader loader = BatchLoader.shuffled(data, BATCH, 3, null);
        try (TrainingStep step = new TrainingStep(network, Objective.crossEntropy(), sgd, List.of(decay), device)) {
            for (int epoch = 0; losses.size() < steps; epoch++) {
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
