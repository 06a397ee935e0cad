package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.kernel.BallProjection;
import dev.normlab.engine.kernel.StepDirection;
import java.util.Arrays;

/// Steps of Auto-PGD over the elements `from .. from + length - 1`, which are one image, of points, gradients and clean images.
final class ScalarAttackSteps {

    private static final double SHORTEST = 1e-12;

    private ScalarAttackSteps() {}

    /// @param ahead scratch as long as `x`
    static void momentum(StepDirection direction, double stepSize, double eps, double share, float[] gradient, float[] clean, float[] x,
            float[] previous, float[] ahead, int from, int length) {
        double unit = direction == StepDirection.UNIT ? stepSize / Math.max(norm(gradient, from, length), SHORTEST) : 0;
        for (int i = from; i < from + length; i++) {
            float g = finite(gradient[i]);
            double along = direction == StepDirection.UNIT ? unit * g : stepSize * Math.signum(g);
            ahead[i] = (float) (x[i] + along);
        }
        project(direction, eps, clean, ahead, from, length);
        for (int i = from; i < from + length; i++) {
            float now = x[i];
            double next = now + share * ((double) ahead[i] - now) + (1 - share) * ((double) now - previous[i]);
            previous[i] = now;
            x[i] = (float) next;
        }
        project(direction, eps, clean, x, from, length);
    }

    private static void project(StepDirection direction, double eps, float[] clean, float[] x, int from, int length) {
        switch (direction) {
            case SIGN -> BallProjection.linf(eps, clean, x, from, length);
            case UNIT -> BallProjection.l2(eps, clean, x, from, length);
        }
    }

    private static double norm(float[] gradient, int from, int length) {
        double squares = 0;
        for (int i = from; i < from + length; i++) {
            double g = finite(gradient[i]);
            squares += g * g;
        }
        return Math.sqrt(squares);
    }

    /// An entry that is no number leads nowhere, an infinite one further than all finite ones.
    private static float finite(float entry) {
        return Float.isNaN(entry) ? 0 : Math.clamp(entry, -Float.MAX_VALUE, Float.MAX_VALUE);
    }

    /// @param rank  of the smallest entry that moves, magnitudes ascending
    /// @param sizes scratch as long as `x`
    static void sparse(int rank, double stepSize, double eps, float[] gradient, float[] clean, float[] x, float[] sizes, int from,
            int length) {
        for (int i = from; i < from + length; i++) {
            sizes[i] = size(gradient[i]);
        }
        Arrays.sort(sizes, from, from + length);
        float threshold = sizes[from + rank];
        int chosen = 0;
        for (int i = from; i < from + length; i++) {
            chosen += size(gradient[i]) > 0 && size(gradient[i]) >= threshold ? 1 : 0;
        }
        for (int i = from; i < from + length && chosen > 0; i++) {
            if (size(gradient[i]) > 0 && size(gradient[i]) >= threshold) {
                x[i] = (float) (x[i] + stepSize / chosen * Math.signum(gradient[i]));
            }
        }
        BallProjection.l1(eps, clean, x, from, length);
    }

    private static float size(float entry) {
        return Float.isNaN(entry) ? 0 : Math.abs(entry);
    }
}
