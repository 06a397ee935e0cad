package dev.normlab.attacks;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.CrossEntropyOptions;
import dev.normlab.engine.autograd.Losses;
import dev.normlab.engine.autograd.Softmax;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.tensor.Tensor;
import java.util.Optional;

/// Losses of adversarial training, from the logits `z` of clean and `z'` of adversarial images, `[n, k]` each; with [HypersphereEmbedding]
/// from cosines. Gradients flow to both.
///
/// @param kind  which loss
/// @param beta  weight of the term that ties both outputs together; PGD-AT has none
/// @param embedding scale and margin for models whose outputs are cosines
public record RobustLoss(Kind kind, float beta, Optional<HypersphereEmbedding> embedding) {

    /// Which loss.
    public enum Kind {
        /// `mean CE(z')` (Madry et al. 2018, arXiv:1706.06083).
        PGD_AT,
        /// `mean CE(z) + beta / n · Σ KL(p || p')` with the softmax distributions `p`, `p'` of both (Zhang et al. 2019, arXiv:1901.08573).
        TRADES,
        /// `CE(z) / 2 + CE(z') / 2 + beta · mean (z - z')²`, the mean over images and classes (Kannan et al. 2018, arXiv:1803.06373).
        ALP
    }

    /// @throws IllegalArgumentException if beta is negative or not finite
    public RobustLoss {
        if (!(beta >= 0 && beta < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("adversarial training: beta is a number of at least 0, but got " + beta);
        }
    }

    /// A loss without hypersphere embedding.
    public static RobustLoss of(Kind kind, float beta) {
        return new RobustLoss(kind, beta, Optional.empty());
    }

    /// Whether the loss looks at the outputs for clean images.
    public boolean usesClean() {
        return kind != Kind.PGD_AT;
    }

    /// The training loss, one element.
    ///
    /// @param clean       ignored by PGD-AT
    /// @param labels      int `[n]`
    public Tensor of(Tape tape, Tensor clean, Tensor adversarial, Tensor labels) {
        return switch (kind) {
            case PGD_AT -> crossEntropy(tape, adversarial, labels);
            case TRADES -> Arithmetic.add(tape, crossEntropy(tape, clean, labels),
                    Arithmetic.scale(tape, divergence(tape, clean, adversarial, Losses.KlReduction.BATCH_MEAN), beta));
            case ALP -> {
                Tensor both = Arithmetic.add(tape, crossEntropy(tape, clean, labels), crossEntropy(tape, adversarial, labels));
                Tensor apart = Losses.mse(tape, clean, adversarial, Reduction.MEAN);
                yield Arithmetic.add(tape, Arithmetic.scale(tape, both, 0.5f), Arithmetic.scale(tape, apart, beta));
            }
        };
    }

    /// What adversarial images are made to increase: TRADES the divergence from the clean outputs, the others the cross entropy; summed
    /// over images, so that none depends on the others, and without a margin.
    ///
    /// @param clean of no effect but for TRADES; no gradient flows to it
    Tensor crafting(Tape tape, Tensor clean, Tensor adversarial, Tensor labels) {
        return kind == Kind.TRADES
                ? divergence(tape, clean, adversarial, Losses.KlReduction.SUM)
                : Losses.crossEntropy(tape, scaled(tape, adversarial), labels, CrossEntropyOptions.of(Reduction.SUM));
    }

    private Tensor crossEntropy(Tape tape, Tensor outputs, Tensor labels) {
        Tensor logits = embedding.isPresent() ? embedding.get().withMargin(tape, outputs, labels) : outputs;
        return Losses.crossEntropy(tape, logits, labels);
    }

    private Tensor divergence(Tape tape, Tensor clean, Tensor adversarial, Losses.KlReduction reduction) {
        return Losses.klDiv(tape, Softmax.logSoftmax(tape, scaled(tape, adversarial), 1), Softmax.logSoftmax(tape, scaled(tape, clean), 1),
                true,
                reduction);
    }

    private Tensor scaled(Tape tape, Tensor outputs) {
        return embedding.isPresent() ? embedding.get().scaled(tape, outputs) : outputs;
    }
}
