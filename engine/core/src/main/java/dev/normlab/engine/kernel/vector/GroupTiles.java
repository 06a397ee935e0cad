package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.SPECIES;
import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;

/// The inner loops of convolutions whose groups have eight channels (RegNet's): a vector holds the channels of one group or of two.
///
/// In a dense tile an input value meets all output channels, and is broadcast to a vector of them. Here it meets eight, less than a vector
/// of sixteen lanes. So nothing is broadcast: input vectors are multiplied lane by lane, once for each *rotation* `r` of the group. The
/// sum
///
///     a[r][lane] = sum over taps of x[lane] * w[r][lane]
///
/// belongs to the input channel `lane` and the output channel `r` lanes further on, in the circle of the group's eight; in the end the
/// eight sums are rotated to their output channels and added, in three steps of halves. The weight gradient rotates output gradients
/// instead.
///
/// Images are scratch images or blocked activations: neighbouring pixels lie `V` floats apart.
final class GroupTiles {

    /// Channels of a group, and rotations.
    static final int WIDTH = 8;

    /// Whether the machine has registers for [#two].
    static final boolean PAIRS = V >= 16;

    /// Floats of a tap's weights for one vector of channels: `[rotation][input channel]`.
    static final int TAP_WEIGHTS = WIDTH * V;

    /// Taps of one call of [#gradient].
    static final int GRADIENT_TAPS = 3;

    /// Rotations of one call of [#gradient].
    static final int GRADIENT_ROTATIONS = 4;

    // Lane l takes what is one, two or four lanes before it in its group, or one or four lanes behind it.
    private static final VectorShuffle<Float> NONE = rotation(0);
    private static final VectorShuffle<Float> BEFORE_1 = rotation(-1);
    private static final VectorShuffle<Float> BEFORE_2 = rotation(-2);
    private static final VectorShuffle<Float> BEHIND_1 = rotation(1);
    private static final VectorShuffle<Float> OPPOSITE = rotation(4);

    private GroupTiles() {}

    /// Whether vectors hold whole groups.
    static boolean areSupported() {
        return V % WIDTH == 0;
    }

    private static VectorShuffle<Float> rotation(int by) {
        return VectorShuffle.fromOp(SPECIES, lane -> lane / WIDTH * WIDTH + Math.floorMod(lane + by, WIDTH));
    }

    /// Writes one vector of results: the bias plus the taps `from` to `to - 1` of `taps`.
    ///
    /// @param taps pairs of an offset into `x` and an offset into `w`, where `w` holds [#TAP_WEIGHTS] floats
    static void one(float[] x, int xAt, float[] w, int wAt, int[] taps, int from, int to, float[] bias, int biasAt, float[] y, int yAt) {
        FloatVector zero = zero();
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero, a6 = zero, a7 = zero;
        for (int t = from; t < to; t++) {
            FloatVector u = load(x, xAt + taps[2 * t]);
            int q = wAt + taps[2 * t + 1];
            a0 = load(w, q).fma(u, a0);
            a1 = load(w, q + V).fma(u, a1);
            a2 = load(w, q + 2 * V).fma(u, a2);
            a3 = load(w, q + 3 * V).fma(u, a3);
            a4 = load(w, q + 4 * V).fma(u, a4);
            a5 = load(w, q + 5 * V).fma(u, a5);
            a6 = load(w, q + 6 * V).fma(u, a6);
            a7 = load(w, q + 7 * V).fma(u, a7);
        }
        sum(a0, a1, a2, a3, a4, a5, a6, a7).add(load(bias, biasAt)).intoArray(y, yAt);
    }

    /// As [#one] for two results, which share the weights: the second one's inputs lie `xStep` floats behind the first one's, and it is
    /// written `yStep` floats behind. For machines with 32 vector registers.
    static void two(float[] x, int xAt, int xStep, float[] w, int wAt, int[] taps, int from, int to, float[] bias, int biasAt, float[] y,
            int yAt, int yStep) {
        FloatVector zero = zero();
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero, a6 = zero, a7 = zero;
        FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero, b4 = zero, b5 = zero, b6 = zero, b7 = zero;
        for (int t = from; t < to; t++) {
            int p = xAt + taps[2 * t], q = wAt + taps[2 * t + 1];
            FloatVector u = load(x, p), v = load(x, p + xStep);
            FloatVector g = load(w, q);
            a0 = g.fma(u, a0);
            b0 = g.fma(v, b0);
            g = load(w, q + V);
            a1 = g.fma(u, a1);
            b1 = g.fma(v, b1);
            g = load(w, q + 2 * V);
            a2 = g.fma(u, a2);
            b2 = g.fma(v, b2);
            g = load(w, q + 3 * V);
            a3 = g.fma(u, a3);
            b3 = g.fma(v, b3);
            g = load(w, q + 4 * V);
            a4 = g.fma(u, a4);
            b4 = g.fma(v, b4);
            g = load(w, q + 5 * V);
            a5 = g.fma(u, a5);
            b5 = g.fma(v, b5);
            g = load(w, q + 6 * V);
            a6 = g.fma(u, a6);
            b6 = g.fma(v, b6);
            g = load(w, q + 7 * V);
            a7 = g.fma(u, a7);
            b7 = g.fma(v, b7);
        }
        FloatVector start = load(bias, biasAt);
        sum(a0, a1, a2, a3, a4, a5, a6, a7).add(start).intoArray(y, yAt);
        sum(b0, b1, b2, b3, b4, b5, b6, b7).add(start).intoArray(y, yAt + yStep);
    }

