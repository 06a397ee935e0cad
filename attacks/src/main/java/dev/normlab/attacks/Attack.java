package dev.normlab.attacks;

import dev.normlab.nn.data.Dataset;

/// A way to move images so that the model errs.
public interface Attack {

    /// The name in results and on the command line, for example `pgd`.
    String name();

    /// How often it goes over the images that it has not fooled yet.
    ///
    /// @param classes of the model
    default int restarts(int classes) {
        return 1;
    }

    /// The passes of an image that it does not fool. Others take at most as many: an image that is fooled is left out of later restarts,
    /// and by some attacks at once. Not counted are classifying the clean images beforehand, for an order of targets too, and checking the
    /// result.
    ///
    /// @param classes of the model
    Passes passes(ThreatModel threat, int classes);

    /// Its options as text, which tells evaluations apart.
    default String settings() {
        return "";
    }

    /// As [#settings()], with what they mean for these images: equal for equal attacks in every process.
    default String settings(Dataset data) {
        return settings();
    }

    /// Whether the attack is itself on a model with this number of classes, rather than one with a simpler loss because its own needs more
    /// classes.
    default boolean isExactFor(int classes) {
        return true;
    }

    /// Whether it goes by gradients, which a model may mask, rather than by the model's outputs alone.
    default boolean usesGradients() {
        return true;
    }

    /// Refuses images that it has no meaning for; before anything is attacked.
    ///
    /// @param data    the images
    /// @param classes of the model
    /// @throws IllegalArgumentException that names the first such image and says what to do
    default void check(Dataset data, int classes) {}

    /// Attacks all points, which the model gets right so far.
    ///
    /// @param seed of the evaluation; an image's random numbers depend on the seed, its index, the attack's name and the restart alone
    void run(Victim victim, ThreatModel threat, Points points, long seed);
}
