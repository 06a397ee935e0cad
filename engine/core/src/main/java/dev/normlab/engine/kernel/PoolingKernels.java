package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Storage;

/// Pooling of `[n, c, h, w]` in the activation layout. Indices are plain int `[n, c, oh, ow]`: the position `row * w + column` in the input plane.
public interface PoolingKernels {

    /// The largest value of every window (the first in row-major order on ties; the first NaN wins) and its index. A window that meets no input, which
    /// dilation can bring about on tiny maps, has -infinity and index -1.
    void maxPoolForward(Pool2dSizes s, Storage x, Storage y, Storage indices, Workspace workspace);

    /// Adds every output gradient to the input position that was the maximum (none for index -1); zero elsewhere.
    void maxPoolBackward(Pool2dSizes s, Storage dOut, Storage indices, Storage dx, Workspace workspace);

    /// The average of every window.
    void averagePoolForward(Pool2dSizes s, Storage x, Storage y, Workspace workspace);

    /// The adjoint of the average.
    void averagePoolBackward(Pool2dSizes s, Storage dOut, Storage dx, Workspace workspace);

    /// Averages over an even partition into `oh` x `ow` windows.
    void adaptiveAveragePoolForward(AdaptivePoolSizes s, Storage x, Storage y, Workspace workspace);

    /// The adjoint of the adaptive average.
    void adaptiveAveragePoolBackward(AdaptivePoolSizes s, Storage dOut, Storage dx, Workspace workspace);
}