    // What is known of rotation r goes r lanes on: by four, then by two, then by one.
    private static FloatVector sum(FloatVector a0, FloatVector a1, FloatVector a2, FloatVector a3, FloatVector a4, FloatVector a5,
            FloatVector a6, FloatVector a7) {
        FloatVector b0 = a0.add(a4.rearrange(OPPOSITE));
        FloatVector b1 = a1.add(a5.rearrange(OPPOSITE));
        FloatVector b2 = a2.add(a6.rearrange(OPPOSITE));
        FloatVector b3 = a3.add(a7.rearrange(OPPOSITE));
        FloatVector c0 = b0.add(b2.rearrange(BEFORE_2));
        FloatVector c1 = b1.add(b3.rearrange(BEFORE_2));
        return c0.add(c1.rearrange(BEFORE_1));
    }

    /// Writes a part of the weight gradient, `sums[tap][rotation][input channel]` for three taps and four rotations, summed over `rows`
    /// rows of `length` output gradients, which lie side by side; the inputs that meet them lie `xPixel` floats apart.
    ///
    /// @param half  0 for the rotations 0 to 3, 1 for 4 to 7
    /// @param xStep floats of `x` from one row to the next, as `dStep` of `d`
    /// @param tap1  floats of `x` from the first tap's input to the second one's, as `tap2` to the third one's
    static void gradient(int half, float[] x, int xAt, int xPixel, int xStep, int tap1, int tap2, float[] d, int dAt, int dStep, int rows,
            int length, float[] sums, int at) {
        FloatVector zero = zero();
        FloatVector a0 = zero, a1 = zero, a2 = zero, a3 = zero;
        FloatVector b0 = zero, b1 = zero, b2 = zero, b3 = zero;
        FloatVector c0 = zero, c1 = zero, c2 = zero, c3 = zero;
        // The first half is rotated by nothing: a rearrangement more than it needs, but one loop for both halves.
        VectorShuffle<Float> first = half == 0 ? NONE : OPPOSITE;
        for (int row = 0; row < rows; row++) {
            int p = xAt + row * xStep, q = dAt + row * dStep;
            for (int k = 0; k < length; k++) {
                FloatVector u = load(x, p), v = load(x, p + tap1), w = load(x, p + tap2);
                FloatVector g = load(d, q + k * V).rearrange(first);
                p += xPixel;
                a0 = g.fma(u, a0);
                b0 = g.fma(v, b0);
                c0 = g.fma(w, c0);
                g = g.rearrange(BEHIND_1);
                a1 = g.fma(u, a1);
                b1 = g.fma(v, b1);
                c1 = g.fma(w, c1);
                g = g.rearrange(BEHIND_1);
                a2 = g.fma(u, a2);
                b2 = g.fma(v, b2);
                c2 = g.fma(w, c2);
                g = g.rearrange(BEHIND_1);
                a3 = g.fma(u, a3);
                b3 = g.fma(v, b3);
                c3 = g.fma(w, c3);
            }
        }
        a0.intoArray(sums, at);
        a1.intoArray(sums, at + V);
        a2.intoArray(sums, at + 2 * V);
        a3.intoArray(sums, at + 3 * V);
        b0.intoArray(sums, at + 4 * V);
        b1.intoArray(sums, at + 5 * V);
        b2.intoArray(sums, at + 6 * V);
        b3.intoArray(sums, at + 7 * V);
        c0.intoArray(sums, at + 8 * V);
        c1.intoArray(sums, at + 9 * V);
        c2.intoArray(sums, at + 10 * V);
        c3.intoArray(sums, at + 11 * V);
    }
}
