package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.all;
import static dev.normlab.engine.kernel.vector.Lanes.load;

import jdk.incubator.vector.FloatVector;

/// The inner loops of a convolution's weight gradient: outer products of a few input channels and two vectors of output channels, summed over pixels.
///
/// Every kernel computes, for `CHANNELS` neighbouring values `j` of `x` and `m` vectors of `d`,
///
///     sums[j, b, lane] += sum over segments s, k < length of x[xAt + segmentX(s) + k * xStep + j] * d[dAt + segmentD(s) + k * dStep + b * second + lane]
///
/// A *segment* is a run of `length` output pixels (or of images at one position) whose input values lie `xStep` apart and whose gradients lie `dStep` apart.
final class TileOuterProducts {

    /// Input channels of one tile: 8 where there are 32 vector registers, else 4.
    static final int CHANNELS = V >= 16 ? 8 : 4;

    private TileOuterProducts() {
    }

    /// Adds the outer products of one tile to `sums[CHANNELS, vectors, V]` at `at`; see the class for the rest.
    ///
    /// @param vectors  1 or 2
    /// @param segments pairs of an offset into `x` and an offset into `d`
    static void multiply(int vectors, float[] x, int xStep, float[] d, int dStep, int second, int[] segments, int from, int to, int xAt, int dAt, int length,
            float[] sums, int at) {
        if (CHANNELS == 8) {
            if (vectors == 2) {
                multiply8x2(x, xStep, d, dStep, second, segments, from, to, xAt, dAt, length, sums, at);
            } else {
                multiply8x1(x, xStep, d, dStep, segments, from, to, xAt, dAt, length, sums, at);
            }
        } else if (vectors == 2) {
            multiply4x2(x, xStep, d, dStep, second, segments, from, to, xAt, dAt, length, sums, at);
        } else {
            multiply4x1(x, xStep, d, dStep, segments, from, to, xAt, dAt, length, sums, at);
        }
    }

