package dev.normlab.engine.kernel;

/// Brings moved images back into a ball around the clean ones and the box [0, 1]. One image at a time, in double precision; results are
/// rounded towards the clean image, so that rounding never leaves the ball. All attacks project with these, wherever they run.
///
/// Arrays hold many images; `offset` and `length` say where one lies in both of them. Radii are at least 0.
public final class BallProjection {

    private static final int BISECTIONS = 60;

    private BallProjection() {}

    /// Moves `x[offset ..]` to the nearest point of the linf ball and the box, in place.
    public static void linf(double eps, float[] clean, float[] x, int offset, int length) {
        for (int i = offset; i < offset + length; i++) {
            x[i] = moved(clean[i], Math.clamp((double) x[i] - clean[i], -eps, eps));
        }
    }

    /// Shortens the perturbation to at most `eps` in the Euclidean norm and clips it to the box, in place. That is in both, but not the
    /// nearest such point, as attacks have it.
    public static void l2(double eps, float[] clean, float[] x, int offset, int length) {
        double norm = Math.sqrt(squares(clean, x, offset, length));
        double factor = norm > eps ? eps / norm : 1;
        for (int i = offset; i < offset + length; i++) {
            x[i] = moved(clean[i], factor * ((double) x[i] - clean[i]));
        }
    }

    /// Moves `x[offset ..]` to the nearest point of the l1 ball and the box, in place.
    public static void l1(double eps, float[] clean, float[] x, int offset, int length) {
        double shrink = shrinkage(eps, clean, x, offset, length);
        for (int i = offset; i < offset + length; i++) {
            double delta = (double) x[i] - clean[i];
            x[i] = moved(clean[i], Math.signum(delta) * Math.max(Math.abs(delta) - shrink, 0));
        }
    }

    /// `clean + delta`, rounded towards `clean`, in [0, 1].
    public static float moved(float clean, double delta) {
        float value = (float) (clean + delta);
        if (Math.abs((double) value - clean) > Math.abs(delta)) {
            value = Math.nextAfter(value, clean);
        }
        return Math.clamp(value, 0f, 1f);
    }

    /// The Euclidean length squared of a perturbation.
    public static double squares(float[] clean, float[] x, int offset, int length) {
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
