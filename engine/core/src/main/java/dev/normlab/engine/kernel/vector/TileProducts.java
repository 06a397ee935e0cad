package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.all;
import static dev.normlab.engine.kernel.vector.Lanes.load;

import jdk.incubator.vector.FloatVector;

/// The inner loops of convolution forward, its input gradient and matrix products: sums for six pixels and a few vectors of output
/// channels.
///
/// Every kernel computes, for six pixels `j` and `m` vectors of output channels,
///
///     y[places[j] + b * yStep + lane] = bias[b, lane] + sum over segments s, k < length of
///         x[pixels[j] + segmentX(s) + k] * w[segmentW(s) * wStep + k, b, lane]
///
/// A *pixel* is an offset into `x`, a *segment* is a run of consecutive input values that all pixels use with the same weights (a
/// convolution's tap, or a whole matrix row), a *place* is where a pixel's results go. Because each pixel has an offset of its own, one
/// kernel serves rows of an image, pixels across rows, and the same position of six images alike; the sums run in the same order in all of
/// these, so a result never depends on its neighbours in the tile.
///
/// Six pixels by four vectors keep 24 sums, 4 weights and 1 input value in the 32 registers of AVX-512 and NEON; six by two fit the 16
/// registers of AVX2. The loop over `k` is deliberately not unrolled: more values in flight would spill. The sums start from the bias
/// rather than from `y` because 24 more loads push the method over the compiler's budget for inlining, after which every vector operation
/// allocates.
final class TileProducts {

    /// Pixels of one tile.
    static final int PIXELS = 6;

    /// The largest number of vectors of output channels that one tile covers on this machine: what its registers hold.
    static final int MAX_VECTORS = V >= 16 ? 4 : 2;

    // Segments below this many inputs are short.
    private static final int SHORT = 32;

    // Results side by side, and no bias.
    private static final int[] SIDE_BY_SIDE = {0, V, 2 * V, 3 * V, 4 * V, 5 * V};
    private static final float[] NO_BIAS = new float[4 * V];

    private TileProducts() {}

    /// Writes the sums of one tile to `sums[vectors, 6, V]` at `at`; see the class for the rest.
    ///
    /// @param vectors  1 to 4
    /// @param segments pairs of an offset into `x` and a number of `wStep`s into `w`
    static void multiply(int vectors, float[] x, int[] pixels, int pixelsAt, int[] segments, int from, int to, int length, float[] w,
            int wAt, int wStep, float[] sums, int at) {
        store(vectors, x, pixels, pixelsAt, segments, from, to, length, w, wAt, wStep, NO_BIAS, sums, at, PIXELS * V, SIDE_BY_SIDE, 0);
    }

    /// Writes the results of one tile to their places in `y`; see the class.
    ///
    /// @param vectors  1 to 4
    /// @param segments pairs of an offset into `x` and a number of `wStep`s into `w`
    /// @param places   six offsets from `yAt`; equal ones are written twice with the same result
    static void store(int vectors, float[] x, int[] pixels, int pixelsAt, int[] segments, int from, int to, int length, float[] w,
            int wAt, int wStep, float[] bias, float[] y, int yAt, int yStep, int[] places, int placesAt) {
        switch (vectors) {
            case 4 -> {
                if (length < SHORT) {
                    storeShort6x4(x, pixels, pixelsAt, segments, from, to, length, w, wAt, wStep, bias, y, yAt, yStep, places, placesAt);
                } else {
                    store6x4(x, pixels, pixelsAt, segments, from, to, length, w, wAt, wStep, bias, y, yAt, yStep, places, placesAt);
                }
            }
            case 3 -> store6x3(x, pixels, pixelsAt, segments, from, to, length, w, wAt, wStep, bias, y, yAt, yStep, places, placesAt);
            case 2 -> {
                if (length < SHORT) {
                    storeShort6x2(x, pixels, pixelsAt, segments, from, to, length, w, wAt, wStep, bias, y, yAt, yStep, places, placesAt);
                } else {
                    store6x2(x, pixels, pixelsAt, segments, from, to, length, w, wAt, wStep, bias, y, yAt, yStep, places, placesAt);
                }
            }
            default -> store6x1(x, pixels, pixelsAt, segments, from, to, length, w, wAt, wStep, bias, y, yAt, places, placesAt);
        }
    }

