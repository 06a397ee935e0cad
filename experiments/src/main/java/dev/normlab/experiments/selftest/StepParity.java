package dev.normlab.experiments.selftest;

import dev.normlab.engine.kernel.Accelerator;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.DeviceCheck;
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

/// One training step of narrow networks beside the scalar reference on the CPU. The step's learning rate is 1 and it has no momentum, so
/// that the change of the weights is the gradient.
///
/// A gradient may differ by a thousandth of its norm and a millionth of the norm of all gradients together (biases before a batch norm have
/// a gradient of zero but for rounding), the loss and the running statistics by `1e-5` of their size. Where the factors of products are
/// rounded to fewer bits than floats have, by twenty times, a thousand times and a thousand times as much.
final class StepParity implements DeviceCheck {

    static final List<String> MODELS = List.of("vgg11:width=0.125", "resnet18:width=0.125");

    private static final int BATCH = 8;
    private static final SgdOptions GRADIENT = SgdOptions.of(1, 0, 0);
    private static final TakenStep.Tolerance TOLERANCE = new TakenStep.Tolerance(1e-3, 1e-6, 1e-5);
    private static final TakenStep.Tolerance ROUNDED_FACTORS = new TakenStep.Tolerance(2e-2, 1e-3, 1e-2);
    private static final double OF_FLOATS = 0x1p-24;

    private final Dataset data;
    private final int threads;

    /// @param data    images to train on
    /// @param threads of the reference
    StepParity(Dataset data, int threads) {
        this.data = data;
        this.threads = threads;
    }

    @Override
    public String name() {
        return "step parity";
    }

    @Override
    public Outcome run(Device device, boolean whole, Progress progress) {
        List<String> failures = new ArrayList<>();
        TakenStep.Distance worst = new TakenStep.Distance(0, 0);
        int cases = 0;
        for (String model : MODELS) {
            TakenStep expected;
            try (Device scalar = Device.scalar(threads)) {
                expected = step(model, scalar);
            }
            worst = worst.or(expected.compare(model, step(model, device), tolerance(device), failures));
            cases += expected.cases();
            progress.done(MODELS.indexOf(model) + 1, MODELS.size());
        }
        return new Outcome(cases, failures, String.format(Locale.ROOT, "largest error of a gradient %.1e of its norm", worst.change()));
    }

    private static TakenStep.Tolerance tolerance(Device device) {
        Accelerator accelerator = device.accelerator();
        return accelerator != null && accelerator.factorRounding() > OF_FLOATS ? ROUNDED_FACTORS : TOLERANCE;
    }

    private TakenStep step(String model, Device device) {
        Layer network = Models.create(model, 1);
        try (TrainingStep step = new TrainingStep(network, Objective.crossEntropy(), new Sgd(network, GRADIENT), List.of(), device);
                BatchLoader.Epoch batches = BatchLoader.plain(data, BATCH).epoch(0)) {
            return TakenStep.take(step, network, batches.next());
        }
    }
}
