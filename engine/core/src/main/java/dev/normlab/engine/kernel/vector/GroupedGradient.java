package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.GroupTiles.GRADIENT_ROTATIONS;
import static dev.normlab.engine.kernel.vector.GroupTiles.GRADIENT_TAPS;
import static dev.normlab.engine.kernel.vector.GroupTiles.TAP_WEIGHTS;
import static dev.normlab.engine.kernel.vector.GroupTiles.WIDTH;
import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Workspace;
import java.util.Arrays;

/// Weight gradient of the convolutions of [GroupedConvolution].
///
/// A chunk is a block of channels and a slice of the batch; slices are added in order, so the result depends on the batch but not on the
/// number of threads. Inputs are copied to a scratch image with a frame of zeros left and right; output gradients are read where they are.
final class GroupedGradient {

    private static final int WANTED_CHUNKS = 16;

    private static final int TILE = GRADIENT_TAPS * GRADIENT_ROTATIONS * V;

    private final Conv2dSizes s;
    private final float[] x;
    private final float[] dOut;
    private final float[] dWeight;
    private final int taps;
    private final int columns;

    GroupedGradient(Conv2dSizes s, float[] x, float[] dOut, float[] dWeight) {
        this.s = s;
        this.x = x;
        this.dOut = dOut;
        this.dWeight = dWeight;
        taps = s.kh() * s.kw();
        columns = (s.ow() - 1) * s.strideW() + (s.kw() - 1) * s.dilationW() + 1;
    }

    /// Whether a convolution is of this kind. A kernel of one column would fill a third of the tiles.
    static boolean fits(Conv2dSizes s) {
        return GroupedConvolution.fits(s) && s.kw() > 1;
    }

    void run(Workspace workspace) {
        int blocks = Lanes.blocks(s.o()), slices = Math.clamp((WANTED_CHUNKS + blocks - 1) / blocks, 1, Math.max(1, s.n()));
        int sliceFloats = blocks * taps * TAP_WEIGHTS;
        float[] sums = workspace.scratch(0, "convolution gradient sums", slices * sliceFloats);
        workspace.workers().run(slices * blocks, (chunk, worker) -> {
            float[] image = workspace.scratch(worker, "convolution image", s.h() * columns * V);
            float[] tile = workspace.scratch(worker, "convolution tile", TILE);
            int slice = chunk / blocks, block = chunk % blocks;
            int from = (int) ((long) s.n() * slice / slices), to = (int) ((long) s.n() * (slice + 1) / slices);
            sum(block, from, to, image, tile, sums, slice * sliceFloats + block * taps * TAP_WEIGHTS);
        });
        for (int slice = 1; slice < slices; slice++) {
            ElementLoops.add(sums, 0, sums, slice * sliceFloats, sliceFloats);
        }
        unpack(sums);
    }

    // The sums [tap][rotation][input channel] of a block of channels over the images from .. to - 1.
    private void sum(int block, int from, int to, float[] scratch, float[] tile, float[] sums, int at) {
        Arrays.fill(sums, at, at + taps * TAP_WEIGHTS, 0f);
        for (int image = from; image < to; image++) {
            ScratchImage.copy(x, image, s.c(), s.h(), s.w(), false, block, 0, 1, s.h(), -s.padLeft(), 1, columns, V, scratch, 0);
            int dAt = (image * Lanes.blocks(s.o()) + block) * s.oh() * s.ow() * V;
            for (int row = 0; row < s.kh(); row++) {
                int offset = row * s.dilationH() - s.padTop(), stride = s.strideH();
                int first = Math.max(0, Math.ceilDiv(-offset, stride));
                int end = Math.min(s.oh(), Math.floorDiv(s.h() - 1 - offset, stride) + 1);
                if (first < end) {
                    addRow(row, scratch, (first * stride + offset) * columns * V, dAt + first * s.ow() * V, end - first, tile, sums, at);
                }
            }
        }
    }

    // Adds an image's part for one kernel row.
    private void addRow(int row, float[] scratch, int xAt, int dAt, int rows, float[] tile, float[] sums, int at) {
        int xStep = s.strideH() * columns * V, dStep = s.ow() * V, distance = s.dilationW() * V;
        for (int tap = 0; tap < s.kw(); tap += GRADIENT_TAPS) {
            // Taps beyond the last one are summed as the last one and left out.
            int count = Math.min(GRADIENT_TAPS, s.kw() - tap);
            int tap1 = Math.min(1, count - 1) * distance, tap2 = Math.min(2, count - 1) * distance;
            for (int half = 0; half < WIDTH / GRADIENT_ROTATIONS; half++) {
                GroupTiles.gradient(half, scratch, xAt + tap * distance, s.strideW() * V, xStep, tap1, tap2, dOut, dAt, dStep, rows, s.ow(),
                        tile, 0);
                for (int i = 0; i < count; i++) {
                    int to = at + (row * s.kw() + tap + i) * TAP_WEIGHTS + half * GRADIENT_ROTATIONS * V;
                    ElementLoops.add(sums, to, tile, i * GRADIENT_ROTATIONS * V, GRADIENT_ROTATIONS * V);
                }
            }
        }
    }

    private void unpack(float[] sums) {
        for (int o = 0; o < s.o(); o++) {
            for (int c = 0; c < WIDTH; c++) {
                int channel = o / WIDTH * WIDTH + c, rotation = Math.floorMod(o - c, WIDTH);
                for (int tap = 0; tap < taps; tap++) {
                    dWeight[(o * WIDTH + c) * taps + tap] = sums[((channel / V * taps + tap) * WIDTH + rotation) * V + channel % V];
                }
            }
        }
    }
}
