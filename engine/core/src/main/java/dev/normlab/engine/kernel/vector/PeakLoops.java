package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.SPECIES;
import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.all;
import static dev.normlab.engine.kernel.vector.Lanes.load;

import jdk.incubator.vector.FloatVector;

/// Loops at the limit of the arithmetic units or of the memory. Twelve chains hide the latency of a multiply-add (4 cycles, two a cycle)
/// and fit into 16 registers; reading runs through four places at once, which keeps more cache lines on their way than one.
final class PeakLoops {

    private static final int CHAINS = 12;

    /// Floating-point operations of a round: every lane of every chain multiplies and adds once.
    static final int OPERATIONS = 2 * CHAINS * V;

    private PeakLoops() {}

    static float multiplyAdd(int rounds) {
        FloatVector x = all(0.999f);
        FloatVector y = all(0.001f);
        FloatVector a0 = all(1f), a1 = all(2f), a2 = all(3f), a3 = all(4f), a4 = all(5f), a5 = all(6f);
        FloatVector b0 = all(1.5f), b1 = all(2.5f), b2 = all(3.5f), b3 = all(4.5f), b4 = all(5.5f), b5 = all(6.5f);
        for (int i = 0; i < rounds; i++) {
            a0 = a0.fma(x, y);
            a1 = a1.fma(x, y);
            a2 = a2.fma(x, y);
            a3 = a3.fma(x, y);
            a4 = a4.fma(x, y);
            a5 = a5.fma(x, y);
            b0 = b0.fma(x, y);
            b1 = b1.fma(x, y);
            b2 = b2.fma(x, y);
            b3 = b3.fma(x, y);
            b4 = b4.fma(x, y);
            b5 = b5.fma(x, y);
        }
        FloatVector a = a0.add(a1).add(a2.add(a3)).add(a4.add(a5));
        FloatVector b = b0.add(b1).add(b2.add(b3)).add(b4.add(b5));
        return a.add(b).lane(0);
    }

    static float read(float[] a, int from, int to) {
        FloatVector s0 = all(0f), s1 = all(0f), s2 = all(0f), s3 = all(0f);
        int quarter = (to - from) / 4 / V * V;
        for (int i = from; i < from + quarter; i += V) {
            s0 = s0.add(load(a, i));
            s1 = s1.add(load(a, i + quarter));
            s2 = s2.add(load(a, i + 2 * quarter));
            s3 = s3.add(load(a, i + 3 * quarter));
        }
        float[] lanes = new float[V];
        s0.add(s1).add(s2.add(s3)).intoArray(lanes, 0);
        float sum = 0;
        for (float lane : lanes) {
            sum += lane;
        }
        for (int i = from + 4 * quarter; i < to; i++) {
            sum += a[i];
        }
        return sum;
    }

    static void scaleInPlace(float[] a, int from, int to) {
        FloatVector minus = all(-1f);
        int i = from;
        for (; i <= to - V; i += V) {
            load(a, i).mul(minus).intoArray(a, i);
        }
        for (; i < to; i++) {
            a[i] *= -1f;
        }
    }

    static void copy(float[] a, float[] b, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            load(a, i).intoArray(b, i);
        }
        for (; i < to; i++) {
            b[i] = a[i];
        }
    }

    static void triad(float[] a, float[] b, float[] c, int from, int to) {
        FloatVector three = FloatVector.broadcast(SPECIES, 3f);
        int i = from;
        for (; i <= to - V; i += V) {
            load(b, i).fma(three, load(a, i)).intoArray(c, i);
        }
        for (; i < to; i++) {
            c[i] = Math.fma(b[i], 3f, a[i]);
        }
    }
}
