package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Storage;
import org.jspecify.annotations.Nullable;

/// 2-D convolutions with zero padding. Activations come in the backend's activation layout, weights and biases are plain.
///
/// NaN and infinity reach at least the results that depend on them. In a convolution of several groups a backend that computes neighbouring
/// groups together may pass a NaN on to these, through products with zero; other images never see it.
public interface ConvolutionKernels {

    /// `y[n,o] = bias[o] + sum over c, taps of weight[o,c,t,u] * x[n,c,..]`.
    void conv2dForward(Conv2dSizes s, Storage x, Storage weight, @Nullable Storage bias, Storage y, Workspace workspace);

    /// [#conv2dForward] and what follows it, without writing the convolution's own result down. `y` is none of the operands.
    void conv2dForwardNormalised(Conv2dSizes s, Storage x, Storage weight, @Nullable Storage bias, ConvolutionNorm norm, Storage y,
            Workspace workspace);

    /// [#conv2dForward], and the statistics of its result over the batch: mean and biased variance of every channel, `[o]`, the bits of
    /// [BatchNormKernels#statistics].
    void conv2dForwardStatistics(Conv2dSizes s, Storage x, Storage weight, @Nullable Storage bias, Storage y, Storage mean, Storage var,
            Workspace workspace);

    /// The adjoint in the input: `dx = Mᵀ dOut`. Also the forward pass of a transposed convolution.
    void conv2dBackwardInput(Conv2dSizes s, Storage dOut, Storage weight, Storage dx, Workspace workspace);

    /// The adjoint in the weight: `dWeight[o,c,t,u] = sum over n and output pixels of dOut[n,o,..] * x[n,c,..]`.
    void conv2dBackwardWeight(Conv2dSizes s, Storage x, Storage dOut, Storage dWeight, Workspace workspace);

    /// What computes this pass of a convolution: a function of the sizes without the batch.
    default ConvolutionAlgorithm algorithm(Conv2dSizes s, ConvolutionPass pass) {
        return ConvolutionAlgorithm.DIRECT;
    }
}
