package dev.normlab.attacks;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.CrossEntropyOptions;
import dev.normlab.engine.autograd.Losses;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Softmax;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.tensor.Tensor;
import java.util.Locale;
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
        ALP;

        /// The name on the command line and in run folders: `pgd-at`, `trades`, `alp`.
        public String label() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        /// Whether the loss ties the outputs for clean and adversarial images together, with a weight.
        public boolean pairs() {
            return this != PGD_AT;
        }

        /// The loss of a name.
        ///
        /// @throws IllegalArgumentException if there is none
        public static Kind parse(String label) {
            for (Kind kind : values()) {
                if (kind.label().equals(label)) {
                    return kind;
                }
            }
            throw new IllegalArgumentException("there is no loss of adversarial training '" + label + "'; known: pgd-at, trades, alp");
        }
    }

    /// Checks the values.
    ///
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
        return kind.pairs();
    }

    /// Whether making adversarial images needs the outputs for clean ones.
    boolean craftsFromClean() {
        return kind == Kind.TRADES;
    }

    /// The training loss, one element.
    ///
    /// @param clean       ignored by PGD-AT
    /// @param labels      int `[n]`
    public Tensor of(Tape tape, Tensor clean, Tensor adversarial, Tensor labels) {
        return switch (kind) {
            case PGD_AT -> crossEntropy(tape, adversarial, labels);
            case TRADES -> Arithmetic.add(tape, crossEntropy(tape, clean, labels),
                    Arithmetic.scale(tape, divergence(tape, clean, adversarial), beta));
            case ALP -> {
                Tensor both = Arithmetic.add(tape, crossEntropy(tape, clean, labels), crossEntropy(tape, adversarial, labels));
                Tensor apart = Losses.mse(tape, clean, adversarial, Reduction.MEAN);
                yield Arithmetic.add(tape, Arithmetic.scale(tape, both, 0.5f), Arithmetic.scale(tape, apart, beta));
            }
        };
    }

    /// The distribution that TRADES pushes adversarial outputs away from, `[n, k]`: the softmax of the clean outputs.
    Tensor distribution(Tape tape, Tensor clean) {
        return Softmax.softmax(tape, scaled(tape, clean), 1);
    }

    /// What adversarial images are made to increase: TRADES the divergence from the clean distribution `p`, as `-Σ p ln p'`, which differs
    /// from it by a constant; the others the cross entropy. Summed over images, so that none depends on the others, and without a margin.
    ///
    /// @param distribution [#distribution] of the clean outputs for TRADES, to which no gradient flows; else of no effect
    Tensor crafting(Tape tape, Tensor distribution, Tensor adversarial, Tensor labels) {
        if (kind != Kind.TRADES) {
            return Losses.crossEntropy(tape, scaled(tape, adversarial), labels, CrossEntropyOptions.of(Reduction.SUM));
        }
        Tensor terms = Arithmetic.multiply(tape, distribution, Softmax.logSoftmax(tape, scaled(tape, adversarial), 1));
        return Arithmetic.scale(tape, Reductions.sum(tape, terms, false), -1);
    }

    private Tensor crossEntropy(Tape tape, Tensor outputs, Tensor labels) {
        Tensor logits = embedding.isPresent() ? embedding.get().withMargin(tape, outputs, labels) : outputs;
        return Losses.crossEntropy(tape, logits, labels);
    }

    private Tensor divergence(Tape tape, Tensor clean, Tensor adversarial) {
        return Losses.klDiv(tape, Softmax.logSoftmax(tape, scaled(tape, adversarial), 1), Softmax.logSoftmax(tape, scaled(tape, clean), 1),
                true, Losses.KlReduction.BATCH_MEAN);
    }

    private Tensor scaled(Tape tape, Tensor outputs) {
        return embedding.isPresent() ? embedding.get().scaled(tape, outputs) : outputs;
    }
}
