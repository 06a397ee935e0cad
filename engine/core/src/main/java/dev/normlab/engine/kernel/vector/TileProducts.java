package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.all;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

import jdk.incubator.vector.FloatVector;

/// The inner loops of convolution forward, its input gradient and matrix products: sums for six pixels and a few vectors of output
/// channels.
///
/// Every kernel computes, for six pixels `j` and `m` vectors of output channels,
///
///     sums[b, j, lane] = sum over segments s, k < length of x[pixels[j] + segmentX(s) + k] * w[segmentW(s) * wStep + k, b, lane]
///
/// A *pixel* is an offset into `x`, a *segment* is a run of consecutive input values that all pixels use with the same weights (a
/// convolution's tap, or a whole matrix row). Because each pixel has an offset of its own, one kernel serves rows of an image, pixels
/// across rows, and the same position of six images alike; the sums run in the same order in all of these, so a result never depends on its
/// neighbours in the tile.
///
/// Six pixels by four vectors keep 24 sums, 4 weights and 1 input value in the 32 registers of AVX-512 and NEON; six by two fit the 16
/// registers of AVX2. The loop over `k` is deliberately not unrolled: more values in flight would spill. The sums start from zero rather
/// than from memory because 24 more loads push the method over the compiler's budget for inlining, after which every vector operation
/// allocates.
final class TileProducts {

    /// Pixels of one tile.
    static final int PIXELS = 6;

    /// The largest number of vectors of output channels that one tile covers on this machine: what its registers hold.
    static final int MAX_VECTORS = V >= 16 ? 4 : 2;

    private TileProducts() {}

    /// Writes the sums of one tile to `sums[vectors, 6, V]` at `at`; see the class for the rest.
    ///
    /// @param vectors  1, 2 or 4
    /// @param segments pairs of an offset into `x` and a number of `wStep`s into `w`
    static void multiply(int vectors, float[] x, int[] pixels, int pixelsAt, int[] segments, int from, int to, int length, float[] w,
            int wAt, int wStep, float[] sums, int at) {
        switch (vectors) {
            case 4 -> multiply6x4(x, pixels, pixelsAt, segments, from, to, length, w, wAt, wStep, sums, at);
            case 2 -> multiply6x2(x, pixels, pixelsAt, segments, from, to, length, w, wAt, wStep, sums, at);
            default -> multiply6x1(x, pixels, pixelsAt, segments, from, to, length, w, wAt, wStep, sums, at);
        }
    }

    // The work horse where there are 32 vector registers.
    static void multiply6x4(float[] x, int[] pixels, int pixelsAt, int[] segments, int from, int to, int length, float[] w, int wAt,
            int wStep, float[] sums, int at) {
        FloatVector zero = zero();
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero;
        FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero, b4 = zero, b5 = zero;
        FloatVector c0 = zero, c1 = zero, c2 = zero, c3 = zero, c4 = zero, c5 = zero;
        FloatVector d0 = zero, d1 = zero, d2 = zero, d3 = zero, d4 = zero, d5 = zero;
        for (int s = from; s < to; s++) {
            int xAt = segments[2 * s];
            int p0 = xAt + pixels[pixelsAt], p1 = xAt + pixels[pixelsAt + 1], p2 = xAt + pixels[pixelsAt + 2];
            int p3 = xAt + pixels[pixelsAt + 3], p4 = xAt + pixels[pixelsAt + 4], p5 = xAt + pixels[pixelsAt + 5];
            int q = wAt + segments[2 * s + 1] * wStep;
            for (int k = 0; k < length; k++) {
                FloatVector w0 = load(w, q + k * (4 * V));
                FloatVector w1 = load(w, q + k * (4 * V) + V);
                FloatVector w2 = load(w, q + k * (4 * V) + 2 * V);
                FloatVector w3 = load(w, q + k * (4 * V) + 3 * V);
                FloatVector v = all(x[p0 + k]);
                a0 = v.fma(w0, a0);
                b0 = v.fma(w1, b0);
                c0 = v.fma(w2, c0);
                d0 = v.fma(w3, d0);
                v = all(x[p1 + k]);
                a1 = v.fma(w0, a1);
                b1 = v.fma(w1, b1);
                c1 = v.fma(w2, c1);
                d1 = v.fma(w3, d1);
                v = all(x[p2 + k]);
                a2 = v.fma(w0, a2);
                b2 = v.fma(w1, b2);
                c2 = v.fma(w2, c2);
                d2 = v.fma(w3, d2);
                v = all(x[p3 + k]);
                a3 = v.fma(w0, a3);
                b3 = v.fma(w1, b3);
                c3 = v.fma(w2, c3);
                d3 = v.fma(w3, d3);
                v = all(x[p4 + k]);
                a4 = v.fma(w0, a4);
                b4 = v.fma(w1, b4);
                c4 = v.fma(w2, c4);
                d4 = v.fma(w3, d4);
                v = all(x[p5 + k]);
                a5 = v.fma(w0, a5);
                b5 = v.fma(w1, b5);
                c5 = v.fma(w2, c5);
                d5 = v.fma(w3, d5);
            }
        }
        a0.intoArray(sums, at);
        a1.intoArray(sums, at + V);
        a2.intoArray(sums, at + 2 * V);
        a3.intoArray(sums, at + 3 * V);
        a4.intoArray(sums, at + 4 * V);
        a5.intoArray(sums, at + 5 * V);
        b0.intoArray(sums, at + 6 * V);
        b1.intoArray(sums, at + 7 * V);
        b2.intoArray(sums, at + 8 * V);
        b3.intoArray(sums, at + 9 * V);
        b4.intoArray(sums, at + 10 * V);
        b5.intoArray(sums, at + 11 * V);
        c0.intoArray(sums, at + 12 * V);
        c1.intoArray(sums, at + 13 * V);
        c2.intoArray(sums, at + 14 * V);
        c3.intoArray(sums, at + 15 * V);
        c4.intoArray(sums, at + 16 * V);
        c5.intoArray(sums, at + 17 * V);
        d0.intoArray(sums, at + 18 * V);
        d1.intoArray(sums, at + 19 * V);
        d2.intoArray(sums, at + 20 * V);
        d3.intoArray(sums, at + 21 * V);
        d4.intoArray(sums, at + 22 * V);
        d5.intoArray(sums, at + 23 * V);
    }

