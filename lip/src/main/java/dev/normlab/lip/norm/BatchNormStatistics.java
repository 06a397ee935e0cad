package dev.normlab.lip.norm;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.BatchNormalization;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.LayerModes;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The variances by which batch norm layers divide: the running ones, as in eval mode, or those of one batch, as in training.
///
/// In training the statistics depend on the batch, so that batch norm is not linear; its norm with them is that of the map
/// `x ↦ γ·x / sqrt(var + eps)` with the statistics held fixed.
public final class BatchNormStatistics {

    private static final BatchNormStatistics RUNNING = new BatchNormStatistics(null);

    private final @Nullable Map<Layer, double[]> variances;

    private BatchNormStatistics(@Nullable Map<Layer, double[]> variances) {
        this.variances = variances;
    }

    /// The running variances.
    public static BatchNormStatistics running() {
        return RUNNING;
    }

    /// The biased variances of a batch at every batch norm layer, found by one forward pass in training mode. Afterwards the model is as it
    /// was: its mode, running statistics and random counters included.
    ///
    /// @param images `[n, c, h, w]`
    public static BatchNormStatistics ofBatch(Layer model, Tensor images, Device device) {
        Map<Layer, double[]> variances = new IdentityHashMap<>();
        LayerModes modes = LayerModes.of(model);
        Map<Tensor, float[]> buffers = new LinkedHashMap<>();
        model.namedBuffers().values().forEach(buffer -> buffers.put(buffer, buffer.toArray()));
        Map<Tensor, int[]> counters = new LinkedHashMap<>();
        model.namedRandomStates().values().forEach(counter -> counters.put(counter, counter.toIntArray()));
        model.train();
        try (Tape tape = Tape.inference(device); Layer.Observation _ = model.observe((layer, input, _) -> {
            if (layer instanceof BatchNormalization) {
                variances.put(layer, variances(input));
            }
        })) {
            model.forward(tape, images);
        } finally {
            buffers.forEach(Tensor::set);
            counters.forEach(Tensor::setInts);
            modes.restore();
        }
        return new BatchNormStatistics(variances);
    }

    /// Whether these are the running variances.
    boolean areRunning() {
        return variances == null;
    }

    /// `1 / sqrt(var + eps)` per channel.
    ///
    /// @throws NormException if the layer keeps no running statistics, or saw no input in the batch
    public double[] scale(NormedLayer normed, BatchNormalization batchNorm) {
        double[] var = variances == null ? widened(normed.runningVar(batchNorm).toArray()) : variances.get(batchNorm);
        if (var == null) {
            throw new NormException("batch norm " + normed.name() + " saw no input in the batch, so that it has no statistics of it");
        }
        double[] scale = new double[var.length];
        for (int i = 0; i < scale.length; i++) {
            scale[i] = 1 / Math.sqrt(var[i] + batchNorm.options().eps());
        }
        return scale;
    }

    private static double[] widened(float[] values) {
        double[] result = new double[values.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = values[i];
        }
        return result;
    }

    /// The biased variance per channel of `[n, c, ..]`.
    private static double[] variances(Tensor input) {
        float[] values = input.toArray();
        int n = input.shape().size(0);
        int c = input.shape().size(1);
        int pixels = values.length / Math.max(1, n * c);
        double[] result = new double[c];
        for (int ic = 0; ic < c; ic++) {
            double sum = 0;
            for (int i = 0; i < n * pixels; i++) {
                sum += values[(i / pixels * c + ic) * pixels + i % pixels];
            }
            double mean = sum / (n * pixels);
            double squares = 0;
            for (int i = 0; i < n * pixels; i++) {
                double deviation = values[(i / pixels * c + ic) * pixels + i % pixels] - mean;
                squares += deviation * deviation;
            }
            result[ic] = squares / (n * pixels);
        }
        return result;
    }
}
