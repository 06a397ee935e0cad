package dev.normlab.attacks;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.CrossEntropyOptions;
import dev.normlab.engine.autograd.Losses;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;

/// What gradient attacks make as large as they can: one number for each image, from its logits `z`, its true class `y` and a target `t`.
///
/// The difference of logits ratio (DLR) is that of Croce and Hein 2020 (arXiv:2003.01690): it does not change when logits are shifted or
/// scaled, so that a model cannot hide its gradients behind large logits as it can with the cross entropy.
public enum AttackLoss {

    /// `-z_y + ln Σ e^z`, the maximum subtracted first.
    CROSS_ENTROPY {
        @Override
        Tensor of(Tape tape, Tensor logits, Goal goal) {
            return Losses.crossEntropy(tape, logits, goal.labels(), CrossEntropyOptions.of(Reduction.NONE));
        }
    },

    /// `z_t - ln Σ e^z`: minus the cross entropy of the target.
    TARGETED_CROSS_ENTROPY {
        @Override
        Tensor of(Tape tape, Tensor logits, Goal goal) {
            return Arithmetic.negate(tape, Losses.crossEntropy(tape, logits, goal.targets(), CrossEntropyOptions.of(Reduction.NONE)));
        }
    },

    /// `-(z_y - max_{i≠y} z_i) / (z_π1 - z_π3 + 1e-12)` where π sorts the logits descending: in [-1, 0] while `y` ranks first, exactly 1
    /// where it ranks third. With fewer than three classes the [#MARGIN].
    DLR {
        @Override
        Tensor of(Tape tape, Tensor logits, Goal goal) {
            Tensor margin = MARGIN.of(tape, logits, goal);
            if (!isExactFor(logits.shape().size(1))) {
                return margin;
            }
            Tensor sorted = Reductions.topK(tape, logits, 3, 1).values();
            Tensor spread = Arithmetic.subtract(tape, rank(tape, sorted, 0), rank(tape, sorted, 2));
            return Arithmetic.divide(tape, margin, guarded(tape, spread));
        }
    },

    /// `-(z_y - z_t) / (z_π1 - (z_π3 + z_π4) / 2 + 1e-12)`. With fewer than four classes the [#LOGIT_DIFFERENCE].
    TARGETED_DLR {
        @Override
        Tensor of(Tape tape, Tensor logits, Goal goal) {
            Tensor difference = LOGIT_DIFFERENCE.of(tape, logits, goal);
            if (!isExactFor(logits.shape().size(1))) {
                return difference;
            }
            Tensor sorted = Reductions.topK(tape, logits, 4, 1).values();
            Tensor middle = Arithmetic.scale(tape, Arithmetic.add(tape, rank(tape, sorted, 2), rank(tape, sorted, 3)), 0.5f);
            return Arithmetic.divide(tape, difference, guarded(tape, Arithmetic.subtract(tape, rank(tape, sorted, 0), middle)));
        }
    },

    /// `max_{i≠y} z_i - z_y`: positive if and only if the image is misclassified, ties aside.
    MARGIN {
        @Override
        Tensor of(Tape tape, Tensor logits, Goal goal) {
            Tensor sorted = Reductions.topK(tape, logits, 2, 1).values();
            Tensor right = Arithmetic.equalIndices(tape, Reductions.argMax(tape, logits, 1, false), goal.labels());
            Tensor other = Arrangement.select(tape, right, rank(tape, sorted, 1), rank(tape, sorted, 0));
            return Arithmetic.subtract(tape, other, ofClass(tape, logits, goal.labelColumn()));
        }
    },

    /// `z_t - z_y`.
    LOGIT_DIFFERENCE {
        @Override
        Tensor of(Tape tape, Tensor logits, Goal goal) {
            return Arithmetic.subtract(tape, ofClass(tape, logits, goal.targetColumn()), ofClass(tape, logits, goal.labelColumn()));
        }
    };

    private static final float SMALLEST_SPREAD = 1e-12f;

    /// Classes of the images of a batch, int.
    ///
    /// @param labels       true classes, `[n]`
    /// @param labelColumn  the same, `[n, 1]`
    /// @param targets      classes to reach, `[n]`
    /// @param targetColumn the same, `[n, 1]`
    record Goal(Tensor labels, Tensor labelColumn, Tensor targets, Tensor targetColumn) {

        /// No image in particular, for `n` images.
        static Goal of(int n) {
            return new Goal(Tensor.ofInts(Shape.of(n), new int[n]).named("labels"), Tensor.ofInts(Shape.of(n, 1), new int[n]),
                    Tensor.ofInts(Shape.of(n), new int[n]).named("targets"), Tensor.ofInts(Shape.of(n, 1), new int[n]));
        }

        void set(int[] givenLabels, int[] givenTargets) {
            labels.setInts(givenLabels);
            labelColumn.setInts(givenLabels);
            targets.setInts(givenTargets);
            targetColumn.setInts(givenTargets);
        }
    }

    /// The losses `[n]` of logits `[n, k]`, `k >= 2`, with gradients for the logits (through the denominators too).
    abstract Tensor of(Tape tape, Tensor logits, Goal goal);

    /// Whether a model with this number of classes gets the loss itself, rather than the simpler one that its description names.
    public boolean isExactFor(int classes) {
        return switch (this) {
            case DLR -> classes >= 3;
            case TARGETED_DLR -> classes >= 4;
            case CROSS_ENTROPY, TARGETED_CROSS_ENTROPY, MARGIN, LOGIT_DIFFERENCE -> true;
        };
    }

    /// The logits of one class an image.
    private static Tensor ofClass(Tape tape, Tensor logits, Tensor column) {
        return Arrangement.reshape(tape, Arrangement.gather(tape, logits, 1, column), logits.shape().size(0));
    }

    private static Tensor rank(Tape tape, Tensor sorted, int rank) {
        return Arrangement.reshape(tape, Arrangement.slice(tape, sorted, 1, rank, 1), sorted.shape().size(0));
    }

    /// `spread + 1e-12`, and 1 more where the spread is zero: three equal top logits would otherwise give gradients of 1e12.
    private static Tensor guarded(Tape tape, Tensor spread) {
        Tensor degenerate = Arithmetic.equal(tape, spread, Tensor.scalar(0f));
        return Arithmetic.add(tape, Arithmetic.add(tape, spread, degenerate), Tensor.scalar(SMALLEST_SPREAD));
    }
}
