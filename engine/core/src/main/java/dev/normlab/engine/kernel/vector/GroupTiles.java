package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// The inner loops of convolutions whose groups have eight channels and whose kernels are three columns wide (RegNet's): one vector holds
/// the eight output channels of a group.
///
/// A dense tile spends each input value on several vectors of output channels; here a value meets one vector only. It is spent instead on
/// the three taps of a kernel row, which belong to three neighbouring results. On Zen 4 a broadcast costs a third of what a product does,
/// so this is worth 30% beside one broadcast for each product. Sums of a few rows of eight inputs are too short for a loop around another,
/// which spills: one loop steps to the next row on the way.
///
/// Images are scratch images or blocked activations: neighbouring pixels lie `V` floats apart, and `at` offsets name the first of the
/// group's eight channels.
final class GroupTiles {

    /// Channels of a group.
    static final int WIDTH = 8;

    /// Results of a tile.
    static final int PIXELS = 8;

    /// Floats of a group's weights for one kernel row: `[input channel][tap][output channel]`.
    static final int ROW_WEIGHTS = 3 * WIDTH * WIDTH;

    /// Input channels of one call of a weight gradient.
    static final int GRADIENT_CHANNELS = 4;

    // A group's channels in one vector, never wider than the machine prefers.
    private static final VectorSpecies<Float> GROUP = VectorSpecies.of(float.class,
            VectorShape.forBitSize(Math.min(V, WIDTH) * Float.SIZE));

    private GroupTiles() {}

    /// Whether this machine has vectors of eight floats, and blocks that hold whole groups.
    static boolean areSupported() {
        return V % WIDTH == 0;
    }

    /// Writes eight neighbouring results: the bias plus, over `rows` kernel rows and the group's inputs, taps 0, 1 and 2 times the
    /// input pixels `j`, `j + 1` and `j + 2` of result `j`.
    ///
    /// @param xAt   the first input pixel of the first kernel row
    /// @param xStep floats of `x` from one kernel row to the next
    /// @param wStep floats of `w` from one kernel row to the next
    static void stride1(float[] x, int xAt, int xStep, float[] w, int wAt, int wStep, int rows, float[] bias, int biasAt,
            float[] y, int yAt) {
        FloatVector start = load(bias, biasAt);
        FloatVector a0 = start, a1 = start, a2 = start, a3 = start, a4 = start, a5 = start, a6 = start, a7 = start;
        int row = 0, left = 0, k = 0, q = 0;
        for (int t = rows * WIDTH; t > 0; t--) {
            if (left == 0) {
                k = xAt + row * xStep;
                q = wAt + row * wStep;
                row++;
                left = WIDTH;
            }
            FloatVector w0 = load(w, q);
            FloatVector w1 = load(w, q + WIDTH);
            FloatVector w2 = load(w, q + 2 * WIDTH);
            FloatVector v = all(x[k]);
            a0 = v.fma(w0, a0);
            v = all(x[k + V]);
            a1 = v.fma(w0, a1);
            a0 = v.fma(w1, a0);
            v = all(x[k + 2 * V]);
            a2 = v.fma(w0, a2);
            a1 = v.fma(w1, a1);
            a0 = v.fma(w2, a0);
            v = all(x[k + 3 * V]);
            a3 = v.fma(w0, a3);
            a2 = v.fma(w1, a2);
            a1 = v.fma(w2, a1);
            v = all(x[k + 4 * V]);
            a4 = v.fma(w0, a4);
            a3 = v.fma(w1, a3);
            a2 = v.fma(w2, a2);
            v = all(x[k + 5 * V]);
            a5 = v.fma(w0, a5);
            a4 = v.fma(w1, a4);
            a3 = v.fma(w2, a3);
            v = all(x[k + 6 * V]);
            a6 = v.fma(w0, a6);
            a5 = v.fma(w1, a5);
            a4 = v.fma(w2, a4);
            v = all(x[k + 7 * V]);
            a7 = v.fma(w0, a7);
            a6 = v.fma(w1, a6);
            a5 = v.fma(w2, a5);
            v = all(x[k + 8 * V]);
            a7 = v.fma(w1, a7);
            a6 = v.fma(w2, a6);
            v = all(x[k + 9 * V]);
            a7 = v.fma(w2, a7);
            k++;
            q += 3 * WIDTH;
            left--;
        }
        a0.intoArray(y, yAt);
        a1.intoArray(y, yAt + V);
        a2.intoArray(y, yAt + 2 * V);
        a3.intoArray(y, yAt + 3 * V);
        a4.intoArray(y, yAt + 4 * V);
        a5.intoArray(y, yAt + 5 * V);
        a6.intoArray(y, yAt + 6 * V);
        a7.intoArray(y, yAt + 7 * V);
    }

