package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;

/// The one seam between mathematics and machine: everything a backend computes.
///
/// A kernel gets storages whose shapes and layouts were checked by the caller, a record of sizes, and a [Workspace]. It checks nothing,
/// logs nothing, keeps nothing, and writes every element of its outputs, padding included. Backends: `ScalarKernels` is the readable
/// oracle, `VectorKernels` the fast CPU.
public interface Kernels {

    /// The backend's name, for example `scalar`.
    String name();

    /// The layout in which this backend keeps activations of this 4-D shape; depends on the channel count alone.
    Layout activationLayout(Shape shape);

    ConvolutionKernels convolutions();

    MatrixKernels matrices();

    BatchNormKernels batchNorms();

    PoolingKernels pooling();

    ElementwiseKernels elementwise();

    ReductionKernels reductions();

    ArrangementKernels arrangements();

    LossKernels losses();

    UpdateKernels updates();
}
