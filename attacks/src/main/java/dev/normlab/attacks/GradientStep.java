package dev.normlab.attacks;

import dev.normlab.engine.program.Executor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Tensor;
import java.util.List;

/// The geometry of a gradient step: along the steepest direction of a norm, then back into the ball and the box. One operation, so that a
/// step can be recorded and passes over the images once.
final class GradientStep {

    private GradientStep() {}

    /// Moves `point` `[n, c, h, w]` in place by `stepSize` along the sign (linf) or each image's unit vector (l2) of the gradient, then
    /// projects it to the ball of radius `eps` around `clean`, then to [0, 1]. A zero gradient moves nothing.
    ///
    /// For linf both projections together are the exact projection to the intersection; for l2 the point is feasible but not the nearest.
    ///
    /// @param stepSize one element
    /// @param eps      one element
    static void move(Executor executor, ThreatModel.Ball ball, Tensor point, Tensor gradient, Tensor clean, Tensor stepSize, Tensor eps) {
        Opcode step = switch (ball) {
            case LINF -> Opcode.SIGN_STEP;
            case L2 -> Opcode.UNIT_STEP;
            case L1 -> throw new IllegalArgumentException(
                    "steps in l1 choose coordinates, for every image some others: expected linf or l2 here, SPARSE_STEP for l1");
        };
        executor.update(step, null, List.of(point), gradient, clean, stepSize, eps);
    }

    /// The sums of the absolute values of gradients, an image each: 0 where no step goes anywhere.
    ///
    /// @param gradients of all images, one after the other
    /// @param length    values of an image
    static float[] sizes(float[] gradients, int length) {
        float[] sizes = new float[gradients.length / length];
        for (int j = 0; j < gradients.length; j++) {
            sizes[j / length] += Math.abs(gradients[j]);
        }
        return sizes;
    }
}
