package dev.normlab.attacks;

/// How Auto-PGD runs. The defaults are those of Croce and Hein 2020, section 3.
///
/// @param variant    the loss, and with it the attack's name
/// @param iterations gradient steps of a restart
/// @param restarts   runs; for the targeted variant runs for each target; later ones see the images that no earlier one fooled
/// @param targets    how many classes the targeted variant aims at, the likeliest wrong ones first; at most the number of classes less one
/// @param rho        the share of steps between two checkpoints that must raise the loss, or else the step is halved
/// @param draws      passes whose mean is the gradient, for models with random numbers of their own
/// @param largeFirst whether l1 runs begin with three and two times the radius (Croce and Hein 2021, section 4.4); other norms ignore it
public record ApgdOptions(Variant variant, int iterations, int restarts, int targets, float rho, int draws, boolean largeFirst) {

    /// What is maximised.
    public enum Variant {
        /// The cross entropy.
        CE("apgd-ce", AttackLoss.CROSS_ENTROPY),
        /// The difference of logits ratio.
        DLR("apgd-dlr", AttackLoss.DLR),
        /// The targeted difference of logits ratio, for several targets in turn.
        TARGETED("apgd-t", AttackLoss.TARGETED_DLR);

        private final String attack;
        private final AttackLoss loss;

        Variant(String attack, AttackLoss loss) {
            this.attack = attack;
            this.loss = loss;
        }

        /// The attack's name.
        public String attack() {
            return attack;
        }

        /// The loss.
        public AttackLoss loss() {
            return loss;
        }
    }

    /// One hundred steps once (once for each of nine targets), without larger radii at first.
    public static ApgdOptions of(Variant variant) {
        return new ApgdOptions(variant, 100, 1, 9, 0.75f, 1, false);
    }

    /// Checks the values.
    ///
    /// @throws IllegalArgumentException if a count is below 1 or rho is not in (0, 1]
    public ApgdOptions {
        if (iterations < 1 || restarts < 1 || targets < 1 || draws < 1) {
            throw new IllegalArgumentException("apgd: iterations, restarts, targets and draws are at least 1, but got " + iterations + ", "
                    + restarts + ", " + targets + " and " + draws);
        }
        if (!(rho > 0 && rho <= 1)) {
            throw new IllegalArgumentException("apgd: rho is in (0, 1], but got " + rho);
        }
    }

    /// These options with another number of steps.
    public ApgdOptions withIterations(int count) {
        return new ApgdOptions(variant, count, restarts, targets, rho, draws, largeFirst);
    }

    /// These options with another number of restarts.
    public ApgdOptions withRestarts(int count) {
        return new ApgdOptions(variant, iterations, count, targets, rho, draws, largeFirst);
    }

    /// These options with another number of targets.
    public ApgdOptions withTargets(int count) {
        return new ApgdOptions(variant, iterations, restarts, count, rho, draws, largeFirst);
    }

    /// These options with another number of draws.
    public ApgdOptions withDraws(int count) {
        return new ApgdOptions(variant, iterations, restarts, targets, rho, count, largeFirst);
    }

    /// These options with or without larger radii at first.
    public ApgdOptions withLargeFirst(boolean large) {
        return new ApgdOptions(variant, iterations, restarts, targets, rho, draws, large);
    }
}
