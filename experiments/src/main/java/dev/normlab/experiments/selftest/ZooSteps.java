package dev.normlab.experiments.selftest;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.DeviceCheck;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.data.Batch;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.TrainingStep;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/// Two training steps, with momentum and weight decay, of one network of the zoo in a narrow form, beside the scalar reference on the CPU.
/// The reference begins its second step with the weights that the device has reached (the momentum is its own), so that errors of the first
/// are not multiplied by the second.
///
/// In a deep network rounding is multiplied, and turns the sign of activations near zero, which takes their share out of the gradient: the
/// two CPU backends, both right, differ by up to 5% of the norm of a parameter's gradient (most networks: `1e-5`), and by up to `6e-5` in
/// loss and running statistics. A gradient may be off by twice that much, 10%, and 1% of all gradients together (what is zero but for
/// rounding), loss and statistics by `1e-3`. A wrong kernel is off by the size of what it makes, which shows wherever that is more than a
/// hundredth of all gradients together; smaller ones are the business of the contract's cases.
final class ZooSteps implements DeviceCheck {

    private static final String NARROW = ":width=0.0625";
    private static final int BATCH = 4;
    private static final int STEPS = 2;
    private static final SgdOptions OPTIONS = SgdOptions.of(0.01, 0.9, 5e-4);
    private static final TakenStep.Tolerance TOLERANCE = new TakenStep.Tolerance(0.1, 0.01, 1e-3);

    private final String model;
    private final Dataset data;
    private final int threads;

    /// @param model   its name
    /// @param data    images to train on
    /// @param threads of the reference
    ZooSteps(String model, Dataset data, int threads) {
        this.model = model;
        this.data = data;
        this.threads = threads;
    }

    @Override
    public String name() {
        return model;
    }

    @Override
    public Outcome run(Device device, boolean whole, Progress progress) {
        List<String> failures = new ArrayList<>();
        TakenStep.Distance worst = new TakenStep.Distance(0, 0);
        int cases = 0;
        Layer network = Models.create(model + NARROW, 1);
        Layer reference = Models.create(model + NARROW, 1);
        try (Device scalar = Device.scalar(threads);
                TrainingStep actual = step(network, device);
                TrainingStep expected = step(reference, scalar);
                BatchLoader.Epoch batches = BatchLoader.plain(data, BATCH).epoch(0)) {
            for (int i = 0; i < STEPS; i++) {
                copy(network, reference);
                Batch batch = batches.next();
                TakenStep right = TakenStep.take(expected, reference, batch);
                worst = worst.or(right.compare("step " + i, TakenStep.take(actual, network, batch), TOLERANCE, failures));
                cases += right.cases();
                progress.done(i + 1, STEPS);
            }
        }
        return new Outcome(cases, failures,
                String.format(Locale.ROOT, "loss and statistics within %.1e, gradients within %.1e of their norm",
                        worst.forward(), worst.change()));
    }

    private static TrainingStep step(Layer network, Device device) {
        return new TrainingStep(network, Objective.crossEntropy(), new Sgd(network, OPTIONS), List.of(), device);
    }

    private static void copy(Layer from, Layer to) {
        Map<String, Tensor> targets = to.stateDict();
        from.stateDict().forEach((name, tensor) -> Objects.requireNonNull(targets.get(name), name).set(tensor.toArray()));
    }
}
