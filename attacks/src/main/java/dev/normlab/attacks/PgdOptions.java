package dev.normlab.attacks;

import java.util.Optional;
import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;

/// How projected gradient descent runs.
///
/// @param iterations  gradient steps
/// @param stepSize    length of a step in the threat model's norm; empty for `2.5 eps / iterations`
/// @param randomStart whether the first iterate is uniform in the ball, else the clean image
/// @param restarts    runs; later ones see only the images that no earlier one fooled
/// @param target      the class that an image shall be taken for, given its number in the data set and its label; empty for any but its own
public record PgdOptions(int iterations, Optional<Float> stepSize, boolean randomStart, int restarts, Optional<IntBinaryOperator> target) {

    /// Twenty steps from a random start, once, untargeted.
    public static final PgdOptions DEFAULT = new PgdOptions(20, Optional.empty(), true, 1, Optional.empty());

    /// Checks the values.
    ///
    /// @throws IllegalArgumentException if a count is below 1 or the step size is not positive and finite
    public PgdOptions {
        if (iterations < 1 || restarts < 1) {
            throw new IllegalArgumentException("pgd: iterations and restarts are at least 1, but got " + iterations + " and " + restarts);
        }
        if (stepSize.isPresent() && !(stepSize.get() > 0 && stepSize.get() < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("pgd: the step size is a positive number, but got " + stepSize.get());
        }
    }

    /// These options with another number of steps.
    public PgdOptions withIterations(int count) {
        return new PgdOptions(count, stepSize, randomStart, restarts, target);
    }

    /// These options with another step size.
    public PgdOptions withStepSize(float size) {
        return new PgdOptions(iterations, Optional.of(size), randomStart, restarts, target);
    }

    /// These options with another number of restarts.
    public PgdOptions withRestarts(int count) {
        return new PgdOptions(iterations, stepSize, randomStart, count, target);
    }

    /// These options with or without a random start.
    public PgdOptions withRandomStart(boolean random) {
        return new PgdOptions(iterations, stepSize, random, restarts, target);
    }

    /// These options aimed at a class.
    ///
    /// @param ofLabel gives the target class for an image's label, another one than that
    public PgdOptions withTarget(IntUnaryOperator ofLabel) {
        return new PgdOptions(iterations, stepSize, randomStart, restarts, Optional.of((image, label) -> ofLabel.applyAsInt(label)));
    }

    /// These options aimed at a class of each image's own.
    ///
    /// @param ofImage target classes, other ones than the images' own, by the images' numbers in the data set
    public PgdOptions withTargets(int[] ofImage) {
        int[] targets = ofImage.clone();
        return new PgdOptions(iterations, stepSize, randomStart, restarts, Optional.of((image, label) -> targets[image]));
    }

    /// These options aimed at no class in particular.
    public PgdOptions untargeted() {
        return new PgdOptions(iterations, stepSize, randomStart, restarts, Optional.empty());
    }

    /// The length of a step for a ball.
    public float stepSize(float eps) {
        return stepSize.orElse(2.5f * eps / iterations);
    }
}
