package dev.normlab.nn.train;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.data.Batch;
import dev.normlab.nn.layer.BatchNormalization;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.LayerModes;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/// Estimates the running statistics of batch norm anew, where weights have changed otherwise than by the steps that the statistics come
/// from: after clipping, averaging, or editing by hand.
///
/// In training a statistic is a mean over the latest steps. Where the weights before a layer have shrunk since, evaluation divides by
/// deviations that are too large, and the accuracy in evaluation mode is far from that in training. Here every statistic becomes the plain
/// mean of those of some batches, as by PyTorch's `torch.optim.swa_utils.update_bn`. Parameters stay as they are.
public final class BatchNormEstimate {

    private BatchNormEstimate() {}

    /// Running statistics of one layer, summed over batches.
    private static final class Sum {

        private final Tensor running;
        private final float[] before;
        private final double[] sums;
        private final float momentum;

        Sum(Tensor running, float momentum) {
            this.running = running;
            this.before = running.toArray();
            this.sums = new double[running.shape().elements()];
            this.momentum = momentum;
        }

        /// A batch adds its statistic times the momentum to what is left of the one before: nothing.
        void clear() {
            running.set(new float[sums.length]);
        }

        void add() {
            float[] values = running.toArray();
            for (int i = 0; i < sums.length; i++) {
                sums[i] += values[i] / (double) momentum;
            }
        }

        /// Sets the mean over so many batches; without any, what was there before.
        void finish(int batches) {
            float[] means = before.clone();
            for (int i = 0; batches > 0 && i < means.length; i++) {
                means[i] = (float) (sums[i] / batches);
            }
            running.set(means);
        }
    }

    /// Estimates the statistics of all layers that keep some; those with a momentum of 0 stay as they are.
    ///
    /// @param batches of training images; all but the first are taken while they are of the same size
    /// @param images  how many are enough; whole batches are taken
    /// @param step    whose random numbers the first batch takes (dropout); the next one takes those of the next step, and so on
    /// @return the number of batches that were taken; 0 if there were none, or there is nothing to estimate
    public static int estimate(Layer model, Iterator<Batch> batches, int images, long step, Device device) {
        List<Sum> sums = new ArrayList<>();
        for (Layer layer : model.namedLayers().values()) {
            if (layer instanceof BatchNormalization norm && norm.options().momentum() > 0) {
                norm.runningMean().ifPresent(mean -> sums.add(new Sum(mean, norm.options().momentum())));
                norm.runningVar().ifPresent(variance -> sums.add(new Sum(variance, norm.options().momentum())));
            }
        }
        int taken = 0;
        int size = 0;
        LayerModes modes = LayerModes.of(model);
        model.train();
        try {
            for (int seen = 0; seen < images && !sums.isEmpty() && batches.hasNext(); seen += size) {
                Batch batch = batches.next();
                if (taken > 0 && batch.size() != size) {
                    break;
                }
                size = batch.size();
                model.atStep(step + taken);
                sums.forEach(Sum::clear);
                try (Tape tape = Tape.inference(device)) {
                    model.forward(tape, batch.imageTensor());
                }
                sums.forEach(Sum::add);
                taken++;
            }
        } finally {
            int count = taken;
            sums.forEach(sum -> sum.finish(count));
            modes.restore();
        }
        return taken;
    }
}
