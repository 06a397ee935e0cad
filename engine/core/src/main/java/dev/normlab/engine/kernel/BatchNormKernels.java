package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Storage;
import org.jspecify.annotations.Nullable;

/// Batch normalisation over `[n, c, h, w]` (activation layout) or `[n, c]` (plain); per-channel vectors are plain `[c]`.
public interface BatchNormKernels {

    /// Normalises by the batch's own statistics: `y = (x - mean) / sqrt(var + eps) * weight + bias`; `mean` and the biased `var` are
    /// outputs.
    void batchNormTrain(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage y, Storage mean, Storage var,
            Workspace workspace);

    /// The batch's own statistics alone, the bits of [#batchNormTrain]: `mean` and the biased `var`.
    void statistics(BatchNormSizes s, Storage x, Storage mean, Storage var, Workspace workspace);

    /// Normalises by given statistics. `y` may be `x` itself.
    void batchNormEval(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage mean, Storage var, Storage y,
            Workspace workspace);

    /// `dWeight[c] = sum dOut * (x - mean) / sqrt(var + eps)` and `dBias[c] = sum dOut`.
    void batchNormBackwardParameters(BatchNormSizes s, Storage x, Storage dOut, Storage mean, Storage var, Storage dWeight, Storage dBias,
            Workspace workspace);

    /// The input's gradient when `mean` and `var` are the batch's own: they depend on `x`, and `dWeight`, `dBias` are the sums of
    /// [#batchNormBackwardParameters]. `dx` may be `dOut` itself.
    void batchNormTrainBackwardInput(BatchNormSizes s, Storage x, Storage dOut, @Nullable Storage weight, Storage mean, Storage var,
            Storage dWeight, Storage dBias, Storage dx, Workspace workspace);

    /// The input's gradient when the statistics are constants: `dx = dOut * weight / sqrt(var + eps)`. `dx` may be `dOut` itself.
    void batchNormEvalBackwardInput(BatchNormSizes s, Storage dOut, @Nullable Storage weight, Storage var, Storage dx, Workspace workspace);

    /// [#batchNormTrain] with what often follows it: `y = max(0, normalised(x) + residual)`, each step rounded to a float as by the single
    /// kernels.
    ///
    /// @param residual `[n, c, h, w]` like `x`, or null for none
    void batchNormTrainRelu(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, @Nullable Storage residual,
            Storage y, Storage mean, Storage var, Workspace workspace);

    /// [#batchNormEval] with what often follows it: `y = max(0, normalised(x) + residual)`. `y` may be `x` or the residual itself.
    void batchNormEvalRelu(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage mean, Storage var,
            @Nullable Storage residual, Storage y, Workspace workspace);

    /// All gradients of [#batchNormTrainRelu] without a residual: those of [#batchNormBackwardParameters] and
    /// [#batchNormTrainBackwardInput] for `dOut` where `normalised(x) > 0` and 0 elsewhere, without ever writing that down. `dx` may be
    /// `dOut` itself.
    void batchNormTrainReluBackward(BatchNormSizes s, Storage x, Storage dOut, @Nullable Storage weight, @Nullable Storage bias,
            Storage mean, Storage var, Storage dx, Storage dWeight, Storage dBias, Workspace workspace);

    /// The input's gradient through [#batchNormEvalRelu]: `dx = dOut * weight / sqrt(var + eps)` where `y > 0`, else 0. `dx` may be `dOut`
    /// itself.
    void batchNormEvalReluBackwardInput(BatchNormSizes s, Storage y, Storage dOut, @Nullable Storage weight, Storage var, Storage dx,
            Workspace workspace);

    /// The gradient of a sum that went through a ReLU, and at once the parameters' gradients of a batch norm that made one of the summands:
    /// `dSum = dOut + more` where `y > 0`, else 0, and [#batchNormBackwardParameters] of it. `dSum` may be `dOut` or `more` itself.
    ///
    /// @param y    the output of the ReLU
    /// @param more another part of the output's gradient, or null for none
    /// @param x    the input of the batch norm
    void reluBatchNormBackwardParameters(BatchNormSizes s, Storage y, Storage dOut, @Nullable Storage more, Storage x, Storage mean,
            Storage var, Storage dSum, Storage dWeight, Storage dBias, Workspace workspace);

    /// `running = (1 - momentum) * running + momentum * batch`, with the unbiased variance `var * count / (count - 1)`.
    void updateRunningStatistics(int count, float momentum, Storage mean, Storage var, Storage runningMean, Storage runningVar);
}
