package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Matrices;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.init.Initialization;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A fully connected layer: `y = x Wᵀ + b`.
///
/// Shapes: input `[.., in]`, weight `[out, in]`, bias `[out]` or absent; output `[.., out]`.
public final class Linear extends Layer {

    private final int inFeatures;
    private final int outFeatures;
    private final Parameter weight;
    private final @Nullable Parameter bias;

    /// A layer with these sizes.
    ///
    /// @throws IllegalArgumentException if a size is below 1
    public Linear(int inFeatures, int outFeatures, boolean bias) {
        if (inFeatures < 1 || outFeatures < 1) {
            throw new IllegalArgumentException(
                    "Linear: expected at least 1 input and 1 output, but got " + inFeatures + " and " + outFeatures);
        }
        this.inFeatures = inFeatures;
        this.outFeatures = outFeatures;
        Initialization initialization = Initialization.byFanIn(inFeatures);
        this.weight = parameter("weight", initialization, outFeatures, inFeatures);
        this.bias = bias ? parameter("bias", initialization, outFeatures) : null;
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        return Matrices.linear(tape, x, weight.tensor(), bias == null ? null : bias.tensor());
    }

    /// Size of the input's last dimension.
    public int inFeatures() {
        return inFeatures;
    }

    /// Size of the output's last dimension.
    public int outFeatures() {
        return outFeatures;
    }

    /// The matrix `[out, in]`.
    public Parameter weight() {
        return weight;
    }

    /// The bias `[out]`, if there is one.
    public Optional<Parameter> bias() {
        return Optional.ofNullable(bias);
    }
}
