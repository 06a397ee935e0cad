package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.all;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

import jdk.incubator.vector.FloatVector;

/// The inner loops of a convolution's weight gradient: outer products of six input channels and a few vectors of output channels, summed
/// over pixels.
///
/// Every kernel computes, for six neighbouring values `j` of `x` (three or four in some) and `m` vectors of `d`,
///
///     sums[j, b, lane] = sum over segments s, k < length of x[xAt + segmentX(s) + k * xStep + j] * d[dAt + segmentD(s) + k * V + b * next
///     + lane]
///
/// A *segment* is a run of `length` output pixels (or of images at one position) whose input values lie `xStep` apart and whose gradients
/// lie side by side. For the sizes of the tiles and for what the compiler needs see [TileProducts].
final class TileOuterProducts {

    /// Input channels of one tile.
    static final int CHANNELS = 6;

    /// Input channels of a tile of [#multiplyFew].
    static final int FEW_CHANNELS = 4;

    // Segments below this many pixels are short. (A tile of three channels is done in one loop whatever they are.)
    private static final int SHORT = 48;

    // For a loop inside another. Read from an array so that the compiler does not see that the six offsets are neighbours: where it does,
    // it keeps them in too many registers, and machines with 16 of them run at half the speed.
    private static final int[] LANES = {0, 1, 2, 3, 4, 5};

    private TileOuterProducts() {}

    /// Writes the sums of one tile to `sums[6, vectors, V]` at `at`, at least those of the first `channels` of the six; see the class for
    /// the rest.
    ///
    /// @param vectors  1 to 4
    /// @param segments pairs of an offset into `x` and an offset into `d`
    /// @return how many floats were written
    static int multiply(int channels, int vectors, float[] x, int xStep, float[] d, int next, int[] segments, int from, int to, int xAt,
            int dAt, int length, float[] sums, int at) {
        switch (vectors) {
            case 4 -> {
                if (channels <= 3) {
                    multiplyShort3x4(x, xStep, d, next, segments, from, to, xAt, dAt, length, sums, at);
                    return 3 * 4 * V;
                }
                if (length < SHORT) {
                    multiplyShort6x4(x, xStep, d, next, segments, from, to, xAt, dAt, length, sums, at);
                } else {
                    multiply6x4(x, xStep, d, next, segments, from, to, xAt, dAt, length, sums, at);
                }
            }
            case 3 -> multiply6x3(x, xStep, d, next, segments, from, to, xAt, dAt, length, sums, at);
            case 2 -> multiply6x2(x, xStep, d, next, segments, from, to, xAt, dAt, length, sums, at);
            default -> multiply6x1(x, xStep, d, segments, from, to, xAt, dAt, length, sums, at);
        }
        return CHANNELS * vectors * V;
    }

    /// As [#multiply] with four input channels and `xStep = V`, for machines with 16 vector registers: the compiler knows every distance
    /// between inputs, so that it checks their range once for a run and needs one register for their places. (With six channels it would
    /// unroll the loop, and spill.)
    ///
    /// @param vectors 1 or 2
    /// @return how many floats were written
    static int multiplyFew(int vectors, float[] x, float[] d, int next, int[] segments, int from, int to, int xAt, int dAt, int length,
            float[] sums, int at) {
        if (vectors == 2) {
            multiply4x2(x, d, next, segments, from, to, xAt, dAt, length, sums, at);
        } else {
            multiply4x1(x, d, segments, from, to, xAt, dAt, length, sums, at);
        }
        return FEW_CHANNELS * vectors * V;
    }

    private static void multiply4x2(float[] x, float[] d, int next, int[] segments, int from, int to, int xAt, int dAt, int length,
            float[] sums, int at) {
        FloatVector zero = zero();
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
        FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero;
        for (int s = from; s < to; s++) {
            int p = xAt + segments[2 * s], q = dAt + segments[2 * s + 1];
            for (int k = 0; k < length; k++) {
                FloatVector g0 = load(d, q + k * V);
                FloatVector g1 = load(d, q + k * V + next);
                FloatVector v = all(x[p + k * V]);
                a0 = v.fma(g0, a0);
                b0 = v.fma(g1, b0);
                v = all(x[p + k * V + 1]);
                a1 = v.fma(g0, a1);
                b1 = v.fma(g1, b1);
                v = all(x[p + k * V + 2]);
                a2 = v.fma(g0, a2);
                b2 = v.fma(g1, b2);
                v = all(x[p + k * V + 3]);
                a3 = v.fma(g0, a3);
                b3 = v.fma(g1, b3);
            }
        }
        a0.intoArray(sums, at);
        b0.intoArray(sums, at + V);
        a1.intoArray(sums, at + 2 * V);
        b1.intoArray(sums, at + 3 * V);
        a2.intoArray(sums, at + 4 * V);
        b2.intoArray(sums, at + 5 * V);
        a3.intoArray(sums, at + 6 * V);
        b3.intoArray(sums, at + 7 * V);
    }

