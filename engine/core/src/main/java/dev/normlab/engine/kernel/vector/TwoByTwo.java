package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.all;
import static dev.normlab.engine.kernel.vector.Lanes.load;

import dev.normlab.engine.kernel.Pool2dSizes;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/// Pooling of channel-blocked planes in windows of two by two that do not overlap: every input is read or written once, without loops
/// inside. Planes are those of [Planes], by their numbers.
final class TwoByTwo {

    private TwoByTwo() {}

    /// Whether all windows are such, and whole.
    static boolean fits(Pool2dSizes s) {
        return s.kh() == 2 && s.kw() == 2 && s.strideH() == 2 && s.strideW() == 2 && s.padH() == 0 && s.padW() == 0 && s.dilationH() == 1
                && s.dilationW() == 1 && 2 * s.oh() <= s.h() && 2 * s.ow() <= s.w();
    }

    /// The first largest value of every window, or the first NaN, and its position, in the planes `first` to `end - 1`.
    static void maximum(Pool2dSizes s, float[] x, float[] y, float[] positions, int first, int end) {
        int in = s.h() * s.w() * V, out = s.oh() * s.ow() * V;
        for (int plane = first; plane < end; plane++) {
            if (!finiteMaximum(s, x, plane * in, y, positions, plane * out)) {
                anyMaximum(s, x, plane * in, y, positions, plane * out);
            }
        }
    }

    // Without looking for NaN: whether there can have been none, which sums of all values tell. Each row of the plane is read in one go,
    // which keeps the prefetcher busy, with the maxima of the row above it in the caches.
    private static boolean finiteMaximum(Pool2dSizes s, float[] x, int at, float[] y, float[] positions, int to) {
        FloatVector sum = all(0f);
        int row = s.ow() * V;
        for (int ioh = 0; ioh < s.oh(); ioh++) {
            int i = at + 2 * ioh * s.w() * V, out = to + ioh * row;
            FloatVector where = all(2 * ioh * s.w());
            for (int end = out + row; out < end; i += 2 * V, out += V) {
                FloatVector left = load(x, i), right = load(x, i + V);
                sum = sum.add(left.add(right));
                VectorMask<Float> above = right.compare(VectorOperators.GT, left);
                left.blend(right, above).intoArray(y, out);
                where.blend(where.add(1f), above).intoArray(positions, out);
                where = where.add(2f);
            }
            i = at + (2 * ioh + 1) * s.w() * V;
            out = to + ioh * row;
            where = all((2 * ioh + 1) * s.w());
            for (int end = out + row; out < end; i += 2 * V, out += V) {
                FloatVector left = load(x, i), right = load(x, i + V), best = load(y, out);
                sum = sum.add(left.add(right));
                VectorMask<Float> above = left.compare(VectorOperators.GT, best);
                best = best.blend(left, above);
                FloatVector position = load(positions, out).blend(where, above);
                above = right.compare(VectorOperators.GT, best);
                best.blend(right, above).intoArray(y, out);
                position.blend(where.add(1f), above).intoArray(positions, out);
                where = where.add(2f);
            }
        }
        return sum.compare(VectorOperators.EQ, sum).allTrue();
    }

    private static void anyMaximum(Pool2dSizes s, float[] x, int at, float[] y, float[] positions, int to) {
        int right = V, below = s.w() * V;
        int out = to;
        for (int ioh = 0; ioh < s.oh(); ioh++) {
            int i = at + 2 * ioh * below;
            int position = 2 * ioh * s.w();
            for (int iow = 0; iow < s.ow(); iow++, i += 2 * V, position += 2, out += V) {
                FloatVector best = load(x, i), where = all(position);
                FloatVector value = load(x, i + right);
                VectorMask<Float> better = better(value, best);
                best = best.blend(value, better);
                where = where.blend(position + 1f, better);
                value = load(x, i + below);
                better = better(value, best);
                best = best.blend(value, better);
                where = where.blend(position + s.w(), better);
                value = load(x, i + below + right);
                better = better(value, best);
                best.blend(value, better).intoArray(y, out);
                where.blend(position + s.w() + 1f, better).intoArray(positions, out);
            }
        }
    }

    /// Above, or NaN while the best is none.
    static VectorMask<Float> better(FloatVector value, FloatVector best) {
        return value.compare(VectorOperators.LE, best).not().and(best.compare(VectorOperators.EQ, best));
    }

    /// The gradient of each window at the position of its maximum, zero at its other positions, in the planes `first` to `end - 1`.
    /// Each row of a plane is written in one go.
    static void maximumBackward(Pool2dSizes s, float[] dOut, float[] positions, float[] dx, int first, int end) {
        int in = s.h() * s.w() * V, out = s.oh() * s.ow() * V;
        for (int plane = first; plane < end; plane++) {
            maximumBackward(s, dOut, positions, plane * out, dx, plane * in);
        }
    }

    private static void maximumBackward(Pool2dSizes s, float[] dOut, float[] positions, int from, float[] dx, int at) {
        for (int ih = 0; ih < 2 * s.oh(); ih++) {
            int i = at + ih * s.w() * V, out = from + ih / 2 * s.ow() * V;
            FloatVector where = all(ih * s.w()), zero = all(0f);
            for (int end = out + s.ow() * V; out < end; i += 2 * V, out += V) {
                FloatVector gradient = load(dOut, out), maximum = load(positions, out);
                zero.blend(gradient, maximum.eq(where)).intoArray(dx, i);
                zero.blend(gradient, maximum.eq(where.add(1f))).intoArray(dx, i + V);
                where = where.add(2f);
            }
        }
        clearRest(s, dx, at);
    }

    /// The average of every window; a quarter of a sum is exact.
    static void average(Pool2dSizes s, float factor, float[] x, int at, float[] y, int yAt) {
        int right = V, below = s.w() * V;
        int out = yAt;
        for (int ioh = 0; ioh < s.oh(); ioh++) {
            int i = at + 2 * ioh * below;
            for (int iow = 0; iow < s.ow(); iow++, i += 2 * V, out += V) {
                FloatVector sum = load(x, i).add(load(x, i + right)).add(load(x, i + below)).add(load(x, i + below + right));
                sum.mul(factor).intoArray(y, out);
            }
        }
    }

    /// A quarter of each window's gradient at its four positions.
    static void averageBackward(Pool2dSizes s, float factor, float[] dOut, int dOutAt, float[] dx, int at) {
        int right = V, below = s.w() * V;
        int out = dOutAt;
        for (int ioh = 0; ioh < s.oh(); ioh++) {
            int i = at + 2 * ioh * below;
            for (int iow = 0; iow < s.ow(); iow++, i += 2 * V, out += V) {
                FloatVector share = load(dOut, out).mul(factor);
                share.intoArray(dx, i);
                share.intoArray(dx, i + right);
                share.intoArray(dx, i + below);
                share.intoArray(dx, i + below + right);
            }
        }
        clearRest(s, dx, at);
    }

    // the last row and column of odd sizes, which no window covers
    private static void clearRest(Pool2dSizes s, float[] dx, int at) {
        int row = s.w() * V;
        for (int ih = 0; ih < 2 * s.oh() && 2 * s.ow() < s.w(); ih++) {
            Arrays.fill(dx, at + ih * row + 2 * s.ow() * V, at + (ih + 1) * row, 0f);
        }
        Arrays.fill(dx, at + 2 * s.oh() * row, at + s.h() * row, 0f);
    }
}
