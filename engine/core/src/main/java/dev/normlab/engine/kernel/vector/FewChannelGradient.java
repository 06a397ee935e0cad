package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.all;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// Input gradient of a convolution of stride 1 whose input has at most three channels: the last step of every attack.
///
/// A vector of channels would be nearly empty, so a vector holds neighbouring pixels of a row instead. A chunk is a band of rows of one
/// image; its output gradients are turned to planes with a frame of zeros, and tiles of four vectors of pixels by three channels are summed
/// over all output channels and taps, in this order for every pixel.
final class FewChannelGradient {

    private static final int CHANNELS = 3;

    // Vectors of pixels of a tile.
    private static final int VECTORS = 4;

    // Floats of planes that should stay in the second-level cache.
    private static final int SCRATCH_FLOATS = 48 * 1024;

    private final Conv2dSizes s;
    private final float[] dOut;
    private final float[] weights;
    private final float[] dx;
    private final int rowVectors;
    private final int bandRows;
    private final int bands;
    private final int planeRows;
    private final int planeColumns;
    private final int[] inputs;

    private record Form() {}

    private FewChannelGradient(Conv2dSizes s, float[] dOut, float[] weights, float[] dx) {
        this.s = s;
        this.dOut = dOut;
        this.weights = weights;
        this.dx = dx;
        int reachRows = (s.kh() - 1) * s.dilationH(), reachColumns = (s.kw() - 1) * s.dilationW();
        rowVectors = (s.w() + V - 1) / V;
        planeColumns = rowVectors * V + reachColumns;
        int fitting = Math.clamp(SCRATCH_FLOATS / (s.o() * planeColumns) - reachRows, 1, s.h());
        bands = (s.h() + fitting - 1) / fitting;
        bandRows = (s.h() + bands - 1) / bands;
        planeRows = bandRows + reachRows;
        inputs = new int[s.o() * s.kh() * s.kw()];
        for (int t = 0; t < inputs.length; t++) {
            int io = t / (s.kh() * s.kw()), row = t / s.kw() % s.kh(), column = t % s.kw();
            inputs[t] = (io * planeRows + reachRows - row * s.dilationH()) * planeColumns + reachColumns - column * s.dilationW();
        }
    }

    /// Whether a convolution is of this kind.
    static boolean fits(Conv2dSizes s) {
        return s.c() <= CHANNELS && s.groups() == 1 && s.strideH() == 1 && s.strideW() == 1 && !VectorKernels.isPlain(s.o());
    }

    /// Writes `dx`, row-major.
    static void backwardInput(Conv2dSizes s, float[] dOut, Storage weight, float[] dx, Workspace workspace) {
        float[] packed = workspace.packed(weight, new Form(), s.o() * s.kh() * s.kw() * CHANNELS, to -> pack(s, weight.floats(), to));
        new FewChannelGradient(s, dOut, packed, dx).run(workspace);
    }

    // packed[o, kh, kw, 3 channels]
    private static void pack(Conv2dSizes s, float[] plain, float[] packed) {
        int taps = s.kh() * s.kw();
        Arrays.fill(packed, 0f);
        for (int io = 0; io < s.o(); io++) {
            for (int ic = 0; ic < s.c(); ic++) {
                for (int tap = 0; tap < taps; tap++) {
                    packed[(io * taps + tap) * CHANNELS + ic] = plain[(io * s.c() + ic) * taps + tap];
                }
            }
        }
    }

    private void run(Workspace workspace) {
        workspace.workers().run(s.n() * bands, (chunk, worker) -> {
            int image = chunk / bands, firstRow = chunk % bands * bandRows, rows = Math.min(bandRows, s.h() - firstRow);
            float[] planes = workspace.scratch(worker, "convolution image", Lanes.blocks(s.o()) * V * planeRows * planeColumns);
            float[] sums = workspace.scratch(worker, "convolution sums", CHANNELS * VECTORS * V);
            turn(image, firstRow, planes);
            int vectors = rows * rowVectors;
            for (int first = 0; first < vectors; first += VECTORS) {
                multiply(planes, pixel(first, vectors), pixel(first + 1, vectors), pixel(first + 2, vectors), pixel(first + 3, vectors),
                        sums);
                for (int i = first; i < Math.min(vectors, first + VECTORS); i++) {
                    store(sums, (i - first) * V, image, firstRow + i / rowVectors, i % rowVectors * V);
                }
            }
        });
    }

