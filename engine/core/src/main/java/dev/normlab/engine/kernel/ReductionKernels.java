package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Storage;

/// Sums and maxima. Plain storages, except where the activation layout is named.
public interface ReductionKernels {

    /// Sum or mean over axes.
    void reduce(ReduceSizes s, Storage x, Storage y, Workspace workspace);

    /// `y[c] = sum over n, h, w of x[n, c, h, w]`, from the activation layout: the gradient of a bias.
    void channelSum(int n, int c, int pixels, Storage x, Storage y, Workspace workspace);

    /// The index of the largest (or smallest) value along the axis; the lowest index on ties, the first NaN if there is one.
    void argExtreme(AxisSizes s, boolean largest, Storage x, Storage indices, Workspace workspace);

    /// The `k` largest values along the axis, descending, and their indices (lower index first on ties, NaN above everything).
    void topK(AxisSizes s, int k, Storage x, Storage values, Storage indices, Workspace workspace);

    /// `y = softmax(x)` along the axis, or its logarithm.
    void softmax(AxisSizes s, boolean logarithm, Storage x, Storage y, Workspace workspace);

    /// The input's gradient from the output `y` of [#softmax].
    void softmaxBackward(AxisSizes s, boolean logarithm, Storage y, Storage dOut, Storage dx, Workspace workspace);
}