    // The work horse where there are 16 vector registers.
    static void multiply6x2(float[] x, int[] pixels, int pixelsAt, int[] segments, int from, int to, int length, float[] w, int wAt,
            int wStep, float[] sums, int at) {
        FloatVector zero = zero();
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero;
        FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero, b4 = zero, b5 = zero;
        for (int s = from; s < to; s++) {
            int xAt = segments[2 * s];
            int p0 = xAt + pixels[pixelsAt], p1 = xAt + pixels[pixelsAt + 1], p2 = xAt + pixels[pixelsAt + 2];
            int p3 = xAt + pixels[pixelsAt + 3], p4 = xAt + pixels[pixelsAt + 4], p5 = xAt + pixels[pixelsAt + 5];
            int q = wAt + segments[2 * s + 1] * wStep;
            for (int k = 0; k < length; k++) {
                FloatVector w0 = load(w, q + k * (2 * V));
                FloatVector w1 = load(w, q + k * (2 * V) + V);
                FloatVector v = all(x[p0 + k]);
                a0 = v.fma(w0, a0);
                b0 = v.fma(w1, b0);
                v = all(x[p1 + k]);
                a1 = v.fma(w0, a1);
                b1 = v.fma(w1, b1);
                v = all(x[p2 + k]);
                a2 = v.fma(w0, a2);
                b2 = v.fma(w1, b2);
                v = all(x[p3 + k]);
                a3 = v.fma(w0, a3);
                b3 = v.fma(w1, b3);
                v = all(x[p4 + k]);
                a4 = v.fma(w0, a4);
                b4 = v.fma(w1, b4);
                v = all(x[p5 + k]);
                a5 = v.fma(w0, a5);
                b5 = v.fma(w1, b5);
            }
        }
        a0.intoArray(sums, at);
        a1.intoArray(sums, at + V);
        a2.intoArray(sums, at + 2 * V);
        a3.intoArray(sums, at + 3 * V);
        a4.intoArray(sums, at + 4 * V);
        a5.intoArray(sums, at + 5 * V);
        b0.intoArray(sums, at + 6 * V);
        b1.intoArray(sums, at + 7 * V);
        b2.intoArray(sums, at + 8 * V);
        b3.intoArray(sums, at + 9 * V);
        b4.intoArray(sums, at + 10 * V);
        b5.intoArray(sums, at + 11 * V);
    }

    // For what is left over, and for groups of few channels.
    static void multiply6x1(float[] x, int[] pixels, int pixelsAt, int[] segments, int from, int to, int length, float[] w, int wAt,
            int wStep, float[] sums, int at) {
        FloatVector zero = zero();
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero;
        for (int s = from; s < to; s++) {
            int xAt = segments[2 * s];
            int p0 = xAt + pixels[pixelsAt], p1 = xAt + pixels[pixelsAt + 1], p2 = xAt + pixels[pixelsAt + 2];
            int p3 = xAt + pixels[pixelsAt + 3], p4 = xAt + pixels[pixelsAt + 4], p5 = xAt + pixels[pixelsAt + 5];
            int q = wAt + segments[2 * s + 1] * wStep;
            for (int k = 0; k < length; k++) {
                FloatVector w0 = load(w, q + k * (1 * V));
                FloatVector v = all(x[p0 + k]);
                a0 = v.fma(w0, a0);
                v = all(x[p1 + k]);
                a1 = v.fma(w0, a1);
                v = all(x[p2 + k]);
                a2 = v.fma(w0, a2);
                v = all(x[p3 + k]);
                a3 = v.fma(w0, a3);
                v = all(x[p4 + k]);
                a4 = v.fma(w0, a4);
                v = all(x[p5 + k]);
                a5 = v.fma(w0, a5);
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
