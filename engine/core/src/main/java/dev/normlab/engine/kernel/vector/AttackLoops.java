package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// Steps of attacks over the elements `from .. to - 1` of gradient `g`, clean images `c` and points `x`.
final class AttackLoops {

    private static final float SHORTEST = 1e-12f;

    private AttackLoops() {}

    static void signStep(float step, float radius, float[] g, float[] c, float[] x, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            FloatVector moved = load(x, i).add(sign(load(g, i)).mul(step));
            FloatVector clean = load(c, i);
            moved.min(clean.add(radius)).max(clean.sub(radius)).max(0f).min(1f).intoArray(x, i);
        }
        for (; i < to; i++) {
            float moved = x[i] + Math.signum(g[i]) * step;
            x[i] = clamp(Math.max(Math.min(moved, c[i] + radius), c[i] - radius));
        }
    }

    /// -1, 0 or 1; zeros and NaN as they are.
    static FloatVector sign(FloatVector v) {
        return v.blend(1f, v.compare(VectorOperators.GT, 0f)).blend(-1f, v.compare(VectorOperators.LT, 0f));
    }

    // one image; x holds the difference from c between the passes, all of which stay in the first-level cache
    static void unitStep(float step, float radius, float[] g, float[] c, float[] x, int from, int to, double[] lanes) {
        float length = length(squares(g, from, to, lanes));
        int i = from;
        for (; i <= to - V; i += V) {
            load(x, i).add(load(g, i).div(length).mul(step)).sub(load(c, i)).intoArray(x, i);
        }
        for (; i < to; i++) {
            x[i] = x[i] + g[i] / length * step - c[i];
        }
        float factor = Math.min(Math.max(radius / length(squares(x, from, to, lanes)), 0f), 1f);
        i = from;
        for (; i <= to - V; i += V) {
            load(c, i).add(load(x, i).mul(factor)).max(0f).min(1f).intoArray(x, i);
        }
        for (; i < to; i++) {
            x[i] = clamp(c[i] + x[i] * factor);
        }
    }

    private static double squares(float[] a, int from, int to, double[] lanes) {
        DoubleVector s = DoubleVector.zero(DoubleLanes.DOUBLES), t = s;
        int i = from;
        for (; i <= to - V; i += V) {
            FloatVector x = load(a, i);
            DoubleVector u = DoubleLanes.lower(x), v = DoubleLanes.upper(x);
            s = u.fma(u, s);
            t = v.fma(v, t);
        }
        double sum = DoubleLanes.sum(s.add(t), lanes);
        for (; i < to; i++) {
            sum += (double) a[i] * a[i];
        }
        return sum;
    }

    private static float length(double squares) {
        return Math.max((float) Math.sqrt(squares), SHORTEST);
    }

    private static float clamp(float value) {
        return Math.min(Math.max(value, 0f), 1f);
    }
}