    // The work horse where there are 32 vector registers.
    static void store6x4(float[] x, int[] pixels, int pixelsAt, int[] segments, int from, int to, int length, float[] w, int wAt,
            int wStep, float[] bias, float[] y, int yAt, int yStep, int[] places, int placesAt) {
        FloatVector a0 = load(bias, 0);
        FloatVector b0 = load(bias, V);
        FloatVector c0 = load(bias, 2 * V);
        FloatVector d0 = load(bias, 3 * V);
        FloatVector a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0;
        FloatVector b1 = b0, b2 = b0, b3 = b0, b4 = b0, b5 = b0;
        FloatVector c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0;
        FloatVector d1 = d0, d2 = d0, d3 = d0, d4 = d0, d5 = d0;
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
        int y0 = yAt + places[placesAt], y1 = yAt + places[placesAt + 1], y2 = yAt + places[placesAt + 2];
        int y3 = yAt + places[placesAt + 3], y4 = yAt + places[placesAt + 4], y5 = yAt + places[placesAt + 5];
        a0.intoArray(y, y0);
        a1.intoArray(y, y1);
        a2.intoArray(y, y2);
        a3.intoArray(y, y3);
        a4.intoArray(y, y4);
        a5.intoArray(y, y5);
        b0.intoArray(y, y0 + yStep);
        b1.intoArray(y, y1 + yStep);
        b2.intoArray(y, y2 + yStep);
        b3.intoArray(y, y3 + yStep);
        b4.intoArray(y, y4 + yStep);
        b5.intoArray(y, y5 + yStep);
        c0.intoArray(y, y0 + 2 * yStep);
        c1.intoArray(y, y1 + 2 * yStep);
        c2.intoArray(y, y2 + 2 * yStep);
        c3.intoArray(y, y3 + 2 * yStep);
        c4.intoArray(y, y4 + 2 * yStep);
        c5.intoArray(y, y5 + 2 * yStep);
        d0.intoArray(y, y0 + 3 * yStep);
        d1.intoArray(y, y1 + 3 * yStep);
        d2.intoArray(y, y2 + 3 * yStep);
        d3.intoArray(y, y3 + 3 * yStep);
        d4.intoArray(y, y4 + 3 * yStep);
        d5.intoArray(y, y5 + 3 * yStep);
    }

    // As store6x4, for segments so short that a loop inside another costs too much: the compiler spills all sums around the inner loop.
    // Here one loop runs over all terms and steps to the next segment on the way; long segments lose 5% by that, for checks of every index.
    static void storeShort6x4(float[] x, int[] pixels, int pixelsAt, int[] segments, int from, int to, int length, float[] w, int wAt,
            int wStep, float[] bias, float[] y, int yAt, int yStep, int[] places, int placesAt) {
        FloatVector a0 = load(bias, 0);
        FloatVector b0 = load(bias, V);
        FloatVector c0 = load(bias, 2 * V);
        FloatVector d0 = load(bias, 3 * V);
        FloatVector a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0;
        FloatVector b1 = b0, b2 = b0, b3 = b0, b4 = b0, b5 = b0;
        FloatVector c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0;
        FloatVector d1 = d0, d2 = d0, d3 = d0, d4 = d0, d5 = d0;
        int p0 = pixels[pixelsAt], p1 = pixels[pixelsAt + 1], p2 = pixels[pixelsAt + 2];
        int p3 = pixels[pixelsAt + 3], p4 = pixels[pixelsAt + 4], p5 = pixels[pixelsAt + 5];
        int s = from, left = 0, k = 0, q = 0;
        for (int t = (to - from) * length; t > 0; t--) {
            if (left == 0) {
                k = segments[2 * s];
                q = wAt + segments[2 * s + 1] * wStep;
                s++;
                left = length;
            }
            FloatVector w0 = load(w, q);
            FloatVector w1 = load(w, q + V);
            FloatVector w2 = load(w, q + 2 * V);
            FloatVector w3 = load(w, q + 3 * V);
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
            k++;
            q += 4 * V;
            left--;
        }
        int y0 = yAt + places[placesAt], y1 = yAt + places[placesAt + 1], y2 = yAt + places[placesAt + 2];
        int y3 = yAt + places[placesAt + 3], y4 = yAt + places[placesAt + 4], y5 = yAt + places[placesAt + 5];
        a0.intoArray(y, y0);
        a1.intoArray(y, y1);
        a2.intoArray(y, y2);
        a3.intoArray(y, y3);
        a4.intoArray(y, y4);
        a5.intoArray(y, y5);
        b0.intoArray(y, y0 + yStep);
        b1.intoArray(y, y1 + yStep);
        b2.intoArray(y, y2 + yStep);
        b3.intoArray(y, y3 + yStep);
        b4.intoArray(y, y4 + yStep);
        b5.intoArray(y, y5 + yStep);
        c0.intoArray(y, y0 + 2 * yStep);
        c1.intoArray(y, y1 + 2 * yStep);
        c2.intoArray(y, y2 + 2 * yStep);
        c3.intoArray(y, y3 + 2 * yStep);
        c4.intoArray(y, y4 + 2 * yStep);
        c5.intoArray(y, y5 + 2 * yStep);
        d0.intoArray(y, y0 + 3 * yStep);
        d1.intoArray(y, y1 + 3 * yStep);
        d2.intoArray(y, y2 + 3 * yStep);
        d3.intoArray(y, y3 + 3 * yStep);
        d4.intoArray(y, y4 + 3 * yStep);
        d5.intoArray(y, y5 + 3 * yStep);
    }

