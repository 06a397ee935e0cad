package dev.normlab.experiments.selftest;

import dev.normlab.nn.data.Batch;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.train.TrainingStep;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/// What a training step did to a network.
///
/// @param changes of the parameters, by name
/// @param buffers behind the step, by name
record TakenStep(float loss, Map<String, float[]> changes, Map<String, float[]> buffers) {

    /// The size of a buffer's elements at least: the means of what comes out of a batch norm are zero but for rounding.
    private static final double LEAST = 1e-4;

    // Of the norm of all changes together.
    private static final double MORE_THAN_ROUNDING = 1e-3;

    /// How far a step may be from the reference's.
    ///
    /// @param ofItsNorm the change of a parameter, as a part of its norm
    /// @param ofAll     and beside that as a part of the norm of all changes together: biases before a batch norm change by rounding only
    /// @param forward   the loss and the buffers, as a part of their size
    record Tolerance(double ofItsNorm, double ofAll, double forward) {}

    /// How far a step is from the reference's.
    ///
    /// @param change  the largest error of a parameter's change as a part of its norm, where that is more than rounding
    /// @param forward the largest error of the loss and the buffers, as a part of their size
    record Distance(double change, double forward) {

        Distance or(Distance other) {
            return new Distance(Math.max(change, other.change), Math.max(forward, other.forward));
        }
    }

    /// Takes a step with a batch.
    static TakenStep take(TrainingStep step, Layer network, Batch batch) {
        Map<String, float[]> before = parameters(network);
        float loss = step.run(batch.imageTensor(), batch.labelTensor()).loss();
        Map<String, float[]> changes = new LinkedHashMap<>();
        parameters(network).forEach((name, values) -> changes.put(name, difference(of(before, name), values)));
        Map<String, float[]> buffers = new LinkedHashMap<>();
        network.namedBuffers().forEach((name, buffer) -> buffers.put(name, buffer.toArray()));
        return new TakenStep(loss, changes, buffers);
    }

    private static Map<String, float[]> parameters(Layer network) {
        Map<String, float[]> values = new LinkedHashMap<>();
        network.namedParameters().forEach((name, parameter) -> values.put(name, parameter.tensor().toArray()));
        return values;
    }

    /// How many numbers and tensors are compared.
    int cases() {
        return 1 + changes.size() + buffers.size();
    }

    /// Compares what another device has done with this step, which is the reference's.
    ///
    /// @param model    what the failures begin with
    /// @param failures gets a line for everything that is too far away
    Distance compare(String model, TakenStep actual, Tolerance tolerance, List<String> failures) {
        double forward = Math.abs((double) loss - actual.loss) / Math.abs(loss);
        if (!(forward <= tolerance.forward)) {
            failures.add(model + ": expected the loss " + loss + ", but got " + actual.loss);
        }
        for (Map.Entry<String, float[]> each : buffers.entrySet()) {
            double norm = Math.max(norm(each.getValue()), LEAST * StrictMath.sqrt(each.getValue().length));
            double error = norm(difference(each.getValue(), of(actual.buffers, each.getKey())));
            if (!(error <= tolerance.forward * norm)) {
                failures.add(String.format(Locale.ROOT, "%s: %s has the norm %.3g and is off by %.3g", model, each.getKey(), norm, error));
            }
            forward = Math.max(forward, error / norm);
        }
        return new Distance(compareChanges(model, actual, tolerance, failures), forward);
    }

    private double compareChanges(String model, TakenStep actual, Tolerance tolerance, List<String> failures) {
        double all = Math.sqrt(changes.values().stream().mapToDouble(TakenStep::squares).sum());
        double worst = 0;
        for (Map.Entry<String, float[]> each : changes.entrySet()) {
            double norm = norm(each.getValue());
            double error = norm(difference(each.getValue(), of(actual.changes, each.getKey())));
            if (!(error <= tolerance.ofItsNorm * norm + tolerance.ofAll * all)) {
                failures.add(String.format(Locale.ROOT, "%s: the change of %s has the norm %.3g and is off by %.3g", model, each.getKey(),
                        norm, error));
            }
            worst = norm > MORE_THAN_ROUNDING * all ? Math.max(worst, error / norm) : worst;
        }
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

    private static double norm(float[] values) {
        return Math.sqrt(squares(values));
    }

    private static double squares(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += (double) value * value;
        }
        return sum;
    }
}