    // Where a vector of pixels of the band lies in a plane; the last tile is filled up with the last vector.
    private int pixel(int vector, int vectors) {
        int i = Math.min(vector, vectors - 1);
        return i / rowVectors * planeColumns + i % rowVectors * V;
    }

    // planes[output channel][row][column]: the output gradients that the band reads, zero outside the image
    private void turn(int image, int firstRow, float[] planes) {
        int top = firstRow + s.padTop() - (s.kh() - 1) * s.dilationH(), left = s.padLeft() - (s.kw() - 1) * s.dilationW();
        int from = Math.clamp(-left, 0, planeColumns), to = Math.clamp(s.ow() - left, from, planeColumns);
        for (int block = 0; block < Lanes.blocks(s.o()); block++) {
            for (int row = 0; row < planeRows; row++) {
                int oh = top + row;
                boolean inside = oh >= 0 && oh < s.oh();
                int read = (((image * Lanes.blocks(s.o()) + block) * s.oh() + oh) * s.ow() + left) * V;
                for (int lane = 0; lane < V; lane++) {
                    int write = ((block * V + lane) * planeRows + row) * planeColumns;
                    Arrays.fill(planes, write, write + (inside ? from : planeColumns), 0f);
                    if (inside) {
                        for (int column = from; column < to; column++) {
                            planes[write + column] = dOut[read + column * V + lane];
                        }
                        Arrays.fill(planes, write + to, write + planeColumns, 0f);
                    }
                }
            }
        }
    }

    // sums[channel][vector][V] of four vectors of pixels
    private void multiply(float[] planes, int p0, int p1, int p2, int p3, float[] sums) {
        int[] at = inputs;
        float[] w = weights;
        FloatVector a0 = zero(), a1 = zero(), a2 = zero(), a3 = zero();
        FloatVector b0 = zero(), b1 = zero(), b2 = zero(), b3 = zero();
        FloatVector c0 = zero(), c1 = zero(), c2 = zero(), c3 = zero();
        for (int t = 0; t < at.length; t++) {
            int k = at[t];
            FloatVector d0 = load(planes, p0 + k);
            FloatVector d1 = load(planes, p1 + k);
            FloatVector d2 = load(planes, p2 + k);
            FloatVector d3 = load(planes, p3 + k);
            FloatVector v = all(w[3 * t]);
            a0 = v.fma(d0, a0);
            a1 = v.fma(d1, a1);
            a2 = v.fma(d2, a2);
            a3 = v.fma(d3, a3);
            v = all(w[3 * t + 1]);
            b0 = v.fma(d0, b0);
            b1 = v.fma(d1, b1);
            b2 = v.fma(d2, b2);
            b3 = v.fma(d3, b3);
            v = all(w[3 * t + 2]);
            c0 = v.fma(d0, c0);
            c1 = v.fma(d1, c1);
            c2 = v.fma(d2, c2);
            c3 = v.fma(d3, c3);
        }
        a0.intoArray(sums, 0);
        a1.intoArray(sums, V);
        a2.intoArray(sums, 2 * V);
        a3.intoArray(sums, 3 * V);
        b0.intoArray(sums, 4 * V);
        b1.intoArray(sums, 5 * V);
        b2.intoArray(sums, 6 * V);
        b3.intoArray(sums, 7 * V);
        c0.intoArray(sums, 8 * V);
        c1.intoArray(sums, 9 * V);
        c2.intoArray(sums, 10 * V);
        c3.intoArray(sums, 11 * V);
    }

    private void store(float[] sums, int at, int image, int row, int column) {
        int count = Math.min(V, s.w() - column);
        for (int ic = 0; ic < s.c(); ic++) {
            int write = ((image * s.c() + ic) * s.h() + row) * s.w() + column;
            System.arraycopy(sums, at + ic * VECTORS * V, dx, write, count);
        }
    }
}