    // For pieces of three vectors.
    static void store6x3(float[] x, int[] pixels, int pixelsAt, int[] segments, int from, int to, int length, float[] w, int wAt,
            int wStep, float[] bias, float[] y, int yAt, int yStep, int[] places, int placesAt) {
        FloatVector a0 = load(bias, 0);
        FloatVector b0 = load(bias, V);
        FloatVector c0 = load(bias, 2 * V);
        FloatVector a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0;
        FloatVector b1 = b0, b2 = b0, b3 = b0, b4 = b0, b5 = b0;
        FloatVector c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0;
        for (int s = from; s < to; s++) {
            int xAt = segments[2 * s];
            int p0 = xAt + pixels[pixelsAt], p1 = xAt + pixels[pixelsAt + 1], p2 = xAt + pixels[pixelsAt + 2];
            int p3 = xAt + pixels[pixelsAt + 3], p4 = xAt + pixels[pixelsAt + 4], p5 = xAt + pixels[pixelsAt + 5];
            int q = wAt + segments[2 * s + 1] * wStep;
            for (int k = 0; k < length; k++) {
                FloatVector w0 = load(w, q + k * (3 * V));
                FloatVector w1 = load(w, q + k * (3 * V) + V);
                FloatVector w2 = load(w, q + k * (3 * V) + 2 * V);
                FloatVector v = all(x[p0 + k]);
                a0 = v.fma(w0, a0);
                b0 = v.fma(w1, b0);
                c0 = v.fma(w2, c0);
                v = all(x[p1 + k]);
                a1 = v.fma(w0, a1);
                b1 = v.fma(w1, b1);
                c1 = v.fma(w2, c1);
                v = all(x[p2 + k]);
                a2 = v.fma(w0, a2);
                b2 = v.fma(w1, b2);
                c2 = v.fma(w2, c2);
                v = all(x[p3 + k]);
                a3 = v.fma(w0, a3);
                b3 = v.fma(w1, b3);
                c3 = v.fma(w2, c3);
                v = all(x[p4 + k]);
                a4 = v.fma(w0, a4);
                b4 = v.fma(w1, b4);
                c4 = v.fma(w2, c4);
                v = all(x[p5 + k]);
                a5 = v.fma(w0, a5);
                b5 = v.fma(w1, b5);
                c5 = v.fma(w2, c5);
            }
        }
        int y0 = yAt + places[placesAt], y1 = yAt + places[placesAt + 1], y2 = yAt + places[placesAt + 2];
        int y3 = yAt + places[placesAt + 3], y4 = yAt + places[placesAt + 4], y5 = yAt + places[placesAt + 5];
        a0.intoArray(y, y0);
        a1.intoArray(y, y1);
        a2.intoArray(y, y2);
        a3.intoArray(y, y3);
        a4.intoArray(y, y4);
        a5.intoArray(y, y5);
        b0.intoArray(y, y0 + yStep);
        b1.intoArray(y, y1 + yStep);
        b2.intoArray(y, y2 + yStep);
        b3.intoArray(y, y3 + yStep);
        b4.intoArray(y, y4 + yStep);
        b5.intoArray(y, y5 + yStep);
        c0.intoArray(y, y0 + 2 * yStep);
        c1.intoArray(y, y1 + 2 * yStep);
        c2.intoArray(y, y2 + 2 * yStep);
        c3.intoArray(y, y3 + 2 * yStep);
        c4.intoArray(y, y4 + 2 * yStep);
        c5.intoArray(y, y5 + 2 * yStep);
    }