    /// As [#stride1], but result `j` reads the input pixels `2 j`, `2 j + 1` and `2 j + 2`.
    static void stride2(float[] x, int xAt, int xStep, float[] w, int wAt, int wStep, int rows, float[] bias, int biasAt,
            float[] y, int yAt) {
        FloatVector start = load(bias, biasAt);
        FloatVector a0 = start, a1 = start, a2 = start, a3 = start, a4 = start, a5 = start, a6 = start, a7 = start;
        int row = 0, left = 0, k = 0, q = 0;
        for (int t = rows * WIDTH; t > 0; t--) {
            if (left == 0) {
                k = xAt + row * xStep;
                q = wAt + row * wStep;
                row++;
                left = WIDTH;
            }
            FloatVector w0 = load(w, q);
            FloatVector w1 = load(w, q + WIDTH);
            FloatVector w2 = load(w, q + 2 * WIDTH);
            FloatVector v = all(x[k]);
            a0 = v.fma(w0, a0);
            v = all(x[k + V]);
            a0 = v.fma(w1, a0);
            v = all(x[k + 2 * V]);
            a1 = v.fma(w0, a1);
            a0 = v.fma(w2, a0);
            v = all(x[k + 3 * V]);
            a1 = v.fma(w1, a1);
            v = all(x[k + 4 * V]);
            a2 = v.fma(w0, a2);
            a1 = v.fma(w2, a1);
            v = all(x[k + 5 * V]);
            a2 = v.fma(w1, a2);
            v = all(x[k + 6 * V]);
            a3 = v.fma(w0, a3);
            a2 = v.fma(w2, a2);
            v = all(x[k + 7 * V]);
            a3 = v.fma(w1, a3);
            v = all(x[k + 8 * V]);
            a4 = v.fma(w0, a4);
            a3 = v.fma(w2, a3);
            v = all(x[k + 9 * V]);
            a4 = v.fma(w1, a4);
            v = all(x[k + 10 * V]);
            a5 = v.fma(w0, a5);
            a4 = v.fma(w2, a4);
            v = all(x[k + 11 * V]);
            a5 = v.fma(w1, a5);
            v = all(x[k + 12 * V]);
            a6 = v.fma(w0, a6);
            a5 = v.fma(w2, a5);
            v = all(x[k + 13 * V]);
            a6 = v.fma(w1, a6);
            v = all(x[k + 14 * V]);
            a7 = v.fma(w0, a7);
            a6 = v.fma(w2, a6);
            v = all(x[k + 15 * V]);
            a7 = v.fma(w1, a7);
            v = all(x[k + 16 * V]);
            a7 = v.fma(w2, a7);
            k++;
            q += 3 * WIDTH;
            left--;
        }
        a0.intoArray(y, yAt);
        a1.intoArray(y, yAt + V);
        a2.intoArray(y, yAt + 2 * V);
        a3.intoArray(y, yAt + 3 * V);
        a4.intoArray(y, yAt + 4 * V);
        a5.intoArray(y, yAt + 5 * V);
        a6.intoArray(y, yAt + 6 * V);
        a7.intoArray(y, yAt + 7 * V);
    }

