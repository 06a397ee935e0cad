package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Storage;
import org.jspecify.annotations.Nullable;

/// A batch norm of given statistics behind a convolution, with what follows it: `y = normalised(convolution) [+ residual] [not below 0]`.
///
/// @param s        sizes of the convolution's output
/// @param weight   `[c]`, or null for ones
/// @param bias     `[c]`, or null for zeros
/// @param mean     `[c]`
/// @param var      `[c]`
/// @param residual like the output, or null for none; needs a ReLU
/// @param relu     whether negative results become 0
public record ConvolutionNorm(BatchNormSizes s, @Nullable Storage weight, @Nullable Storage bias, Storage mean, Storage var,
        @Nullable Storage residual, boolean relu) {

    /// Applies it to the whole output of the convolution, in place.
    public void apply(BatchNormKernels kernels, Storage y, Workspace workspace) {
        if (relu) {
            kernels.batchNormEvalRelu(s, y, weight, bias, mean, var, residual, y, workspace);
        } else {
            kernels.batchNormEval(s, y, weight, bias, mean, var, y, workspace);
        }
    }
}