    private static void multiply4x1(float[] x, float[] d, int[] segments, int from, int to, int xAt, int dAt, int length, float[] sums,
            int at) {
        FloatVector zero = zero();
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
        for (int s = from; s < to; s++) {
            int p = xAt + segments[2 * s], q = dAt + segments[2 * s + 1];
            for (int k = 0; k < length; k++) {
                FloatVector g = load(d, q + k * V);
                a0 = all(x[p + k * V]).fma(g, a0);
                a1 = all(x[p + k * V + 1]).fma(g, a1);
                a2 = all(x[p + k * V + 2]).fma(g, a2);
                a3 = all(x[p + k * V + 3]).fma(g, a3);
            }
        }
        a0.intoArray(sums, at);
        a1.intoArray(sums, at + V);
        a2.intoArray(sums, at + 2 * V);
        a3.intoArray(sums, at + 3 * V);
    }

    // The work horse where there are 32 vector registers.
    static void multiply6x4(float[] x, int xStep, float[] d, int next, int[] segments, int from, int to, int xAt, int dAt, int length,
            float[] sums, int at) {
        FloatVector zero = zero();
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero;
        FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero, b4 = zero, b5 = zero;
        FloatVector c0 = zero, c1 = zero, c2 = zero, c3 = zero, c4 = zero, c5 = zero;
        FloatVector d0 = zero, d1 = zero, d2 = zero, d3 = zero, d4 = zero, d5 = zero;
        for (int s = from; s < to; s++) {
            int p = xAt + segments[2 * s];
            int p0 = p + LANES[0], p1 = p + LANES[1], p2 = p + LANES[2], p3 = p + LANES[3], p4 = p + LANES[4], p5 = p + LANES[5];
            int q = dAt + segments[2 * s + 1];
            for (int k = 0; k < length; k++) {
                FloatVector g0 = load(d, q + k * V);
                FloatVector g1 = load(d, q + k * V + next);
                FloatVector g2 = load(d, q + k * V + 2 * next);
                FloatVector g3 = load(d, q + k * V + 3 * next);
                int i = k * xStep;
                FloatVector v = all(x[p0 + i]);
                a0 = v.fma(g0, a0);
                b0 = v.fma(g1, b0);
                c0 = v.fma(g2, c0);
                d0 = v.fma(g3, d0);
                v = all(x[p1 + i]);
                a1 = v.fma(g0, a1);
                b1 = v.fma(g1, b1);
                c1 = v.fma(g2, c1);
                d1 = v.fma(g3, d1);
                v = all(x[p2 + i]);
                a2 = v.fma(g0, a2);
                b2 = v.fma(g1, b2);
                c2 = v.fma(g2, c2);
                d2 = v.fma(g3, d2);
                v = all(x[p3 + i]);
                a3 = v.fma(g0, a3);
                b3 = v.fma(g1, b3);
                c3 = v.fma(g2, c3);
                d3 = v.fma(g3, d3);
                v = all(x[p4 + i]);
                a4 = v.fma(g0, a4);
                b4 = v.fma(g1, b4);
                c4 = v.fma(g2, c4);
                d4 = v.fma(g3, d4);
                v = all(x[p5 + i]);
                a5 = v.fma(g0, a5);
                b5 = v.fma(g1, b5);
                c5 = v.fma(g2, c5);
                d5 = v.fma(g3, d5);
            }
        }
        a0.intoArray(sums, at);
        b0.intoArray(sums, at + V);
        c0.intoArray(sums, at + 2 * V);
        d0.intoArray(sums, at + 3 * V);
        a1.intoArray(sums, at + 4 * V);
        b1.intoArray(sums, at + 5 * V);
        c1.intoArray(sums, at + 6 * V);
        d1.intoArray(sums, at + 7 * V);
        a2.intoArray(sums, at + 8 * V);
        b2.intoArray(sums, at + 9 * V);
        c2.intoArray(sums, at + 10 * V);
        d2.intoArray(sums, at + 11 * V);
        a3.intoArray(sums, at + 12 * V);
        b3.intoArray(sums, at + 13 * V);
        c3.intoArray(sums, at + 14 * V);
        d3.intoArray(sums, at + 15 * V);
        a4.intoArray(sums, at + 16 * V);
        b4.intoArray(sums, at + 17 * V);
        c4.intoArray(sums, at + 18 * V);
        d4.intoArray(sums, at + 19 * V);
        a5.intoArray(sums, at + 20 * V);
        b5.intoArray(sums, at + 21 * V);
        c5.intoArray(sums, at + 22 * V);
        d5.intoArray(sums, at + 23 * V);
    }

