package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Matrices;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.init.Initialization;

/// The cosines between features and class weights: `y_k = <x, w_k> / (‖x‖ ‖w_k‖)`, the last layer of models with hypersphere embedding
/// (Pang et al. 2020, arXiv:2002.08619).
///
/// Neither the scale of the features nor that of the weights changes a thing, so that the layer has no norm. Vectors shorter than 1e-12 are
/// divided by that instead of their length; zero features give cosines of 0.
///
/// Shapes: input `[n, in]`, weight `[classes, in]`; output `[n, classes]`, values in [-1, 1] up to rounding.
public final class CosineLinear extends Layer {

    private static final float SMALLEST_LENGTH = 1e-12f;

    private final Parameter weight;

    /// A layer with these sizes.
    ///
    /// @throws IllegalArgumentException if a size is below 1
    public CosineLinear(int inFeatures, int classes) {
        if (inFeatures < 1 || classes < 1) {
            throw new IllegalArgumentException(
                    "CosineLinear: expected at least 1 input and 1 class, but got " + inFeatures + " and " + classes);
        }
        this.weight = parameter("weight", Initialization.byFanIn(inFeatures), classes, inFeatures);
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor features = Arithmetic.l2Normalize(tape, x, 1, SMALLEST_LENGTH);
        return Matrices.linear(tape, features, Arithmetic.l2Normalize(tape, weight.tensor(), 1, SMALLEST_LENGTH), null);
    }

    /// The class vectors `[classes, in]`, of any length.
    public Parameter weight() {
        return weight;
    }
}
