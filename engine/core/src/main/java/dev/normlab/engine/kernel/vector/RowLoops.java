package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.DoubleLanes.D;
import static dev.normlab.engine.kernel.vector.DoubleLanes.DOUBLES;

import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;

/// Sums and exponentials of one row of floats, in double precision.
final class RowLoops {

    private RowLoops() {}

    /// The sum of the elements `from .. to - 1`.
    ///
    /// @param lanes scratch memory of `D` doubles
    static double sum(float[] x, int from, int to, double[] lanes) {
        DoubleVector a = DoubleVector.zero(DOUBLES), b = a, c = a, d = a;
        int i = from;
        for (; i <= to - 4 * D; i += 4 * D) {
            a = a.add(DoubleLanes.doubles(x, i));
            b = b.add(DoubleLanes.doubles(x, i + D));
            c = c.add(DoubleLanes.doubles(x, i + 2 * D));
            d = d.add(DoubleLanes.doubles(x, i + 3 * D));
        }
        for (; i <= to - D; i += D) {
            a = a.add(DoubleLanes.doubles(x, i));
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

    /// Writes `e^(x - shift)` of the elements `from ..` into `to` and gives their sum; `to` has [#padded] elements, and those beyond `length` become 0.
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
