package dev.normlab.attacks;

/// How the fast adaptive boundary attack runs. The defaults are those of AutoAttack.
///
/// @param targeted   whether a run looks at the boundary to one class alone, one target after the other, rather than at the nearest of all
/// @param iterations steps of a restart
/// @param restarts   runs (for each target); later ones begin at random points and see the images that no earlier one fooled
/// @param targets    how many classes the targeted variant aims at, the likeliest wrong ones first
/// @param alphaMax   most weight of the projection of the clean image
/// @param eta        overshoot beyond the boundary
/// @param beta       share of the perturbation that stays after a success
/// @param minimise   whether images that are fooled already go on in later restarts, for the smallest perturbation rather than for robust
///     accuracy
public record FabOptions(boolean targeted, int iterations, int restarts, int targets, double alphaMax, double eta, double beta,
        boolean minimise) {

    /// One hundred steps, once, at the nearest boundary.
    public static final FabOptions UNTARGETED = new FabOptions(false, 100, 1, 9, 0.1, 1.05, 0.9, false);
    /// One hundred steps, once for each of nine targets.
    public static final FabOptions TARGETED = new FabOptions(true, 100, 1, 9, 0.1, 1.05, 0.9, false);

    /// Checks the values.
    ///
    /// @throws IllegalArgumentException if a count is below 1 or a factor out of range
    public FabOptions {
        if (iterations < 1 || restarts < 1 || targets < 1) {
            throw new IllegalArgumentException(
                    "fab: iterations, restarts and targets are at least 1, but got " + iterations + ", " + restarts + " and " + targets);
        }
        if (!(alphaMax >= 0 && alphaMax <= 1 && eta >= 1 && beta > 0 && beta <= 1)) {
            throw new IllegalArgumentException("fab: expected alphaMax in [0, 1], eta of at least 1 and beta in (0, 1], but got " + alphaMax
                    + ", " + eta + " and " + beta);
        }
    }

    /// These options with another number of steps.
    public FabOptions withIterations(int count) {
        return new FabOptions(targeted, count, restarts, targets, alphaMax, eta, beta, minimise);
    }

    /// These options with another number of restarts.
    public FabOptions withRestarts(int count) {
        return new FabOptions(targeted, iterations, count, targets, alphaMax, eta, beta, minimise);
    }

    /// These options with another number of targets.
    public FabOptions withTargets(int count) {
        return new FabOptions(targeted, iterations, restarts, count, alphaMax, eta, beta, minimise);
    }

    /// These options for smallest perturbations.
    public FabOptions minimising() {
        return new FabOptions(targeted, iterations, restarts, targets, alphaMax, eta, beta, true);
    }
}