    // As multiply6x4, for segments as short as the rows of a map: one loop runs over all pixels and steps to the next segment on the way.
    // Around a loop inside another the compiler spills all sums.
    static void multiplyShort6x4(float[] x, int xStep, float[] d, int next, int[] segments, int from, int to, int xAt, int dAt, int length,
            float[] sums, int at) {
        FloatVector zero = zero();
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero;
        FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero, b4 = zero, b5 = zero;
        FloatVector c0 = zero, c1 = zero, c2 = zero, c3 = zero, c4 = zero, c5 = zero;
        FloatVector d0 = zero, d1 = zero, d2 = zero, d3 = zero, d4 = zero, d5 = zero;
        int s = from, left = 0, p = 0, q = 0;
        for (int t = (to - from) * length; t > 0; t--) {
            if (left == 0) {
                p = xAt + segments[2 * s];
                q = dAt + segments[2 * s + 1];
                s++;
                left = length;
            }
            FloatVector g0 = load(d, q);
            FloatVector g1 = load(d, q + next);
            FloatVector g2 = load(d, q + 2 * next);
            FloatVector g3 = load(d, q + 3 * next);
            FloatVector v = all(x[p]);
            a0 = v.fma(g0, a0);
            b0 = v.fma(g1, b0);
            c0 = v.fma(g2, c0);
            d0 = v.fma(g3, d0);
            v = all(x[p + 1]);
            a1 = v.fma(g0, a1);
            b1 = v.fma(g1, b1);
            c1 = v.fma(g2, c1);
            d1 = v.fma(g3, d1);
            v = all(x[p + 2]);
            a2 = v.fma(g0, a2);
            b2 = v.fma(g1, b2);
            c2 = v.fma(g2, c2);
            d2 = v.fma(g3, d2);
            v = all(x[p + 3]);
            a3 = v.fma(g0, a3);
            b3 = v.fma(g1, b3);
            c3 = v.fma(g2, c3);
            d3 = v.fma(g3, d3);
            v = all(x[p + 4]);
            a4 = v.fma(g0, a4);
            b4 = v.fma(g1, b4);
            c4 = v.fma(g2, c4);
            d4 = v.fma(g3, d4);
            v = all(x[p + 5]);
            a5 = v.fma(g0, a5);
            b5 = v.fma(g1, b5);
            c5 = v.fma(g2, c5);
            d5 = v.fma(g3, d5);
            p += xStep;
            q += V;
            left--;
        }
        a0.intoArray(sums, at);
        b0.intoArray(sums, at + V);
        c0.intoArray(sums, at + 2 * V);
        d0.intoArray(sums, at + 3 * V);
        a1.intoArray(sums, at + 4 * V);
        b1.intoArray(sums, at + 5 * V);
        c1.intoArray(sums, at + 6 * V);
        d1.intoArray(sums, at + 7 * V);
        a2.intoArray(sums, at + 8 * V);
        b2.intoArray(sums, at + 9 * V);
        c2.intoArray(sums, at + 10 * V);
        d2.intoArray(sums, at + 11 * V);
        a3.intoArray(sums, at + 12 * V);
        b3.intoArray(sums, at + 13 * V);
        c3.intoArray(sums, at + 14 * V);
        d3.intoArray(sums, at + 15 * V);
        a4.intoArray(sums, at + 16 * V);
        b4.intoArray(sums, at + 17 * V);
        c4.intoArray(sums, at + 18 * V);
        d4.intoArray(sums, at + 19 * V);
        a5.intoArray(sums, at + 20 * V);
        b5.intoArray(sums, at + 21 * V);
        c5.intoArray(sums, at + 22 * V);
        d5.intoArray(sums, at + 23 * V);
    }

