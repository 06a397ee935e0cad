package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// The extremes of one row of floats, and where they are. NaN is above and below everything, as in the scalar kernels.
final class RowExtremes {

    private RowExtremes() {}

    /// The largest element; NaN if there is one.
    static float largest(float[] x, int from, int length) {
        float max = Float.NEGATIVE_INFINITY;
        int i = from, end = from + length;
        if (length >= V) {
            FloatVector a = load(x, i), b = a;
            for (; i <= end - 2 * V; i += 2 * V) {
                a = a.max(load(x, i));
                b = b.max(load(x, i + V));
            }
            max = a.max(b).reduceLanes(VectorOperators.MAX);
        }
        for (; i < end; i++) {
            max = Math.max(max, x[i]);
        }
        return max;
    }

    /// The smallest element; NaN if there is one.
    static float smallest(float[] x, int from, int length) {
        float min = Float.POSITIVE_INFINITY;
        int i = from, end = from + length;
        if (length >= V) {
            FloatVector a = load(x, i), b = a;
            for (; i <= end - 2 * V; i += 2 * V) {
                a = a.min(load(x, i));
                b = b.min(load(x, i + V));
            }
            min = a.min(b).reduceLanes(VectorOperators.MIN);
        }
        for (; i < end; i++) {
            min = Math.min(min, x[i]);
        }
        return min;
    }

    /// The place, counted from `from`, of the first element that equals `value` (zeros of both signs are equal), or that is NaN if `value`
    /// is; it must be there.
    static int firstOf(float value, float[] x, int from, int length) {
        boolean wantsNaN = Float.isNaN(value);
        int i = from, end = from + length;
        for (; i <= end - V; i += V) {
            FloatVector v = load(x, i);
            if ((wantsNaN ? v.compare(VectorOperators.NE, v) : v.compare(VectorOperators.EQ, value)).anyTrue()) {
                break;
            }
        }
        while (!(wantsNaN ? Float.isNaN(x[i]) : x[i] == value)) {
            i++;
        }
        return i - from;
    }
}