    // The work horse where there are 32 vector registers.
    static void multiply8x2(float[] x, int xStep, float[] d, int dStep, int second, int[] segments, int from, int to, int xAt, int dAt, int length,
            float[] sums, int at) {
        FloatVector a0 = load(sums, at), a1 = load(sums, at + 2 * V), a2 = load(sums, at + 4 * V), a3 = load(sums, at + 6 * V),
                a4 = load(sums, at + 8 * V), a5 = load(sums, at + 10 * V), a6 = load(sums, at + 12 * V), a7 = load(sums, at + 14 * V);
        FloatVector b0 = load(sums, at + V), b1 = load(sums, at + 3 * V), b2 = load(sums, at + 5 * V), b3 = load(sums, at + 7 * V),
                b4 = load(sums, at + 9 * V), b5 = load(sums, at + 11 * V), b6 = load(sums, at + 13 * V), b7 = load(sums, at + 15 * V);
        for (int s = from; s < to; s++) {
            int p = xAt + segments[2 * s];
            int q = dAt + segments[2 * s + 1];
            for (int k = 0; k < length; k++) {
                FloatVector d0 = load(d, q + k * dStep);
                FloatVector d1 = load(d, q + k * dStep + second);
                int i = p + k * xStep;
                FloatVector v = all(x[i]);
                a0 = v.fma(d0, a0); b0 = v.fma(d1, b0);
                v = all(x[i + 1]);
                a1 = v.fma(d0, a1); b1 = v.fma(d1, b1);
                v = all(x[i + 2]);
                a2 = v.fma(d0, a2); b2 = v.fma(d1, b2);
                v = all(x[i + 3]);
                a3 = v.fma(d0, a3); b3 = v.fma(d1, b3);
                v = all(x[i + 4]);
                a4 = v.fma(d0, a4); b4 = v.fma(d1, b4);
                v = all(x[i + 5]);
                a5 = v.fma(d0, a5); b5 = v.fma(d1, b5);
                v = all(x[i + 6]);
                a6 = v.fma(d0, a6); b6 = v.fma(d1, b6);
                v = all(x[i + 7]);
                a7 = v.fma(d0, a7); b7 = v.fma(d1, b7);
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
        a6.intoArray(sums, at + 12 * V);
        b6.intoArray(sums, at + 13 * V);
        a7.intoArray(sums, at + 14 * V);
        b7.intoArray(sums, at + 15 * V);
    }

    // A single vector of output channels left over.
    static void multiply8x1(float[] x, int xStep, float[] d, int dStep, int[] segments, int from, int to, int xAt, int dAt, int length,
            float[] sums, int at) {
        FloatVector a0 = load(sums, at), a1 = load(sums, at + V), a2 = load(sums, at + 2 * V), a3 = load(sums, at + 3 * V),
                a4 = load(sums, at + 4 * V), a5 = load(sums, at + 5 * V), a6 = load(sums, at + 6 * V), a7 = load(sums, at + 7 * V);
        for (int s = from; s < to; s++) {
            int p = xAt + segments[2 * s];
            int q = dAt + segments[2 * s + 1];
            for (int k = 0; k < length; k++) {
                FloatVector d0 = load(d, q + k * dStep);
                int i = p + k * xStep;
                FloatVector v = all(x[i]);
                a0 = v.fma(d0, a0);
                v = all(x[i + 1]);
                a1 = v.fma(d0, a1);
                v = all(x[i + 2]);
                a2 = v.fma(d0, a2);
                v = all(x[i + 3]);
                a3 = v.fma(d0, a3);
                v = all(x[i + 4]);
                a4 = v.fma(d0, a4);
                v = all(x[i + 5]);
                a5 = v.fma(d0, a5);
                v = all(x[i + 6]);
                a6 = v.fma(d0, a6);
                v = all(x[i + 7]);
                a7 = v.fma(d0, a7);
            }
        }
        a0.intoArray(sums, at);
        a1.intoArray(sums, at + V);
        a2.intoArray(sums, at + 2 * V);
        a3.intoArray(sums, at + 3 * V);
        a4.intoArray(sums, at + 4 * V);
        a5.intoArray(sums, at + 5 * V);
        a6.intoArray(sums, at + 6 * V);
        a7.intoArray(sums, at + 7 * V);
    }

    // The work horse where there are 16 vector registers.
    static void multiply4x2(float[] x, int xStep, float[] d, int dStep, int second, int[] segments, int from, int to, int xAt, int dAt, int length,
            float[] sums, int at) {
        FloatVector a0 = load(sums, at), a1 = load(sums, at + 2 * V),
                a2 = load(sums, at + 4 * V), a3 = load(sums, at + 6 * V);
        FloatVector b0 = load(sums, at + V), b1 = load(sums, at + 3 * V),
                b2 = load(sums, at + 5 * V), b3 = load(sums, at + 7 * V);
        for (int s = from; s < to; s++) {
            int p = xAt + segments[2 * s];
            int q = dAt + segments[2 * s + 1];
            for (int k = 0; k < length; k++) {
                FloatVector d0 = load(d, q + k * dStep);
                FloatVector d1 = load(d, q + k * dStep + second);
                int i = p + k * xStep;
                FloatVector v = all(x[i]);
                a0 = v.fma(d0, a0); b0 = v.fma(d1, b0);
                v = all(x[i + 1]);
                a1 = v.fma(d0, a1); b1 = v.fma(d1, b1);
                v = all(x[i + 2]);
                a2 = v.fma(d0, a2); b2 = v.fma(d1, b2);
                v = all(x[i + 3]);
                a3 = v.fma(d0, a3); b3 = v.fma(d1, b3);
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

    // A single vector of output channels left over.
    static void multiply4x1(float[] x, int xStep, float[] d, int dStep, int[] segments, int from, int to, int xAt, int dAt, int length,
            float[] sums, int at) {
        FloatVector a0 = load(sums, at), a1 = load(sums, at + V),
                a2 = load(sums, at + 2 * V), a3 = load(sums, at + 3 * V);
        for (int s = from; s < to; s++) {
            int p = xAt + segments[2 * s];
            int q = dAt + segments[2 * s + 1];
            for (int k = 0; k < length; k++) {
                FloatVector d0 = load(d, q + k * dStep);
                int i = p + k * xStep;
                FloatVector v = all(x[i]);
                a0 = v.fma(d0, a0);
                v = all(x[i + 1]);
                a1 = v.fma(d0, a1);
                v = all(x[i + 2]);
                a2 = v.fma(d0, a2);
                v = all(x[i + 3]);
                a3 = v.fma(d0, a3);
            }
        }
        a0.intoArray(sums, at);
        a1.intoArray(sums, at + V);
        a2.intoArray(sums, at + 2 * V);
        a3.intoArray(sums, at + 3 * V);
    }
}
