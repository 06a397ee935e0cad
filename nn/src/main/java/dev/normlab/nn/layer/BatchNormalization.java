package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.BatchNorm;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.init.Initialization;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Batch normalisation (Ioffe & Szegedy 2015), exactly as PyTorch's: in training by the batch's own statistics (the biased variance
/// normalises, the unbiased one is recorded), in evaluation by the running statistics. Then it is, per channel, `y = (x - mean) / sqrt(var
/// + eps) * weight + bias`.
public abstract sealed class BatchNormalization extends Layer permits BatchNorm1d, BatchNorm2d {

    private final int rank;
    private final int channels;
    private final Options options;
    private final @Nullable Parameter weight;
    private final @Nullable Parameter bias;
    private final @Nullable Tensor runningMean;
    private final @Nullable Tensor runningVar;

    /// How a layer normalises.
    ///
    /// @param eps               added to the variance
    /// @param momentum          the weight of a batch's statistics in the running ones
    /// @param affine            whether there are a weight and a bias
    /// @param runningStatistics whether running statistics are kept; without them evaluation uses the batch's own too
    public record Options(float eps, float momentum, boolean affine, boolean runningStatistics) {

        /// PyTorch's: eps 1e-5, momentum 0.1, affine, with running statistics.
        public static final Options DEFAULT = new Options(1e-5f, 0.1f, true, true);

        /// Checks the values.
        ///
        /// @throws IllegalArgumentException unless `0 < eps < 1` and `0 <= momentum <= 1`
        public Options {
            if (!(eps > 0 && eps < 1) || !(momentum >= 0 && momentum <= 1)) {
                throw new IllegalArgumentException(
                        "batch norm: expected 0 < eps < 1 and 0 <= momentum <= 1, but got " + eps + " and " + momentum);
            }
        }
    }

    BatchNormalization(int rank, int channels, Options options) {
        if (channels < 1) {
            throw new IllegalArgumentException("batch norm: expected at least 1 channel, but got " + channels);
        }
        this.rank = rank;
        this.channels = channels;
        this.options = options;
        this.weight = options.affine ? parameter("weight", Initialization.constant(1f), channels) : null;
        this.bias = options.affine ? parameter("bias", Initialization.constant(0f), channels) : null;
        this.runningMean = options.runningStatistics ? buffer("running_mean", Tensor.zeros(channels)) : null;
        this.runningVar = options.runningStatistics ? buffer("running_var", Tensor.full(1f, channels)) : null;
    }

    @Override
    protected final Tensor compute(Tape tape, Tensor x) {
        if (x.shape().rank() != rank) {
            throw new ShapeException(getClass().getSimpleName() + ": expected input "
                    + (rank == 4 ? "[n, c=" + channels + ", h, w]" : "[n, c=" + channels + "]")
                    + ", but got " + x);
        }
        Tensor gamma = weight == null ? null : weight.tensor();
        Tensor beta = bias == null ? null : bias.tensor();
        if (!isTraining() && runningMean != null && runningVar != null) {
            return BatchNorm.eval(tape, x, gamma, beta, runningMean, runningVar, options.eps);
        }
        boolean record = isTraining();
        return BatchNorm.train(tape, x, gamma, beta, record ? runningMean : null, record ? runningVar : null, options.momentum,
                options.eps);
    }

    /// Whether images of a batch see each other in evaluation mode: a batch norm that keeps no running statistics takes the batch's own.
    public static boolean mixesImages(Layer model) {
        return model.namedLayers().values().stream()
                .anyMatch(layer -> layer instanceof BatchNormalization norm && !norm.options.runningStatistics);
    }

    /// The number of channels.
    public final int channels() {
        return channels;
    }

    /// How the layer normalises.
    public final Options options() {
        return options;
    }

    /// The scale `[c]`, if the layer is affine.
    public final Optional<Parameter> weight() {
        return Optional.ofNullable(weight);
    }

    /// The shift `[c]`, if the layer is affine.
    public final Optional<Parameter> bias() {
        return Optional.ofNullable(bias);
    }

    /// The running mean `[c]`, if it is kept.
    public final Optional<Tensor> runningMean() {
        return Optional.ofNullable(runningMean);
    }

    /// The running variance `[c]`, if it is kept.
    public final Optional<Tensor> runningVar() {
        return Optional.ofNullable(runningVar);
    }
}
