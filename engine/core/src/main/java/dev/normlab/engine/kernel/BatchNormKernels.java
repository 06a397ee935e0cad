package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Storage;
import org.jspecify.annotations.Nullable;

/// Batch normalisation over `[n, c, h, w]` (activation layout) or `[n, c]` (plain); per-channel vectors are plain `[c]`.
public interface BatchNormKernels {

    /// Normalises by the batch's own statistics: `y = (x - mean) / sqrt(var + eps) * weight + bias`; `mean` and the biased `var` are outputs.
    void batchNormTrain(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage y, Storage mean, Storage var,
            Workspace workspace);

    /// Normalises by given statistics.
    void batchNormEval(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage mean, Storage var, Storage y,
            Workspace workspace);

    /// `dWeight[c] = sum dOut * (x - mean) / sqrt(var + eps)` and `dBias[c] = sum dOut`.
    void batchNormBackwardParameters(BatchNormSizes s, Storage x, Storage dOut, Storage mean, Storage var, Storage dWeight, Storage dBias,
            Workspace workspace);

    /// The input's gradient when `mean` and `var` are the batch's own: they depend on `x`, and `dWeight`, `dBias` are the sums of
    /// [#batchNormBackwardParameters].
    void batchNormTrainBackwardInput(BatchNormSizes s, Storage x, Storage dOut, @Nullable Storage weight, Storage mean, Storage var,
            Storage dWeight, Storage dBias, Storage dx, Workspace workspace);

    /// The input's gradient when the statistics are constants: `dx = dOut * weight / sqrt(var + eps)`.
    void batchNormEvalBackwardInput(BatchNormSizes s, Storage dOut, @Nullable Storage weight, Storage var, Storage dx, Workspace workspace);

    /// `running = (1 - momentum) * running + momentum * batch`, with the unbiased variance `var * count / (count - 1)`.
    void updateRunningStatistics(int count, float momentum, Storage mean, Storage var, Storage runningMean, Storage runningVar);
}
