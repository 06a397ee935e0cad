package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.kernel.ArrangementKernels;
import dev.normlab.engine.kernel.AxisSizes;
import dev.normlab.engine.kernel.PadSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import java.util.List;

/// Moving elements about. Repacking, copying, zeroing, placing and slicing work on every layout and element type; the rest is row-major
/// floats.
final class ScalarArrangements implements ArrangementKernels {

    // x, y [n, c, h, w]: in a layout of block v, channel ic of image in starts at (in * blocks + ic / v) * pixels * v + ic % v, pixels lie
    // v apart
    @Override
    public void repack(Storage x, Storage y, Workspace workspace) {
        if (x.layout().equals(y.layout())) {
            copy(x, y, workspace);
            return;
        }
        Shape shape = x.shape();
        int n = shape.size(0), c = shape.size(1), pixels = shape.size(2) * shape.size(3);
        int vx = x.layout().block(), blocksX = x.layout().blocks(c);
        int vy = y.layout().block(), blocksY = y.layout().blocks(c);
        float[] xs = x.floats();
        float[] ys = y.floats();
        Chunks.run(workspace, n, (long) c * pixels, (from, to, _) -> {
            for (int in = from; in < to; in++) {
                for (int ic = 0; ic < c; ic++) {
                    int source = (in * blocksX + ic / vx) * pixels * vx + ic % vx;
                    int target = (in * blocksY + ic / vy) * pixels * vy + ic % vy;
                    for (int p = 0; p < pixels; p++) {
                        ys[target + p * vy] = xs[source + p * vx];
                    }
                }
                Padding.clear(y, in);
            }
        });
    }

    @Override
    public void copy(Storage x, Storage y, Workspace workspace) {
        Object xs = array(x);
        Object ys = array(y);
        Chunks.run(workspace, y.layout().length(y.shape()), 1, (from, to, _) -> System.arraycopy(xs, from, ys, from, to - from));
    }

    private static Object array(Storage storage) {
        return storage.dtype() == DType.INT32 ? storage.ints() : storage.floats();
    }

    @Override
    public void select(Storage mask, Storage a, Storage b, Storage y, Workspace workspace) {
        float[] chosen = mask.floats();
        int n = mask.shape().elements();
        int each = n == 0 ? 0 : y.shape().elements() / n;
        Chunks.run(workspace, n, each, (from, to, _) -> {
            for (int in = from; in < to; in++) {
                System.arraycopy(chosen[in] != 0 ? a.floats() : b.floats(), in * each, y.floats(), in * each, each);
            }
        });
    }

    @Override
    public void zero(Storage y, Workspace workspace) {
        int length = y.layout().length(y.shape());
        if (y.dtype() == DType.INT32) {
            Arrays.fill(y.ints(), 0, length, 0);
        } else {
            float[] ys = y.floats();
            Chunks.run(workspace, length, 1, (from, to, _) -> Arrays.fill(ys, from, to, 0f));
        }
    }

    // y in row-major order of its own axes; its axis d moves in x by the stride of x's axis axes[d]
    @Override
    public void permute(Shape in, List<Integer> axes, Storage x, Storage y, Workspace workspace) {
        int rank = in.rank();
        int[] strides = in.strides();
        int[] sizes = new int[Math.max(1, rank)];
        int[] steps = new int[Math.max(1, rank)];
        sizes[0] = 1;
        for (int d = 0; d < rank; d++) {
            sizes[d] = in.size(axes.get(d));
            steps[d] = strides[axes.get(d)];
        }
        Strides walk = new Strides(sizes, steps);
        float[] xs = x.floats();
        float[] ys = y.floats();
        int length = walk.rowLength();
        Chunks.run(workspace, walk.rows(), length, (from, to, _) -> {
            for (int row = from; row < to; row++) {
                int offset = walk.rowOffset(row);
                for (int i = 0; i < length; i++) {
                    ys[row * length + i] = xs[offset + i * walk.rowStep()];
                }
            }
        });
    }

    // x [n, c, h, w], y [n, c, oh, ow]: y[ioh, iow] = x[source(ioh - top), source(iow - left)]
    @Override
    public void pad(PadSizes s, Storage x, Storage y, Workspace workspace) {
        int h = s.h(), w = s.w(), oh = s.oh(), ow = s.ow();
        float[] xs = x.floats();
        float[] ys = y.floats();
        Chunks.run(workspace, s.n() * s.c() * oh, ow, (from, to, _) -> {
            for (int row = from; row < to; row++) {
                int ih = s.mode().source(row % oh - s.top(), h);
                for (int iow = 0; iow < ow; iow++) {
                    int iw = s.mode().source(iow - s.left(), w);
                    ys[row * ow + iow] = ih < 0 || iw < 0 ? 0f : xs[(row / oh * h + ih) * w + iw];
                }
            }
        });
    }

