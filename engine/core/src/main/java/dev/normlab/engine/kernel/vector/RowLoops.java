package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.DoubleLanes.D;
import static dev.normlab.engine.kernel.vector.DoubleLanes.DOUBLES;
import static dev.normlab.engine.kernel.vector.Lanes.V;

import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;

/// Sums and exponentials of one row of floats, in double precision.
final class RowLoops {

    private RowLoops() {}

    /// The sum of the elements `from .. to - 1`.
    ///
    /// @param lanes scratch memory of `D` doubles
    static double sum(float[] x, int from, int to, double[] lanes) {
        DoubleVector a = DoubleVector.zero(DOUBLES), b = a, c = a, d = a;
        int i = from;
        for (; i <= to - 2 * V; i += 2 * V) {
            FloatVector u = Lanes.load(x, i), v = Lanes.load(x, i + V);
            a = a.add(DoubleLanes.lower(u));
            b = b.add(DoubleLanes.upper(u));
            c = c.add(DoubleLanes.lower(v));
            d = d.add(DoubleLanes.upper(v));
        }
        double sum = DoubleLanes.sum(a.add(b).add(c.add(d)), lanes);
        for (; i < to; i++) {
            sum += x[i];
        }
        return sum;
    }

    /// Doubles that [#exponentials] needs for a row of this length.
    static int padded(int length) {
        return (length + D - 1) / D * D;
    }

    /// Writes `e^(x - shift)` of the elements `from ..` into `to` and gives their sum; `to` has [#padded] elements, and those beyond
    /// `length` become 0.
    static double exponentials(float[] x, int from, int length, double shift, double[] to, double[] lanes) {
        for (int i = 0; i < length; i++) {
            to[i] = x[from + i] - shift;
        }
        int end = padded(length);
        Arrays.fill(to, length, end, Double.NEGATIVE_INFINITY);
        DoubleVector sum = DoubleVector.zero(DOUBLES);
        for (int i = 0; i < end; i += D) {
            DoubleVector e = VectorMath.exp(DoubleVector.fromArray(DOUBLES, to, i));
            e.intoArray(to, i);
            sum = sum.add(e);
        }
        return DoubleLanes.sum(sum, lanes);
    }

    /// The largest element; NaN if there is one.
    static float largest(float[] x, int from, int length) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = from; i < from + length; i++) {
            max = Math.max(max, x[i]);
        }
        return max;
    }
}
