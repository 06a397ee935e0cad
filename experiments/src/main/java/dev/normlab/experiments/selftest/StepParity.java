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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/// One training step of narrow networks beside the scalar reference on the CPU. The step's learning rate is 1 and it has no momentum, so
/// that the change of the weights is the gradient.
///
/// A gradient may differ by a thousandth of its norm and a millionth of the norm of all gradients together (biases before a batch norm have
/// a gradient of zero but for rounding), the loss and the running statistics by `1e-5` of their size.
final class StepParity implements DeviceCheck {

    static final List<String> MODELS = List.of("vgg11:width=0.125", "resnet18:width=0.125");

    private static final int BATCH = 8;
    private static final double OF_ITS_NORM = 1e-3;
    private static final double OF_ALL = 1e-6;
    private static final double STATISTICS = 1e-5;

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

    /// What one step did.
    ///
    /// @param gradients of the parameters, by name
    /// @param buffers   after the step, by name
    private record Step(float loss, Map<String, float[]> gradients, Map<String, float[]> buffers) {}

    @Override
    public Outcome run(Device device, boolean whole, Progress progress) {
        List<String> failures = new ArrayList<>();
        double worst = 0;
        int cases = 0;
        for (String model : MODELS) {
            Step expected;
            try (Device scalar = Device.scalar(threads)) {
                expected = step(model, scalar);
            }
            Step actual = step(model, device);
            worst = Math.max(worst, compare(model, expected, actual, failures));
            cases += 1 + expected.gradients.size() + expected.buffers.size();
            progress.done(MODELS.indexOf(model) + 1, MODELS.size());
        }
        return new Outcome(cases, failures, String.format(Locale.ROOT, "largest error of a gradient %.1e of its norm", worst));
    }

    private Step step(String model, Device device) {
        Layer network = Models.create(model, 1);
        Map<String, float[]> before = parameters(network);
        Batch batch;
        try (BatchLoader.Epoch epoch = BatchLoader.plain(data, BATCH).epoch(0)) {
            batch = epoch.next();
        }
        Sgd plain = new Sgd(network, SgdOptions.of(1, 0, 0));
        try (TrainingStep step = new TrainingStep(network, Objective.crossEntropy(), plain, List.of(), device)) {
            float loss = step.run(batch.imageTensor(), batch.labelTensor()).loss();
            Map<String, float[]> gradients = new LinkedHashMap<>();
            parameters(network).forEach((name, values) -> gradients.put(name, difference(of(before, name), values)));
            Map<String, float[]> buffers = new LinkedHashMap<>();
            network.namedBuffers().forEach((name, buffer) -> buffers.put(name, buffer.toArray()));
            return new Step(loss, gradients, buffers);
        }
    }

    private static Map<String, float[]> parameters(Layer network) {
        Map<String, float[]> values = new LinkedHashMap<>();
        network.namedParameters().forEach((name, parameter) -> {
            Tensor tensor = parameter.tensor();
            values.put(name, tensor.toArray());
        });
        return values;
    }

    /// The largest relative error of a gradient that is more than rounding.
    private static double compare(String model, Step expected, Step actual, List<String> failures) {
        if (!(Math.abs(expected.loss - actual.loss) <= STATISTICS * Math.abs(expected.loss))) {
            failures.add(model + ": expected the loss " + expected.loss + ", but got " + actual.loss);
        }
        double all = Math.sqrt(expected.gradients.values().stream().mapToDouble(StepParity::squares).sum());
        double worst = 0;
        for (Map.Entry<String, float[]> each : expected.gradients.entrySet()) {
            double norm = Math.sqrt(squares(each.getValue()));
            double error = Math.sqrt(squares(difference(each.getValue(), of(actual.gradients, each.getKey()))));
            if (!(error <= OF_ITS_NORM * norm + OF_ALL * all)) {
                failures.add(String.format(Locale.ROOT, "%s: the gradient of %s has the norm %.3g and is off by %.3g", model, each.getKey(),
                        norm, error));
            }
            worst = norm > OF_ITS_NORM * all ? Math.max(worst, error / norm) : worst;
        }
        expected.buffers.forEach((name, values) -> {
            double error = Math.sqrt(squares(difference(values, of(actual.buffers, name))));
            if (!(error <= STATISTICS * Math.sqrt(squares(values)))) {
                failures.add(String.format(Locale.ROOT, "%s: %s is off by %.3g", model, name, error));
            }
        });
        return worst;
    }

    private static float[] of(Map<String, float[]> values, String name) {
        return Objects.requireNonNull(values.get(name), name);
    }

    private static float[] difference(float[] a, float[] b) {
        float[] difference = new float[a.length];
        for (int i = 0; i < a.length; i++) {
            difference[i] = a[i] - b[i];
        }
        return difference;
    }

    private static double squares(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += (double) value * value;
        }
        return sum;
    }
}
