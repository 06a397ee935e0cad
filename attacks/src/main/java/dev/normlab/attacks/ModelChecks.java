package dev.normlab.attacks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/// What may make a robust accuracy look better than it is, said before and after the attacks run.
final class ModelChecks {

    private static final int PASSES = 5;
    /// Images that are passed several times, from the first on: as many whatever the batch size.
    private static final int REPEATED = 128;
    private static final double PROBABILITY_TOLERANCE = 1e-3;
    private static final double MASKING_SHARE = 0.002;

    private ModelChecks() {}

    /// Warnings about the model itself, which do not depend on the batch size: five passes that differ on the first 128 clean images, and
    /// outputs that are probabilities on all of them.
    ///
    /// @param images all clean images, `[n, c, h, w]`
    /// @param logits of all of them, `[n, classes]`
    static List<String> ofModel(Victim victim, float[] images, float[] logits) {
        List<String> warnings = new ArrayList<>();
        int repeated = Math.min(logits.length / victim.classes(), REPEATED);
        for (int pass = 1; pass < PASSES; pass++) {
            float[] again = victim.logits(images, repeated);
            if (!Arrays.equals(again, 0, again.length, logits, 0, again.length)) {
                warnings.add(
                        "the model gives different outputs for the same images: it draws random numbers of its own, and one gradient says "
                                + "little; use the ensemble rand, or draws");
                break;
            }
        }
        if (looksLikeProbabilities(logits, victim.classes())) {
            warnings.add(
                    "the model's outputs look like probabilities rather than logits: its gradients vanish where it is sure; take the softmax "
                            + "off");
        }
        return warnings;
    }

    private static boolean looksLikeProbabilities(float[] logits, int classes) {
        for (int i = 0; i < logits.length; i += classes) {
            double sum = 0;
            for (int k = 0; k < classes; k++) {
                if (!(logits[i + k] >= 0 && logits[i + k] <= 1 + PROBABILITY_TOLERANCE)) {
                    return false;
                }
                sum += logits[i + k];
            }
            if (!(Math.abs(sum - 1) <= PROBABILITY_TOLERANCE)) {
                return false;
            }
        }
        return true;
    }

    /// Warnings about what the attacks met: losses that need more classes, zero gradients, and attacks without gradients that find what
    /// gradients do not.
    ///
    /// @param individual whether every attack saw all images
    static List<String> ofAttacks(List<Attack> attacks, List<RobustnessResult.AttackResult> results, int[] fooledBy, boolean individual) {
        List<String> warnings = new ArrayList<>();
        for (RobustnessResult.AttackResult result : results) {
            if (!result.exactLoss()) {
                warnings.add(result.name() + " ran on the difference of logits: its own loss needs more classes than the model has");
            }
            if (result.zeroGradients() > 0) {
                warnings.add(result.name() + " met a zero gradient, from which it cannot go anywhere, at the start of a run on "
                        + result.zeroGradients() + " of " + result.attacked() + " images");
            }
            if (result.unconfirmed() > 0) {
                warnings.add(result.name() + " took " + result.unconfirmed() + " images for fooled that are right on classifying them "
                        + "again, and that count as robust: the model gives outputs that are no numbers, or others every time");
            }
        }
        for (int a = 0; a < results.size(); a++) {
            if (!attacks.get(a).usesGradients()) {
                (individual ? maskedIndividually(attacks, results, a, fooledBy.length) : masked(attacks, results, a, fooledBy))
                        .ifPresent(warnings::add);
            }
        }
        return warnings;
    }

    /// Where every attack saw all images: whether one without gradients leaves clearly fewer robust than each with gradients. The order of
    /// the attacks does not matter.
    private static Optional<String> maskedIndividually(List<Attack> attacks, List<RobustnessResult.AttackResult> results, int number,
            int n) {
        RobustnessResult.AttackResult without = results.get(number);
        OptionalInt least = IntStream.range(0, results.size()).filter(a -> attacks.get(a).usesGradients())
                .map(a -> results.get(a).robustCorrect()).min();
        return least.isPresent() && least.getAsInt() - without.robustCorrect() > MASKING_SHARE * n
                ? Optional.of(without.name() + ", which uses no gradients, left " + without.robustCorrect()
                        + " images robust, and every gradient attack at least " + least.getAsInt() + ": the model may mask its gradients")
                : Optional.empty();
    }

    /// Where an attack saw the survivors of those before it: whether one without gradients fooled some on which gradients had failed.
    private static Optional<String> masked(List<Attack> attacks, List<RobustnessResult.AttackResult> results, int number, int[] fooledBy) {
        String name = results.get(number).name();
        if (attacks.subList(0, number).stream().noneMatch(Attack::usesGradients)) {
            return attacks.stream().anyMatch(Attack::usesGradients)
                    ? Optional.of(name + ", which uses no gradients, ran before all attacks that do, so that nobody knows whether it fools "
                            + "images that these do not, as with masked gradients; put it behind one, or let every attack see all images")
                    : Optional.empty();
        }
        long fooled = Arrays.stream(fooledBy).filter(by -> by == number).count();
        return fooled > MASKING_SHARE * fooledBy.length
                ? Optional.of(name + ", which uses no gradients, fooled " + fooled + " images that the gradient attacks before it did not: "
                        + "the model may mask its gradients")
                : Optional.empty();
    }
}
