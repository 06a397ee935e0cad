package dev.normlab.nn.optim;

import java.util.List;

/// The learning rate as a function of the epoch. A pure function, so that a resumed run needs no state of it.
@FunctionalInterface
public interface Schedule {

    /// The learning rate during an epoch.
    ///
    /// @param base  the learning rate the run was started with
    /// @param epoch from 0
    double learningRate(double base, int epoch);

    /// Always the base rate.
    static Schedule constant() {
        return (base, epoch) -> base;
    }

    /// The base rate times `gamma` for every `size` epochs that have passed.
    ///
    /// @throws IllegalArgumentException if the size is below 1
    static Schedule step(int size, double gamma) {
        if (size < 1) {
            throw new IllegalArgumentException("a step schedule needs steps of at least 1 epoch, but got " + size);
        }
        return (base, epoch) -> base * StrictMath.pow(gamma, epoch / size);
    }

    /// The base rate times `gamma` for every milestone that the epoch, counted from 0, has reached.
    static Schedule multiStep(List<Integer> milestones, double gamma) {
        List<Integer> kept = List.copyOf(milestones);
        return (base, epoch) -> base * StrictMath.pow(gamma, kept.stream().filter(milestone -> epoch >= milestone).count());
    }

    /// From the base rate down to `minimum` along half a cosine (Loshchilov & Hutter, "SGDR", 2017, without restarts).
    ///
    /// @param epochs after how many epochs the minimum would be reached
    /// @throws IllegalArgumentException if there is not at least one epoch
    static Schedule cosine(int epochs, double minimum) {
        if (epochs < 1) {
            throw new IllegalArgumentException("a cosine schedule needs at least 1 epoch, but got " + epochs);
        }
        return (base, epoch) -> minimum + (base - minimum) * (1 + StrictMath.cos(Math.PI * epoch / epochs)) / 2;
    }

    /// The schedule of the reference, whose runs have 120 epochs: the base rate, then a tenth, a hundredth and a thousandth of it from the
    /// epochs 75, 90 and 100 on, counted from 1.
    static Schedule reference() {
        return (base, epoch) -> {
            int number = epoch + 1;
            return base * (number >= 100 ? 0.001 : number >= 90 ? 0.01 : number >= 75 ? 0.1 : 1);
        };
    }
}