    // dOut [n, c, oh, ow], dx [n, c, h, w]: dx[source(ioh - top), source(iow - left)] += dOut[ioh, iow]
    @Override
    public void padBackward(PadSizes s, Storage dOut, Storage dx, Workspace workspace) {
        int h = s.h(), w = s.w(), oh = s.oh(), ow = s.ow();
        float[] dOuts = dOut.floats();
        float[] dxs = dx.floats();
        Chunks.run(workspace, s.n() * s.c(), (long) oh * ow + h * w, (from, to, worker) -> {
            double[] sums = workspace.scratchDoubles(worker, "pad", h * w);
            for (int plane = from; plane < to; plane++) {
                Arrays.fill(sums, 0, h * w, 0);
                for (int ioh = 0; ioh < oh; ioh++) {
                    int ih = s.mode().source(ioh - s.top(), h);
                    for (int iow = 0; iow < ow; iow++) {
                        int iw = s.mode().source(iow - s.left(), w);
                        if (ih >= 0 && iw >= 0) {
                            sums[ih * w + iw] += dOuts[(plane * oh + ioh) * ow + iow];
                        }
                    }
                }
                for (int p = 0; p < h * w; p++) {
                    dxs[plane * h * w + p] = (float) sums[p];
                }
            }
        });
    }

    // x [outer, count, inner], y [outer, axis, inner]
    @Override
    public void place(AxisSizes s, int start, int count, Storage x, Storage y, Workspace workspace) {
        Part part = Part.of(s, start, count, y, x);
        Object xs = array(x);
        Object ys = array(y);
        Chunks.run(workspace, part.outer(), part.length(),
                (from, to, _) -> part.each(from, to, (inPart, inWhole) -> System.arraycopy(xs, inPart, ys, inWhole, part.length())));
    }

    // x [outer, axis, inner], y [outer, count, inner]
    @Override
    public void slice(AxisSizes s, int start, int count, Storage x, Storage y, Workspace workspace) {
        Part part = Part.of(s, start, count, x, y);
        Object xs = array(x);
        Object ys = array(y);
        Chunks.run(workspace, part.outer(), part.length(),
                (from, to, _) -> part.each(from, to, (inPart, inWhole) -> System.arraycopy(xs, inWhole, ys, inPart, part.length())));
    }

    /// Where the positions `start ..` along an axis lie in the arrays of the whole tensor and of the part: `outer` runs of `length`
    /// elements.
    private record Part(int outer, int length, int wholeStep, int wholeStart) {

        @FunctionalInterface
        private interface Run {

            void at(int inPart, int inWhole);
        }

        static Part of(AxisSizes s, int start, int count, Storage whole, Storage part) {
            Layout layout = whole.layout();
            if (!layout.isBlocked()) {
                return new Part(s.outer(), count * s.inner(), s.axis() * s.inner(), start * s.inner());
            }
            if (whole.shape().equals(part.shape())) {
                int length = layout.length(whole.shape());
                return new Part(1, length, length, 0);
            }
            int axis = differingAxis(whole.shape(), part.shape());
            AxisSizes blocks = AxisSizes.of(Strides.arrayShape(whole), axis);
            int unit = axis == 1 ? layout.block() : 1;
            return new Part(blocks.outer(), count / unit * blocks.inner(), blocks.axis() * blocks.inner(), start / unit * blocks.inner());
        }

        private static int differingAxis(Shape whole, Shape part) {
            int axis = 0;
            while (whole.size(axis) == part.size(axis)) {
                axis++;
            }
            return axis;
        }

        void each(int from, int to, Run run) {
            for (int io = from; io < to; io++) {
                run.at(io * length, io * wholeStep + wholeStart);
            }
        }
    }

    // x, y [n, c, pixels]: the channels as a matrix [groups, c/groups], transposed
    @Override
    public void channelShuffle(AxisSizes s, int groups, Storage x, Storage y, Workspace workspace) {
        int n = s.outer(), c = s.axis(), pixels = s.inner();
        float[] xs = x.floats();
        float[] ys = y.floats();
        Chunks.run(workspace, n * c, pixels, (from, to, _) -> {
            for (int plane = from; plane < to; plane++) {
                int ic = plane % c;
                int source = ic % groups * (c / groups) + ic / groups;
                System.arraycopy(xs, (plane - ic + source) * pixels, ys, plane * pixels, pixels);
            }
        });
    }

    // x [outer, axis, inner], indices and y [outer, count, inner]
    @Override
    public void gather(AxisSizes s, int count, Storage x, Storage indices, Storage y, Workspace workspace) {
        float[] xs = x.floats();
        float[] ys = y.floats();
        int[] positions = indices.ints();
        Chunks.run(workspace, s.outer() * count, s.inner(), (from, to, _) -> {
            for (int row = from; row < to; row++) {
                int source = row / count * s.axis() * s.inner();
                for (int i = 0; i < s.inner(); i++) {
                    ys[row * s.inner() + i] = xs[source + positions[row * s.inner() + i] * s.inner() + i];
                }
            }
        });
    }

    // dOut and indices [outer, count, inner], dx [outer, axis, inner]: dx[o, indices[o, j, i], i] += dOut[o, j, i]
    @Override
    public void gatherBackward(AxisSizes s, int count, Storage dOut, Storage indices, Storage dx, Workspace workspace) {
        float[] dOuts = dOut.floats();
        float[] dxs = dx.floats();
        int[] positions = indices.ints();
        int inner = s.inner();
        Chunks.run(workspace, s.outer(), (long) (s.axis() + count) * inner, (from, to, _) -> {
            Arrays.fill(dxs, from * s.axis() * inner, to * s.axis() * inner, 0f);
            for (int row = from * count; row < to * count; row++) {
                int target = row / count * s.axis() * inner;
                for (int i = 0; i < inner; i++) {
                    dxs[target + positions[row * inner + i] * inner + i] += dOuts[row * inner + i];
                }
            }
        });
    }
}
