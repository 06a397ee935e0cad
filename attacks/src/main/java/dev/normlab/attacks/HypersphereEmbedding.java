package dev.normlab.attacks;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.CrossEntropySizes;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Tensor;

/// Hypersphere embedding (Pang et al. 2020, "Boosting adversarial training with hypersphere embedding", arXiv:2002.08619): the model's
/// outputs are cosines between normalised features and normalised class weights, and losses see them scaled, the true class less a margin:
/// `s (z_y - m)`, `s z_j`.
///
/// @param scale  `s`, positive
/// @param margin `m`, at least 0
public record HypersphereEmbedding(float scale, float margin) {

    private static final int NO_LABEL = -1;

    /// Checks the values.
    ///
    /// @throws IllegalArgumentException if a number is out of range
    public HypersphereEmbedding {
        if (!(scale > 0 && scale < Float.POSITIVE_INFINITY && margin >= 0 && margin < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "hypersphere embedding: the scale is above 0 and the margin at least 0, but got " + scale + " and "
                            + margin);
        }
    }

    /// What a softmax or a cross entropy sees without a margin: `s z`, `[n, k]`.
    Tensor scaled(Tape tape, Tensor cosines) {
        return Arithmetic.scale(tape, cosines, scale);
    }

    /// The same with the margin.
    ///
    /// @param labels int `[n]`
    Tensor withMargin(Tape tape, Tensor cosines, Tensor labels) {
        int n = cosines.shape().size(0);
        int k = cosines.shape().size(1);
        CrossEntropySizes sizes = new CrossEntropySizes(n, k, 0, NO_LABEL, Reduction.NONE);
        // the gradient of -z_y for an upstream gradient of m: -m where the label is
        Tensor margins = tape.run(Opcode.NLL_BACKWARD, sizes, cosines.spec(), labels, null, Tensor.full(margin, n));
        return scaled(tape, Arithmetic.add(tape, cosines, margins));
    }
}
