package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.ArrangementKernels;
import dev.normlab.engine.kernel.AxisSizes;
import dev.normlab.engine.kernel.PadSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import java.util.List;

/// Repacking between row-major and channel-blocked layouts by transposing tiles of V channels by V pixels, or by copying images as they lie
/// where a map is one pixel. Maps of fewer than V pixels are left to the scalar kernels, and so is everything that moves whole rows.
final class VectorArrangements implements ArrangementKernels {

    // Pixels that are copied at once between a plane and scratch memory: planes of 2^k pixels would meet in the same sets of the cache.
    private static final int RUN = 1 << 11;
    private static final int STEP = RUN + V;

    // Floats that make a chunk worth handing to a thread, where they are copied as they lie.
    private static final int COPIED = 1 << 15;

    private final ArrangementKernels scalar;

    VectorArrangements(ArrangementKernels scalar) {
        this.scalar = scalar;
    }

    @Override
    public void repack(Storage x, Storage y, Workspace workspace) {
        boolean pack = !x.layout().isBlocked() && y.layout().block() == V, unpack = x.layout().block() == V && !y.layout().isBlocked();
        Shape shape = x.shape();
        if ((pack || unpack) && shape.size(2) * shape.size(3) == 1) {
            copyChannels(x, y, workspace);
            return;
        }
        if (V < 4 || !(pack || unpack) || shape.size(2) * shape.size(3) < V) {
            scalar.repack(x, y, workspace);
            return;
        }
        int c = shape.size(1), pixels = shape.size(2) * shape.size(3);
        float[] xs = x.floats(), ys = y.floats();
        Planes planes = new Planes(shape.size(0), c, pixels);
        planes.each(workspace, (plane, block, at, worker) -> {
            float[] scratch = workspace.scratch(worker, "transposition", Transposition.SCRATCH + V * STEP);
            int plain = (plane / planes.blocks() * c + block * V) * pixels, channels = Lanes.channelsInBlock(c, block);
            if (pack) {
                pack(xs, plain, pixels, channels, ys, at, scratch);
            } else {
                unpack(xs, at, pixels, channels, ys, plain, scratch);
            }
        });
    }

    // Maps of one pixel: the channels of an image lie side by side in both layouts.
    private static void copyChannels(Storage x, Storage y, Workspace workspace) {
        int n = x.shape().size(0), c = x.shape().size(1);
        int stepX = x.layout().blocks(c) * x.layout().block(), stepY = y.layout().blocks(c) * y.layout().block();
        int images = Math.max(1, COPIED / Math.max(1, Math.max(stepX, stepY)));
        float[] xs = x.floats(), ys = y.floats();
        workspace.workers().run((n + images - 1) / images, (chunk, _) -> {
            for (int in = chunk * images; in < Math.min(n, (chunk + 1) * images); in++) {
                System.arraycopy(xs, in * stepX, ys, in * stepY, c);
                Arrays.fill(ys, in * stepY + c, (in + 1) * stepY, 0f);
            }
        });
    }

    // x [channels, pixels] to y [pixels, V]
    private static void pack(float[] x, int from, int pixels, int channels, float[] y, int to, float[] scratch) {
        int whole = channels == V ? pixels / V * V : 0;
        for (int p = 0; p < whole; p += RUN) {
            int run = Math.min(RUN, whole - p);
            for (int lane = 0; lane < V; lane++) {
                System.arraycopy(x, from + lane * pixels + p, scratch, Transposition.SCRATCH + lane * STEP, run);
            }
            for (int i = 0; i < run; i += V) {
                Transposition.tile(scratch, Transposition.SCRATCH + i, STEP, y, to + (p + i) * V, V, scratch);
            }
        }
        for (int p = whole; p < pixels; p++) {
            for (int lane = 0; lane < V; lane++) {
                y[to + p * V + lane] = lane < channels ? x[from + lane * pixels + p] : 0f;
            }
        }
    }

    // x [pixels, V] to y [channels, pixels]
    private static void unpack(float[] x, int from, int pixels, int channels, float[] y, int to, float[] scratch) {
        int whole = channels == V ? pixels / V * V : 0;
        for (int p = 0; p < whole; p += RUN) {
            int run = Math.min(RUN, whole - p);
            for (int i = 0; i < run; i += V) {
                Transposition.tile(x, from + (p + i) * V, V, scratch, Transposition.SCRATCH + i, STEP, scratch);
            }
            for (int lane = 0; lane < V; lane++) {
                System.arraycopy(scratch, Transposition.SCRATCH + lane * STEP, y, to + lane * pixels + p, run);
            }
        }
        for (int lane = 0; lane < channels; lane++) {
            for (int p = whole; p < pixels; p++) {
                y[to + lane * pixels + p] = x[from + p * V + lane];
            }
        }
    }

    @Override
    public void copy(Storage x, Storage y, Workspace workspace) {
        scalar.copy(x, y, workspace);
    }

    @Override
    public void permute(Shape in, List<Integer> axes, Storage x, Storage y, Workspace workspace) {
        scalar.permute(in, axes, x, y, workspace);
    }

    @Override
    public void pad(PadSizes s, Storage x, Storage y, Workspace workspace) {
        scalar.pad(s, x, y, workspace);
    }

    @Override
    public void padBackward(PadSizes s, Storage dOut, Storage dx, Workspace workspace) {
        scalar.padBackward(s, dOut, dx, workspace);
    }

    @Override
    public void place(AxisSizes s, int start, int count, Storage x, Storage y, Workspace workspace) {
        scalar.place(s, start, count, x, y, workspace);
    }

    @Override
    public void slice(AxisSizes s, int start, int count, Storage x, Storage y, Workspace workspace) {
        scalar.slice(s, start, count, x, y, workspace);
    }

    @Override
    public void select(Storage mask, Storage a, Storage b, Storage y, Workspace workspace) {
        scalar.select(mask, a, b, y, workspace);
    }

    @Override
    public void zero(Storage y, Workspace workspace) {
        scalar.zero(y, workspace);
    }

    @Override
    public void channelShuffle(AxisSizes s, int groups, Storage x, Storage y, Workspace workspace) {
        scalar.channelShuffle(s, groups, x, y, workspace);
    }

    @Override
    public void gather(AxisSizes s, int count, Storage x, Storage indices, Storage y, Workspace workspace) {
        scalar.gather(s, count, x, indices, y, workspace);
    }

    @Override
    public void gatherBackward(AxisSizes s, int count, Storage dOut, Storage indices, Storage dx, Workspace workspace) {
        scalar.gatherBackward(s, count, dOut, indices, dx, workspace);
    }
}
