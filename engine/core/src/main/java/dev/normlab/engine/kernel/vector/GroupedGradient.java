package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.GroupTiles.GRADIENT_CHANNELS;
import static dev.normlab.engine.kernel.vector.GroupTiles.ROW_WEIGHTS;
import static dev.normlab.engine.kernel.vector.GroupTiles.WIDTH;
import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Workspace;
import java.util.Arrays;

/// Weight gradient of the convolutions of [GroupedConvolution].
///
/// A chunk is a block of channels and a slice of the batch; slices are added in order, so the result depends on the batch but not on the
/// number of threads. Output gradients are copied to a scratch image with a frame of zeros left and right; inputs are read where they are.
final class GroupedGradient {

    private static final int WANTED_CHUNKS = 16;

    private static final int TILE = GRADIENT_CHANNELS * 3 * WIDTH;

    private final Conv2dSizes s;
    private final float[] x;
    private final float[] dOut;
    private final float[] dWeight;
    private final int firstColumn;
    private final int columns;

    GroupedGradient(Conv2dSizes s, float[] x, float[] dOut, float[] dWeight) {
        this.s = s;
        this.x = x;
        this.dOut = dOut;
        this.dWeight = dWeight;
        firstColumn = s.strideW() == 1 ? s.padLeft() - 2 : 0;
        columns = s.strideW() == 1 ? s.w() + 2 : s.w() / 2 + 1;
    }

    void run(Workspace workspace) {
        int blocks = Lanes.blocks(s.o()), slices = Math.clamp((WANTED_CHUNKS + blocks - 1) / blocks, 1, Math.max(1, s.n()));
        int sliceFloats = s.groups() * s.kh() * ROW_WEIGHTS;
        float[] sums = workspace.scratch(0, "convolution gradient sums", slices * sliceFloats);
        workspace.workers().run(slices * blocks, (chunk, worker) -> {
            float[] gradients = workspace.scratch(worker, "convolution gradient", s.oh() * columns * V);
            float[] tile = workspace.scratch(worker, "convolution tile", TILE);
            int slice = chunk / blocks, block = chunk % blocks;
            int from = (int) ((long) s.n() * slice / slices), to = (int) ((long) s.n() * (slice + 1) / slices);
            sum(block, from, to, gradients, tile, sums, slice * sliceFloats);
        });
        for (int slice = 1; slice < slices; slice++) {
            ElementLoops.add(sums, 0, sums, slice * sliceFloats, sliceFloats);
        }
        unpack(sums);
    }

    // The sums [group][kernel row][k][tap][lane] of a block's groups over the images from .. to - 1.
    private void sum(int block, int from, int to, float[] gradients, float[] tile, float[] sums, int slice) {
        int firstGroup = block * V / WIDTH, endGroup = Math.min(s.groups(), (block + 1) * V / WIDTH), rowWeights = s.kh() * ROW_WEIGHTS;
        Arrays.fill(sums, slice + firstGroup * rowWeights, slice + endGroup * rowWeights, 0f);
        for (int image = from; image < to; image++) {
            ScratchImage.copy(dOut, image, s.o(), s.oh(), s.ow(), false, block, 0, 1, s.oh(), firstColumn, 1, columns, V, gradients, 0);
            int xAt = (image * Lanes.blocks(s.c()) + block) * s.h() * s.w() * V;
            for (int group = firstGroup; group < endGroup; group++) {
                for (int row = 0; row < s.kh(); row++) {
                    int at = slice + group * rowWeights + row * ROW_WEIGHTS;
                    sumRow(row, xAt + group * WIDTH % V, group * WIDTH % V, gradients, tile, sums, at);
                }
            }
        }
    }

    // Adds an image's part for one kernel row of a group.
    private void sumRow(int row, int xAt, int dAt, float[] gradients, float[] tile, float[] sums, int at) {
        int stride = s.strideH(), offset = row - s.padTop();
        int first = Math.max(0, Math.ceilDiv(-offset, stride)), end = Math.min(s.oh(), Math.floorDiv(s.h() - 1 - offset, stride) + 1);
        if (first >= end) {
            return;
        }
        int p = xAt + (first * stride + offset) * s.w() * V, xStep = stride * s.w() * V, q = dAt + first * columns * V;
        for (int channel = 0; channel < WIDTH; channel += GRADIENT_CHANNELS) {
            if (stride == 1) {
                GroupTiles.gradient1(x, p + channel, xStep, gradients, q, columns * V, end - first, s.w(), tile, 0);
            } else {
                GroupTiles.gradient2(x, p + channel, xStep, gradients, q, columns * V, end - first, s.w() / 2, tile, 0);
            }
            ElementLoops.add(sums, at + channel * 3 * WIDTH, tile, 0, TILE);
        }
    }

    private void unpack(float[] sums) {
        int read = 0;
        for (int group = 0; group < s.groups(); group++) {
            for (int row = 0; row < s.kh(); row++) {
                for (int c = 0; c < WIDTH; c++) {
                    for (int tap = 0; tap < 3; tap++) {
                        for (int o = 0; o < WIDTH; o++) {
                            dWeight[(((group * WIDTH + o) * WIDTH + c) * s.kh() + row) * 3 + tap] = sums[read++];
                        }
                    }
                }
            }
        }
    }
}
