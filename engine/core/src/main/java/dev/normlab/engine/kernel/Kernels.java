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

    /// The bits of its vectors, on which the order of sums depends; 0 for a backend without vectors.
    default int vectorBits() {
        return 0;
    }

    /// The layout in which this backend keeps activations of this 4-D shape; depends on the channel count alone.
    Layout activationLayout(Shape shape);

    /// Convolutions and their gradients.
    ConvolutionKernels convolutions();

    /// Matrix products.
    MatrixKernels matrices();

    /// Batch norm and its gradients.
    BatchNormKernels batchNorms();

    /// Largest values and means of windows.
    PoolingKernels pooling();

    /// Functions of single elements.
    ElementwiseKernels elementwise();

    /// Sums, largest values, and where they are.
    ReductionKernels reductions();

    /// Same values at other places.
    ArrangementKernels arrangements();

    /// Losses and their gradients.
    LossKernels losses();

    /// Changes in place: optimisers, norm decay, steps of attacks.
    UpdateKernels updates();
}