    // The work horse where there are 16 vector registers.
    static void store6x2(float[] x, int[] pixels, int pixelsAt, int[] segments, int from, int to, int length, float[] w, int wAt,
            int wStep, float[] bias, float[] y, int yAt, int yStep, int[] places, int placesAt) {
        FloatVector a0 = load(bias, 0);
        FloatVector b0 = load(bias, V);
        FloatVector a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0;
        FloatVector b1 = b0, b2 = b0, b3 = b0, b4 = b0, b5 = b0;
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
        int y0 = yAt + places[placesAt], y1 = yAt + places[placesAt + 1], y2 = yAt + places[placesAt + 2];
        int y3 = yAt + places[placesAt + 3], y4 = yAt + places[placesAt + 4], y5 = yAt + places[placesAt + 5];
        a0.intoArray(y, y0);
        a1.intoArray(y, y1);
        a2.intoArray(y, y2);
        a3.intoArray(y, y3);
        a4.intoArray(y, y4);
        a5.intoArray(y, y5);
        b0.intoArray(y, y0 + yStep);
        b1.intoArray(y, y1 + yStep);
        b2.intoArray(y, y2 + yStep);
        b3.intoArray(y, y3 + yStep);
        b4.intoArray(y, y4 + yStep);
        b5.intoArray(y, y5 + yStep);
    }

    // As store6x2 for short segments; see storeShort6x4.
    static void storeShort6x2(float[] x, int[] pixels, int pixelsAt, int[] segments, int from, int to, int length, float[] w, int wAt,
            int wStep, float[] bias, float[] y, int yAt, int yStep, int[] places, int placesAt) {
        FloatVector a0 = load(bias, 0);
        FloatVector b0 = load(bias, V);
        FloatVector a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0;
        FloatVector b1 = b0, b2 = b0, b3 = b0, b4 = b0, b5 = b0;
        int p0 = pixels[pixelsAt], p1 = pixels[pixelsAt + 1], p2 = pixels[pixelsAt + 2];
        int p3 = pixels[pixelsAt + 3], p4 = pixels[pixelsAt + 4], p5 = pixels[pixelsAt + 5];
        int s = from, left = 0, k = 0, q = 0;
        for (int t = (to - from) * length; t > 0; t--) {
            if (left == 0) {
                k = segments[2 * s];
                q = wAt + segments[2 * s + 1] * wStep;
                s++;
                left = length;
            }
            FloatVector w0 = load(w, q);
            FloatVector w1 = load(w, q + V);
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
            k++;
            q += 2 * V;
            left--;
        }
        int y0 = yAt + places[placesAt], y1 = yAt + places[placesAt + 1], y2 = yAt + places[placesAt + 2];
        int y3 = yAt + places[placesAt + 3], y4 = yAt + places[placesAt + 4], y5 = yAt + places[placesAt + 5];
        a0.intoArray(y, y0);
        a1.intoArray(y, y1);
        a2.intoArray(y, y2);
        a3.intoArray(y, y3);
        a4.intoArray(y, y4);
        a5.intoArray(y, y5);
        b0.intoArray(y, y0 + yStep);
        b1.intoArray(y, y1 + yStep);
        b2.intoArray(y, y2 + yStep);
        b3.intoArray(y, y3 + yStep);
        b4.intoArray(y, y4 + yStep);
        b5.intoArray(y, y5 + yStep);
    }

    // For what is left over, and for groups of few channels.
    static void store6x1(float[] x, int[] pixels, int pixelsAt, int[] segments, int from, int to, int length, float[] w, int wAt,
            int wStep, float[] bias, float[] y, int yAt, int[] places, int placesAt) {
        FloatVector a0 = load(bias, 0);
        FloatVector a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0;
        for (int s = from; s < to; s++) {
            int xAt = segments[2 * s];
            int p0 = xAt + pixels[pixelsAt], p1 = xAt + pixels[pixelsAt + 1], p2 = xAt + pixels[pixelsAt + 2];
            int p3 = xAt + pixels[pixelsAt + 3], p4 = xAt + pixels[pixelsAt + 4], p5 = xAt + pixels[pixelsAt + 5];
            int q = wAt + segments[2 * s + 1] * wStep;
            for (int k = 0; k < length; k++) {
                FloatVector w0 = load(w, q + k * V);
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
        int y0 = yAt + places[placesAt], y1 = yAt + places[placesAt + 1], y2 = yAt + places[placesAt + 2];
        int y3 = yAt + places[placesAt + 3], y4 = yAt + places[placesAt + 4], y5 = yAt + places[placesAt + 5];
        a0.intoArray(y, y0);
        a1.intoArray(y, y1);
        a2.intoArray(y, y2);
        a3.intoArray(y, y3);
        a4.intoArray(y, y4);
        a5.intoArray(y, y5);
    }
}
