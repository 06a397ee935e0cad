package dev.normlab.engine.autograd;

import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/// How losses of a batch are weighted and combined.
///
/// @param reduction   what becomes of the losses
/// @param smoothing   label smoothing in [0, 1]
/// @param ignoreIndex labels of this value contribute nothing
/// @param classWeight weights `[k]` of the classes, or null
public record CrossEntropyOptions(Reduction reduction, float smoothing, int ignoreIndex, @Nullable Tensor classWeight) {

    /// Checks the smoothing.
    ///
    /// @throws IllegalArgumentException if it is not in [0, 1]
    public CrossEntropyOptions {
        if (!(smoothing >= 0 && smoothing <= 1)) {
            throw new IllegalArgumentException("crossEntropy: label smoothing lies in [0, 1], but got " + smoothing);
        }
    }

    /// No weights, no smoothing, nothing ignored (PyTorch's default index -100).
    public static CrossEntropyOptions of(Reduction reduction) {
        return new CrossEntropyOptions(reduction, 0f, -100, null);
    }
}
