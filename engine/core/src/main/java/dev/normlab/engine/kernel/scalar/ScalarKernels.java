package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.kernel.ArrangementKernels;
import dev.normlab.engine.kernel.BatchNormKernels;
import dev.normlab.engine.kernel.ConvolutionKernels;
import dev.normlab.engine.kernel.ElementwiseKernels;
import dev.normlab.engine.kernel.Kernels;
import dev.normlab.engine.kernel.LossKernels;
import dev.normlab.engine.kernel.MatrixKernels;
import dev.normlab.engine.kernel.PoolingKernels;
import dev.normlab.engine.kernel.ReductionKernels;
import dev.normlab.engine.kernel.UpdateKernels;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;

/// The readable backend: one class of plain loops for every family of kernels.
///
/// Keeps activations row-major. Elementwise functions, copies, slices and changes of layout work on any layout, so that other backends can
/// fall back on them; everything else wants row-major storages.
public final class ScalarKernels implements Kernels {

    private final MatrixKernels matrices = new ScalarMatrices();
    private final BatchNormKernels batchNorms = new ScalarBatchNorms();
    private final ConvolutionKernels convolutions = new ScalarConvolutions(batchNorms);
    private final PoolingKernels pooling = new ScalarPooling();
    private final ElementwiseKernels elementwise = new ScalarElementwise();
    private final ReductionKernels reductions = new ScalarReductions();
    private final ArrangementKernels arrangements = new ScalarArrangements();
    private final LossKernels losses = new ScalarLosses();
    private final UpdateKernels updates = new ScalarUpdates();

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public Layout activationLayout(Shape shape) {
        return Layout.PLAIN;
    }

    @Override
    public ConvolutionKernels convolutions() {
        return convolutions;
    }

    @Override
    public MatrixKernels matrices() {
        return matrices;
    }

    @Override
    public BatchNormKernels batchNorms() {
        return batchNorms;
    }

    @Override
    public PoolingKernels pooling() {
        return pooling;
    }

    @Override
    public ElementwiseKernels elementwise() {
        return elementwise;
    }

    @Override
    public ReductionKernels reductions() {
        return reductions;
    }

    @Override
    public ArrangementKernels arrangements() {
        return arrangements;
    }

    @Override
    public LossKernels losses() {
        return losses;
    }

    @Override
    public UpdateKernels updates() {
        return updates;
    }
}
