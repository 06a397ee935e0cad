package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.kernel.CrossEntropySizes;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.tensor.Storage;
import org.jspecify.annotations.Nullable;

/// What becomes of the losses of single rows, for every backend alike: their sum in order, and what it is divided by.
public final class LossReduction {

    private LossReduction() {}

    /// Writes the losses, or their sum or mean, to `loss`.
    public static void combine(CrossEntropySizes s, double[] losses, int[] labels, @Nullable Storage classWeight, float[] loss) {
        if (s.reduction() == Reduction.NONE) {
            for (int in = 0; in < s.n(); in++) {
                loss[in] = (float) losses[in];
            }
            return;
        }
        double sum = 0;
        for (int in = 0; in < s.n(); in++) {
            sum += losses[in];
        }
        loss[0] = (float) (sum / divisor(s, labels, classWeight));
    }

    /// What the sum of the losses is divided by: for a mean the class weights of all counted labels, else 1.
    public static double divisor(CrossEntropySizes s, int[] labels, @Nullable Storage classWeight) {
        if (s.reduction() != Reduction.MEAN) {
            return 1;
        }
        double sum = 0;
        for (int in = 0; in < s.n(); in++) {
            sum += labels[in] == s.ignoreIndex() ? 0 : weight(classWeight, labels[in]);
        }
        return sum;
    }

    /// The upstream gradient of row `in`.
    public static double upstream(CrossEntropySizes s, Storage dLoss, int in) {
        return dLoss.floats()[s.reduction() == Reduction.NONE ? in : 0];
    }

    /// The weight of a class, 1 if there are none.
    public static double weight(@Nullable Storage classWeight, int label) {
        return classWeight == null ? 1 : classWeight.floats()[label];
    }
}