    // As multiplyShort6x4 for what is left of a kernel row of three input channels, which has nine values, or of 56 channels.
    static void multiplyShort3x4(float[] x, int xStep, float[] d, int next, int[] segments, int from, int to, int xAt, int dAt, int length,
            float[] sums, int at) {
        FloatVector zero = zero();
        FloatVector a0 = zero, a1 = zero, a2 = zero;
        FloatVector b0 = zero, b1 = zero, b2 = zero;
        FloatVector c0 = zero, c1 = zero, c2 = zero;
        FloatVector d0 = zero, d1 = zero, d2 = zero;
        int s = from, left = 0, p = 0, q = 0;
        for (int t = (to - from) * length; t > 0; t--) {
            if (left == 0) {
                p = xAt + segments[2 * s];
                q = dAt + segments[2 * s + 1];
                s++;
                left = length;
            }
            FloatVector g0 = load(d, q);
            FloatVector g1 = load(d, q + next);
            FloatVector g2 = load(d, q + 2 * next);
            FloatVector g3 = load(d, q + 3 * next);
            FloatVector v = all(x[p]);
            a0 = v.fma(g0, a0);
            b0 = v.fma(g1, b0);
            c0 = v.fma(g2, c0);
            d0 = v.fma(g3, d0);
            v = all(x[p + 1]);
            a1 = v.fma(g0, a1);
            b1 = v.fma(g1, b1);
            c1 = v.fma(g2, c1);
            d1 = v.fma(g3, d1);
            v = all(x[p + 2]);
            a2 = v.fma(g0, a2);
            b2 = v.fma(g1, b2);
            c2 = v.fma(g2, c2);
            d2 = v.fma(g3, d2);
            p += xStep;
            q += V;
            left--;
        }
        a0.intoArray(sums, at);
        b0.intoArray(sums, at + V);
        c0.intoArray(sums, at + 2 * V);
        d0.intoArray(sums, at + 3 * V);
        a1.intoArray(sums, at + 4 * V);
        b1.intoArray(sums, at + 5 * V);
        c1.intoArray(sums, at + 6 * V);
        d1.intoArray(sums, at + 7 * V);
        a2.intoArray(sums, at + 8 * V);
        b2.intoArray(sums, at + 9 * V);
        c2.intoArray(sums, at + 10 * V);
        d2.intoArray(sums, at + 11 * V);
    }

    // For pieces of three vectors.
    static void multiply6x3(float[] x, int xStep, float[] d, int next, int[] segments, int from, int to, int xAt, int dAt, int length,
            float[] sums, int at) {
        FloatVector zero = zero();
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero;
        FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero, b4 = zero, b5 = zero;
        FloatVector c0 = zero, c1 = zero, c2 = zero, c3 = zero, c4 = zero, c5 = zero;
        for (int s = from; s < to; s++) {
            int p = xAt + segments[2 * s];
            int p0 = p + LANES[0], p1 = p + LANES[1], p2 = p + LANES[2], p3 = p + LANES[3], p4 = p + LANES[4], p5 = p + LANES[5];
            int q = dAt + segments[2 * s + 1];
            for (int k = 0; k < length; k++) {
                FloatVector g0 = load(d, q + k * V);
                FloatVector g1 = load(d, q + k * V + next);
                FloatVector g2 = load(d, q + k * V + 2 * next);
                int i = k * xStep;
                FloatVector v = all(x[p0 + i]);
                a0 = v.fma(g0, a0);
                b0 = v.fma(g1, b0);
                c0 = v.fma(g2, c0);
                v = all(x[p1 + i]);
                a1 = v.fma(g0, a1);
                b1 = v.fma(g1, b1);
                c1 = v.fma(g2, c1);
                v = all(x[p2 + i]);
                a2 = v.fma(g0, a2);
                b2 = v.fma(g1, b2);
                c2 = v.fma(g2, c2);
                v = all(x[p3 + i]);
                a3 = v.fma(g0, a3);
                b3 = v.fma(g1, b3);
                c3 = v.fma(g2, c3);
                v = all(x[p4 + i]);
                a4 = v.fma(g0, a4);
                b4 = v.fma(g1, b4);
                c4 = v.fma(g2, c4);
                v = all(x[p5 + i]);
                a5 = v.fma(g0, a5);
                b5 = v.fma(g1, b5);
                c5 = v.fma(g2, c5);
            }
        }
        a0.intoArray(sums, at);
        b0.intoArray(sums, at + V);
        c0.intoArray(sums, at + 2 * V);
        a1.intoArray(sums, at + 3 * V);
        b1.intoArray(sums, at + 4 * V);
        c1.intoArray(sums, at + 5 * V);
        a2.intoArray(sums, at + 6 * V);
        b2.intoArray(sums, at + 7 * V);
        c2.intoArray(sums, at + 8 * V);
        a3.intoArray(sums, at + 9 * V);
        b3.intoArray(sums, at + 10 * V);
        c3.intoArray(sums, at + 11 * V);
        a4.intoArray(sums, at + 12 * V);
        b4.intoArray(sums, at + 13 * V);
        c4.intoArray(sums, at + 14 * V);
        a5.intoArray(sums, at + 15 * V);
        b5.intoArray(sums, at + 16 * V);
        c5.intoArray(sums, at + 17 * V);
    }

