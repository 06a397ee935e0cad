package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Workspace;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// Weight gradient of a [DepthwiseConvolution].
///
/// A chunk is a block of channels and a slice of the batch; slices are added in order, so the result depends on the batch but not on the
/// number of threads. Four taps at a time are summed over all pixels of an image.
final class DepthwiseGradient {

    private static final int WANTED_CHUNKS = 16;

    private static final int TAPS = 4;

    private final Conv2dSizes s;
    private final float[] x;
    private final float[] dOut;
    private final float[] dWeight;
    private final int rows;
    private final int columns;
    private final int taps;
    private final int[] inputs;

    DepthwiseGradient(Conv2dSizes s, float[] x, float[] dOut, float[] dWeight) {
        this.s = s;
        this.x = x;
        this.dOut = dOut;
        this.dWeight = dWeight;
        rows = (s.oh() - 1) * s.strideH() + (s.kh() - 1) * s.dilationH() + 1;
        columns = (s.ow() - 1) * s.strideW() + (s.kw() - 1) * s.dilationW() + 1;
        taps = s.kh() * s.kw();
        // Filled up with the first tap, whose surplus sums are not used.
        inputs = Arrays.copyOf(DepthwiseConvolution.inputs(s, columns), (taps + TAPS - 1) / TAPS * TAPS);
    }

    void run(Workspace workspace) {
        int blocks = Lanes.blocks(s.c()), slices = Math.clamp((WANTED_CHUNKS + blocks - 1) / blocks, 1, Math.max(1, s.n()));
        int blockFloats = inputs.length * V, sliceFloats = blocks * blockFloats;
        float[] sums = workspace.scratch(0, "convolution gradient sums", slices * sliceFloats);
        workspace.workers().run(slices * blocks, (chunk, worker) -> {
            float[] image = workspace.scratch(worker, "convolution image", rows * columns * V);
            float[] tile = workspace.scratch(worker, "convolution tile", blockFloats);
            int slice = chunk / blocks, block = chunk % blocks, at = slice * sliceFloats + block * blockFloats;
            Arrays.fill(sums, at, at + blockFloats, 0f);
            int from = (int) ((long) s.n() * slice / slices), to = (int) ((long) s.n() * (slice + 1) / slices);
            for (int i = from; i < to; i++) {
                ScratchImage.copy(x, i, s.c(), s.h(), s.w(), false, block, -s.padTop(), 1, rows, -s.padLeft(), 1, columns, V, image, 0);
                for (int tap = 0; tap < inputs.length; tap += TAPS) {
                    sum(image, tap, (i * blocks + block) * s.oh() * s.ow() * V, tile);
                }
                ElementLoops.add(sums, at, tile, 0, blockFloats);
            }
        });
        for (int slice = 1; slice < slices; slice++) {
            ElementLoops.add(sums, 0, sums, slice * sliceFloats, sliceFloats);
        }
        for (int c = 0; c < s.c(); c++) {
            for (int tap = 0; tap < taps; tap++) {
                dWeight[c * taps + tap] = sums[c / V * blockFloats + tap * V + c % V];
            }
        }
    }

    // Four taps from `tap` on over all pixels of an image whose gradients start at dAt.
    private void sum(float[] image, int tap, int dAt, float[] tile) {
        float[] d = dOut;
        int step = s.strideW() * V, line = s.strideH() * columns * V, width = s.ow();
        FloatVector a = zero(), b = zero(), c = zero(), e = zero();
        for (int row = 0; row < s.oh(); row++) {
            int p = row * line, q = dAt + row * width * V;
            int p0 = p + inputs[tap], p1 = p + inputs[tap + 1], p2 = p + inputs[tap + 2], p3 = p + inputs[tap + 3];
            for (int i = 0; i < width; i++) {
                FloatVector g = load(d, q + i * V);
                a = load(image, p0 + i * step).fma(g, a);
                b = load(image, p1 + i * step).fma(g, b);
                c = load(image, p2 + i * step).fma(g, c);
                e = load(image, p3 + i * step).fma(g, e);
            }
        }
        a.intoArray(tile, tap * V);
        b.intoArray(tile, (tap + 1) * V);
        c.intoArray(tile, (tap + 2) * V);
        e.intoArray(tile, (tap + 3) * V);
    }
}
