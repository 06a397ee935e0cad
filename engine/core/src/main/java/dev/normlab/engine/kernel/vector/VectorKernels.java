package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.ArrangementKernels;
import dev.normlab.engine.kernel.BatchNormKernels;
import dev.normlab.engine.kernel.ConvolutionKernels;
import dev.normlab.engine.kernel.ConvolutionMode;
import dev.normlab.engine.kernel.ElementwiseKernels;
import dev.normlab.engine.kernel.Kernels;
import dev.normlab.engine.kernel.LossKernels;
import dev.normlab.engine.kernel.MatrixKernels;
import dev.normlab.engine.kernel.PoolingKernels;
import dev.normlab.engine.kernel.ReductionKernels;
import dev.normlab.engine.kernel.UpdateKernels;
import dev.normlab.engine.kernel.scalar.ScalarKernels;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;

/// The fast CPU backend.
///
/// Activations with more than [#FEW_CHANNELS] channels are kept channel-blocked by the machine's preferred vector length, those with fewer
/// (images of 3 channels) row-major. What is not worth a vector kernel, and everything that comes row-major to a kernel for activations,
/// goes to [ScalarKernels].
public final class VectorKernels implements Kernels {

    /// Activations of at most this many channels stay row-major: blocking would multiply their memory.
    static final int FEW_CHANNELS = 4;

    private static final Layout BLOCKED = Layout.blocked(V);

    private final ScalarKernels scalar = new ScalarKernels();
    private final ConvolutionKernels convolutions;
    private final MatrixKernels matrices = new VectorMatrices();
    private final BatchNormKernels batchNorms = new VectorBatchNorms(scalar.batchNorms());
    private final PoolingKernels pooling = new VectorPooling(scalar.pooling());
    private final ElementwiseKernels elementwise = new VectorElementwise(scalar.elementwise());
    private final ReductionKernels reductions = new VectorReductions(scalar.reductions());
    private final ArrangementKernels arrangements = new VectorArrangements(scalar.arrangements());
    private final LossKernels losses = new VectorLosses(scalar.losses());
    private final UpdateKernels updates = new VectorUpdates(scalar.updates());

    /// The kernels for this machine, with exact convolutions.
    public VectorKernels() {
        this(ConvolutionMode.EXACT);
    }

    /// The kernels for this machine, with this mode of convolutions.
    public VectorKernels(ConvolutionMode mode) {
        this.convolutions = new VectorConvolutions(mode, batchNorms);
    }

    /// What the backend makes of this machine.
    static String describe() {
        return "Vector API with " + V * Float.SIZE + "-bit vectors, activations in blocks of " + V + " channels";
    }

    /// Whether activations of this many channels are row-major.
    static boolean isPlain(int channels) {
        return channels <= FEW_CHANNELS;
    }

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public int vectorBits() {
        return V * Float.SIZE;
    }

    @Override
    public Layout activationLayout(Shape shape) {
        return isPlain(shape.size(1)) ? Layout.PLAIN : BLOCKED;
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