    // The work horse where there are 16 vector registers.
    static void multiply6x2(float[] x, int xStep, float[] d, int next, int[] segments, int from, int to, int xAt, int dAt, int length,
            float[] sums, int at) {
        FloatVector zero = zero();
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero;
        FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero, b4 = zero, b5 = zero;
        for (int s = from; s < to; s++) {
            int p = xAt + segments[2 * s];
            int p0 = p + LANES[0], p1 = p + LANES[1], p2 = p + LANES[2], p3 = p + LANES[3], p4 = p + LANES[4], p5 = p + LANES[5];
            int q = dAt + segments[2 * s + 1];
            for (int k = 0; k < length; k++) {
                FloatVector g0 = load(d, q + k * V);
                FloatVector g1 = load(d, q + k * V + next);
                int i = k * xStep;
                FloatVector v = all(x[p0 + i]);
                a0 = v.fma(g0, a0);
                b0 = v.fma(g1, b0);
                v = all(x[p1 + i]);
                a1 = v.fma(g0, a1);
                b1 = v.fma(g1, b1);
                v = all(x[p2 + i]);
                a2 = v.fma(g0, a2);
                b2 = v.fma(g1, b2);
                v = all(x[p3 + i]);
                a3 = v.fma(g0, a3);
                b3 = v.fma(g1, b3);
                v = all(x[p4 + i]);
                a4 = v.fma(g0, a4);
                b4 = v.fma(g1, b4);
                v = all(x[p5 + i]);
                a5 = v.fma(g0, a5);
                b5 = v.fma(g1, b5);
            }
        }
        a0.intoArray(sums, at);
        b0.intoArray(sums, at + V);
        a1.intoArray(sums, at + 2 * V);
        b1.intoArray(sums, at + 3 * V);
        a2.intoArray(sums, at + 4 * V);
        b2.intoArray(sums, at + 5 * V);
        a3.intoArray(sums, at + 6 * V);
        b3.intoArray(sums, at + 7 * V);
        a4.intoArray(sums, at + 8 * V);
        b4.intoArray(sums, at + 9 * V);
        a5.intoArray(sums, at + 10 * V);
        b5.intoArray(sums, at + 11 * V);
    }

    // For what is left over, and for groups of few channels.
    static void multiply6x1(float[] x, int xStep, float[] d, int[] segments, int from, int to, int xAt, int dAt, int length,
            float[] sums, int at) {
        FloatVector zero = zero();
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero;
        for (int s = from; s < to; s++) {
            int p = xAt + segments[2 * s];
            int p0 = p + LANES[0], p1 = p + LANES[1], p2 = p + LANES[2], p3 = p + LANES[3], p4 = p + LANES[4], p5 = p + LANES[5];
            int q = dAt + segments[2 * s + 1];
            for (int k = 0; k < length; k++) {
                FloatVector g0 = load(d, q + k * V);
                int i = k * xStep;
                FloatVector v = all(x[p0 + i]);
                a0 = v.fma(g0, a0);
                v = all(x[p1 + i]);
                a1 = v.fma(g0, a1);
                v = all(x[p2 + i]);
                a2 = v.fma(g0, a2);
                v = all(x[p3 + i]);
                a3 = v.fma(g0, a3);
                v = all(x[p4 + i]);
                a4 = v.fma(g0, a4);
                v = all(x[p5 + i]);
                a5 = v.fma(g0, a5);
            }
        }
        a0.intoArray(sums, at);
        a1.intoArray(sums, at + V);
        a2.intoArray(sums, at + 2 * V);
        a3.intoArray(sums, at + 3 * V);
        a4.intoArray(sums, at + 4 * V);
        a5.intoArray(sums, at + 5 * V);
    }
}