    /// Writes sixteen neighbouring positions of an input gradient of stride 2: position `2 j` meets pixel `j` through tap 1, position
    /// `2 j + 1` pixel `j` through tap 2 and pixel `j + 1` through tap 0.
    static void transposed2(float[] x, int xAt, int xStep, float[] w, int wAt, int wStep, int rows, float[] bias, int biasAt,
            float[] y, int yAt) {
        FloatVector start = load(bias, biasAt);
        FloatVector a0 = start, a1 = start, a2 = start, a3 = start, a4 = start, a5 = start, a6 = start, a7 = start;
        FloatVector b0 = start, b1 = start, b2 = start, b3 = start, b4 = start, b5 = start, b6 = start, b7 = start;
        int row = 0, left = 0, k = 0, q = 0;
        for (int t = rows * WIDTH; t > 0; t--) {
            if (left == 0) {
                k = xAt + row * xStep;
                q = wAt + row * wStep;
                row++;
                left = WIDTH;
            }
            FloatVector w0 = load(w, q);
            FloatVector w1 = load(w, q + WIDTH);
            FloatVector w2 = load(w, q + 2 * WIDTH);
            FloatVector v = all(x[k]);
            a0 = v.fma(w1, a0);
            b0 = v.fma(w2, b0);
            v = all(x[k + V]);
            b0 = v.fma(w0, b0);
            a1 = v.fma(w1, a1);
            b1 = v.fma(w2, b1);
            v = all(x[k + 2 * V]);
            b1 = v.fma(w0, b1);
            a2 = v.fma(w1, a2);
            b2 = v.fma(w2, b2);
            v = all(x[k + 3 * V]);
            b2 = v.fma(w0, b2);
            a3 = v.fma(w1, a3);
            b3 = v.fma(w2, b3);
            v = all(x[k + 4 * V]);
            b3 = v.fma(w0, b3);
            a4 = v.fma(w1, a4);
            b4 = v.fma(w2, b4);
            v = all(x[k + 5 * V]);
            b4 = v.fma(w0, b4);
            a5 = v.fma(w1, a5);
            b5 = v.fma(w2, b5);
            v = all(x[k + 6 * V]);
            b5 = v.fma(w0, b5);
            a6 = v.fma(w1, a6);
            b6 = v.fma(w2, b6);
            v = all(x[k + 7 * V]);
            b6 = v.fma(w0, b6);
            a7 = v.fma(w1, a7);
            b7 = v.fma(w2, b7);
            v = all(x[k + 8 * V]);
            b7 = v.fma(w0, b7);
            k++;
            q += 3 * WIDTH;
            left--;
        }
        a0.intoArray(y, yAt);
        b0.intoArray(y, yAt + V);
        a1.intoArray(y, yAt + 2 * V);
        b1.intoArray(y, yAt + 3 * V);
        a2.intoArray(y, yAt + 4 * V);
        b2.intoArray(y, yAt + 5 * V);
        a3.intoArray(y, yAt + 6 * V);
        b3.intoArray(y, yAt + 7 * V);
        a4.intoArray(y, yAt + 8 * V);
        b4.intoArray(y, yAt + 9 * V);
        a5.intoArray(y, yAt + 10 * V);
        b5.intoArray(y, yAt + 11 * V);
        a6.intoArray(y, yAt + 12 * V);
        b6.intoArray(y, yAt + 13 * V);
        a7.intoArray(y, yAt + 14 * V);
        b7.intoArray(y, yAt + 15 * V);
    }

