package dev.normlab.attacks;

import java.util.Arrays;

/// The shortest way from an image to a hyperplane inside the box [0, 1] (Croce and Hein 2020, "Minimally distorted adversarial examples
/// with a fast adaptive boundary attack", arXiv:1907.02044, section 3.1 and appendix A).
///
/// To lower `<w, x>` by `c >= 0`, coordinate `i` moves by `-sign(w_i) m_i` with `0 <= m_i <= cap_i`, where the box leaves `cap_i = x_i` if
/// `w_i > 0` and `1 - x_i` otherwise; coordinates with `w_i = 0` stay. Of all `m` with `Σ |w_i| m_i = c` the one of least norm is `min(μ,
/// cap_i)` for linf, `min(μ |w_i|, cap_i)` for l2, and for l1 full capacities in the order of descending `|w_i|`, the last one partly. For
/// `c < 0` signs are flipped.
final class BoxHyperplane {

    private static final int NEWTON_STEPS = 200;

    private BoxHyperplane() {}

    /// Writes the displacement from an image to the hyperplane.
    ///
    /// @param w      normal vector, from `wFrom` on
    /// @param excess `<w, x> - b`: how far the image lies beyond the hyperplane `<w, x> = b`
    /// @param x      the image, from `xFrom` on
    /// @param delta  receives `length` numbers
    /// @return whether the box reaches the hyperplane; if not, `delta` goes as far as it can
    static boolean displacement(ThreatModel.Ball ball, float[] w, int wFrom, double excess, float[] x, int xFrom, int length,
            double[] delta) {
        double c = Math.abs(excess);
        double flip = excess < 0 ? -1 : 1;
        double most = 0;
        for (int i = 0; i < length; i++) {
            most += Math.abs(w[wFrom + i]) * capacity(flip * w[wFrom + i], x[xFrom + i]);
        }
        boolean reached = most >= c;
        if (ball == ThreatModel.Ball.L1) {
            fill(w, wFrom, reached ? c : most, flip, x, xFrom, length, delta);
            return reached;
        }
        double scale = reached ? scale(ball, w, wFrom, c, flip, x, xFrom, length) : Double.POSITIVE_INFINITY;
        for (int i = 0; i < length; i++) {
            double slope = flip * w[wFrom + i];
            double rate = ball == ThreatModel.Ball.LINF ? 1 : Math.abs(slope);
            delta[i] = slope == 0 ? 0 : -Math.signum(slope) * Math.min(scale * rate, capacity(slope, x[xFrom + i]));
        }
        return reached;
    }

    private static double capacity(double slope, double value) {
        return slope > 0 ? value : 1 - value;
    }

    /// The root of `Σ |w_i| min(μ r_i, cap_i) = c`, with `r_i` 1 or `|w_i|`: a concave, piecewise linear function, on which Newton's method
    /// from 0 climbs to the root in finitely many steps.
    private static double scale(ThreatModel.Ball ball, float[] w, int wFrom, double c, double flip, float[] x, int xFrom, int length) {
        double scale = 0;
        for (int step = 0; step < NEWTON_STEPS; step++) {
            double gained = 0;
            double rise = 0;
            for (int i = 0; i < length; i++) {
                double slope = flip * w[wFrom + i];
                double size = Math.abs(slope);
                double rate = ball == ThreatModel.Ball.LINF ? 1 : size;
                double room = capacity(slope, x[xFrom + i]);
                if (scale * rate < room) {
                    gained += size * scale * rate;
                    rise += size * rate;
                } else {
                    gained += size * room;
                }
            }
            double next = rise > 0 ? scale + (c - gained) / rise : scale;
            if (!(next > scale)) {
                break;
            }
            scale = next;
        }
        return scale;
    }

    private static void fill(float[] w, int wFrom, double c, double flip, float[] x, int xFrom, int length, double[] delta) {
        Arrays.fill(delta, 0, length, 0);
        // magnitude above, position below: ascending order is by magnitude, equal ones by descending position
        long[] keys = new long[length];
        for (int i = 0; i < length; i++) {
            keys[i] = (long) Float.floatToIntBits(Math.abs(w[wFrom + i])) << 32 | (length - i);
        }
        Arrays.sort(keys);
        double left = c;
        for (int k = length - 1; k >= 0 && left > 0; k--) {
            int i = length - (int) keys[k];
            double slope = flip * w[wFrom + i];
            if (slope == 0) {
                return;
            }
            double move = Math.min(capacity(slope, x[xFrom + i]), left / Math.abs(slope));
            delta[i] = -Math.signum(slope) * move;
            left -= move * Math.abs(slope);
        }
    }

    /// The length of a displacement in a norm.
    static double norm(ThreatModel.Ball ball, double[] delta, int length) {
        double largest = 0;
        double squares = 0;
        double sum = 0;
        for (int i = 0; i < length; i++) {
            double size = Math.abs(delta[i]);
            largest = Math.max(largest, size);
            squares += size * size;
            sum += size;
        }
        return switch (ball) {
            case LINF -> largest;
            case L2 -> Math.sqrt(squares);
            case L1 -> sum;
        };
    }
}
