package dev.normlab.attacks;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;

/// The geometry of a gradient step: its direction in a norm, and the way back into the ball and the box. Operations on a tape, so that a step can be recorded.
final class GradientStep {

    private static final float TINY = 1e-12f;

    private GradientStep() {}

    /// The steepest direction of a gradient `[n, c, h, w]`: its sign (linf) or each image's unit vector (l2); zero for a zero gradient.
    static Tensor direction(Tape tape, ThreatModel.Ball ball, Tensor gradient) {
        return switch (ball) {
            case LINF -> Arithmetic.sign(tape, gradient);
            case L2 -> Arithmetic.divide(tape, gradient, length(tape, gradient));
        };
    }

    /// The projection of `moved` to the ball of radius `eps` around `clean`, then to [0, 1].
    ///
    /// For linf both together are the exact projection to the intersection; for l2 the point is feasible but not the nearest.
    ///
    /// @param eps one element
    static Tensor project(Tape tape, ThreatModel.Ball ball, Tensor clean, Tensor moved, Tensor eps) {
        Tensor inBall = switch (ball) {
            case LINF -> {
                Tensor below = Arithmetic.minimum(tape, moved, Arithmetic.add(tape, clean, eps));
                yield Arithmetic.maximum(tape, below, Arithmetic.subtract(tape, clean, eps));
            }
            case L2 -> {
                Tensor delta = Arithmetic.subtract(tape, moved, clean);
                Tensor factor = Arithmetic.clamp(tape, Arithmetic.divide(tape, eps, length(tape, delta)), 0f, 1f);
                yield Arithmetic.add(tape, clean, Arithmetic.multiply(tape, delta, factor));
            }
        };
        return Arithmetic.clamp(tape, inBall, 0f, 1f);
    }

    /// Each image's Euclidean length `[n, 1, 1, 1]`, at least 1e-12.
    private static Tensor length(Tape tape, Tensor x) {
        Tensor squares = Reductions.sum(tape, Arithmetic.square(tape, x), true, 1, 2, 3);
        return Arithmetic.clamp(tape, Arithmetic.sqrt(tape, squares), TINY, Float.POSITIVE_INFINITY);
    }
}
