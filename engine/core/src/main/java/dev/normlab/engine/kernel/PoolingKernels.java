package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Storage;

/// Pooling of `[n, c, h, w]` in the activation layout. The position of a maximum is `row * w + column` in its input plane. Positions
/// `[n, c, oh, ow]` are floats, exact up to [Pool2dSizes#MAX_POSITIONS], so that they lie as the activations do and are chosen by the masks
/// that choose the maxima.
public interface PoolingKernels {

    /// The largest value of every window (the first in row-major order on ties; the first NaN wins) and its position. A window that meets
    /// no input, which dilation can bring about on tiny maps, has -infinity and position -1.
    void maxPoolForward(Pool2dSizes s, Storage x, Storage y, Storage positions, Workspace workspace);

    /// Adds every output gradient to the input position that was the maximum (none for position -1); zero elsewhere.
    void maxPoolBackward(Pool2dSizes s, Storage dOut, Storage positions, Storage dx, Workspace workspace);

    /// The average of every window.
    void averagePoolForward(Pool2dSizes s, Storage x, Storage y, Workspace workspace);

    /// The adjoint of the average.
    void averagePoolBackward(Pool2dSizes s, Storage dOut, Storage dx, Workspace workspace);

    /// Averages over an even partition into `oh` x `ow` windows.
    void adaptiveAveragePoolForward(AdaptivePoolSizes s, Storage x, Storage y, Workspace workspace);

    /// The adjoint of the adaptive average.
    void adaptiveAveragePoolBackward(AdaptivePoolSizes s, Storage dOut, Storage dx, Workspace workspace);
}