    /// Writes the weight gradient of four input channels, `sums[channel][tap][output channel]`, summed over `rows` pairs of an input row of
    /// `length` pixels and a framed row of output gradients, where tap `u` pairs input pixel `k` with gradient `k + 2 - u`.
    static void gradient1(float[] x, int xAt, int xStep, float[] d, int dAt, int dStep, int rows, int length, float[] sums,
            int at) {
        FloatVector zero = FloatVector.zero(GROUP);
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
        FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero;
        FloatVector c0 = zero, c1 = zero, c2 = zero, c3 = zero;
        for (int row = 0; row < rows; row++) {
            int p = xAt + row * xStep, q = dAt + row * dStep;
            for (int k = 0; k < length; k++) {
                FloatVector g0 = load(d, q + k * V);
                FloatVector g1 = load(d, q + k * V + V);
                FloatVector g2 = load(d, q + k * V + 2 * V);
                int i = p + k * V;
                FloatVector v = all(x[i]);
                a0 = v.fma(g2, a0);
                b0 = v.fma(g1, b0);
                c0 = v.fma(g0, c0);
                v = all(x[i + 1]);
                a1 = v.fma(g2, a1);
                b1 = v.fma(g1, b1);
                c1 = v.fma(g0, c1);
                v = all(x[i + 2]);
                a2 = v.fma(g2, a2);
                b2 = v.fma(g1, b2);
                c2 = v.fma(g0, c2);
                v = all(x[i + 3]);
                a3 = v.fma(g2, a3);
                b3 = v.fma(g1, b3);
                c3 = v.fma(g0, c3);
            }
        }
        a0.intoArray(sums, at);
        b0.intoArray(sums, at + WIDTH);
        c0.intoArray(sums, at + 2 * WIDTH);
        a1.intoArray(sums, at + 3 * WIDTH);
        b1.intoArray(sums, at + 4 * WIDTH);
        c1.intoArray(sums, at + 5 * WIDTH);
        a2.intoArray(sums, at + 6 * WIDTH);
        b2.intoArray(sums, at + 7 * WIDTH);
        c2.intoArray(sums, at + 8 * WIDTH);
        a3.intoArray(sums, at + 9 * WIDTH);
        b3.intoArray(sums, at + 10 * WIDTH);
        c3.intoArray(sums, at + 11 * WIDTH);
    }

    /// As [#gradient1] for stride 2 over pairs of input pixels: tap 1 pairs pixel `2 k` with gradient `k`, taps 0 and 2 pair pixel
    /// `2 k + 1` with the gradients `k + 1` and `k`.
    static void gradient2(float[] x, int xAt, int xStep, float[] d, int dAt, int dStep, int rows, int length, float[] sums,
            int at) {
        FloatVector zero = FloatVector.zero(GROUP);
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
        FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero;
        FloatVector c0 = zero, c1 = zero, c2 = zero, c3 = zero;
        for (int row = 0; row < rows; row++) {
            int p = xAt + row * xStep, q = dAt + row * dStep;
            for (int k = 0; k < length; k++) {
                FloatVector g0 = load(d, q + k * V);
                FloatVector g1 = load(d, q + k * V + V);
                int i = p + k * (2 * V);
                FloatVector v = all(x[i]);
                b0 = v.fma(g0, b0);
                v = all(x[i + V]);
                a0 = v.fma(g1, a0);
                c0 = v.fma(g0, c0);
                v = all(x[i + 1]);
                b1 = v.fma(g0, b1);
                v = all(x[i + V + 1]);
                a1 = v.fma(g1, a1);
                c1 = v.fma(g0, c1);
                v = all(x[i + 2]);
                b2 = v.fma(g0, b2);
                v = all(x[i + V + 2]);
                a2 = v.fma(g1, a2);
                c2 = v.fma(g0, c2);
                v = all(x[i + 3]);
                b3 = v.fma(g0, b3);
                v = all(x[i + V + 3]);
                a3 = v.fma(g1, a3);
                c3 = v.fma(g0, c3);
            }
        }
        a0.intoArray(sums, at);
        b0.intoArray(sums, at + WIDTH);
        c0.intoArray(sums, at + 2 * WIDTH);
        a1.intoArray(sums, at + 3 * WIDTH);
        b1.intoArray(sums, at + 4 * WIDTH);
        c1.intoArray(sums, at + 5 * WIDTH);
        a2.intoArray(sums, at + 6 * WIDTH);
        b2.intoArray(sums, at + 7 * WIDTH);
        c2.intoArray(sums, at + 8 * WIDTH);
        a3.intoArray(sums, at + 9 * WIDTH);
        b3.intoArray(sums, at + 10 * WIDTH);
        c3.intoArray(sums, at + 11 * WIDTH);
    }

    private static FloatVector load(float[] a, int at) {
        return FloatVector.fromArray(GROUP, a, at);
    }

    private static FloatVector all(float value) {
        return FloatVector.broadcast(GROUP, value);
    }
}
