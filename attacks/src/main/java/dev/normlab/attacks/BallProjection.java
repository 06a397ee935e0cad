package dev.normlab.attacks;

/// Brings moved images back into the ball around the clean ones and the box [0, 1]. One image at a time, in double precision; results are
/// rounded towards the clean image, so that rounding never leaves the ball.
final class BallProjection {

    private static final int BISECTIONS = 60;

    private BallProjection() {}

    /// Projects `x[offset ..]` in place. For linf and l1 this is the nearest point of the intersection of ball and box; for l2 the
    /// perturbation is shortened and then clipped, which is feasible but not the nearest point, as attacks have it.
    ///
    /// @param eps the radius, at least 0
    static void project(ThreatModel.Ball ball, double eps, float[] clean, float[] x, int offset, int length) {
        switch (ball) {
            case LINF -> {
                for (int i = offset; i < offset + length; i++) {
                    x[i] = moved(clean[i], Math.clamp((double) x[i] - clean[i], -eps, eps));
                }
            }
            case L2 -> {
                double norm = Math.sqrt(squares(clean, x, offset, length));
                double factor = norm > eps ? eps / norm : 1;
                for (int i = offset; i < offset + length; i++) {
                    x[i] = moved(clean[i], factor * ((double) x[i] - clean[i]));
                }
            }
            case L1 -> {
                double shrink = shrinkage(eps, clean, x, offset, length);
                for (int i = offset; i < offset + length; i++) {
                    double delta = (double) x[i] - clean[i];
                    x[i] = moved(clean[i], Math.signum(delta) * Math.max(Math.abs(delta) - shrink, 0));
                }
            }
        }
    }

    /// `clean + delta`, rounded towards `clean`, in [0, 1].
    static float moved(float clean, double delta) {
        float value = (float) (clean + delta);
        if (Math.abs((double) value - clean) > Math.abs(delta)) {
            value = Math.nextAfter(value, clean);
        }
        return Math.clamp(value, 0f, 1f);
    }

    /// The Euclidean length squared of a perturbation.
    static double squares(float[] clean, float[] x, int offset, int length) {
        double sum = 0;
        for (int i = offset; i < offset + length; i++) {
            double delta = (double) x[i] - clean[i];
            sum += delta * delta;
        }
        return sum;
    }

    /// The least `s >= 0` for which `Σ min(max(|delta_i| - s, 0), cap_i) <= eps`, where the box leaves `cap_i` in the direction of
    /// `delta_i`: the Lagrange multiplier of the nearest point in the l1 ball and the box. By bisection, from the feasible side.
    private static double shrinkage(double eps, float[] clean, float[] x, int offset, int length) {
        double high = 0;
        for (int i = offset; i < offset + length; i++) {
            high = Math.max(high, Math.abs((double) x[i] - clean[i]));
        }
        if (sumAfter(0, clean, x, offset, length) <= eps) {
            return 0;
        }
        double low = 0;
        for (int k = 0; k < BISECTIONS; k++) {
            double middle = (low + high) / 2;
            if (sumAfter(middle, clean, x, offset, length) > eps) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }

    private static double sumAfter(double shrink, float[] clean, float[] x, int offset, int length) {
        double sum = 0;
        for (int i = offset; i < offset + length; i++) {
            double delta = (double) x[i] - clean[i];
            double room = delta > 0 ? 1.0 - clean[i] : clean[i];
            sum += Math.min(Math.max(Math.abs(delta) - shrink, 0), room);
        }
        return sum;
    }
}
