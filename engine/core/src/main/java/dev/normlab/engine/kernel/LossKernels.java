package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Storage;
import org.jspecify.annotations.Nullable;

/// Classification losses on plain storages; labels are int `[n]`.
public interface LossKernels {

    /// Cross entropy of logits `[n, k]`; `loss` has one element, or `[n]` for [Reduction#NONE].
    void crossEntropyForward(CrossEntropySizes s, Storage logits, Storage labels, @Nullable Storage classWeight, Storage loss,
            Workspace workspace);

    /// The gradient of [#crossEntropyForward] in the logits; `dLoss` has one element, or `[n]` for [Reduction#NONE].
    void crossEntropyBackward(CrossEntropySizes s, Storage logits, Storage labels, @Nullable Storage classWeight, Storage dLoss,
            Storage dLogits, Workspace workspace);

    /// Negative log likelihood of log-probabilities `[n, k]` (no smoothing).
    void nllForward(CrossEntropySizes s, Storage logProbabilities, Storage labels, @Nullable Storage classWeight, Storage loss,
            Workspace workspace);

    /// The gradient of [#nllForward].
    void nllBackward(CrossEntropySizes s, Storage labels, @Nullable Storage classWeight, Storage dLoss, Storage dLogProbabilities,
            Workspace workspace);
}
