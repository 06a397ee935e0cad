package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

import dev.normlab.engine.kernel.AxisSizes;
import dev.normlab.engine.kernel.ReduceSizes;
import dev.normlab.engine.kernel.ReductionKernels;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import jdk.incubator.vector.FloatVector;

/// The channel sum of blocked activations, sums over the last axes, and softmax along rows, in double precision, and the extremes of long
/// rows; other reductions are the scalar ones.
final class VectorReductions implements ReductionKernels {

    // Floats and exponentials that make a chunk worth handing to a thread.
    private static final int PIECE = 1 << 15;
    private static final int EXPONENTIALS = 1 << 11;

    // Rows whose extremes are worth vectors.
    private static final int LONG_ROW = 64;

    private final ReductionKernels scalar;

    VectorReductions(ReductionKernels scalar) {
        this.scalar = scalar;
    }

    @Override
    public void channelSum(int n, int c, int pixels, Storage x, Storage y, Workspace workspace) {
        if (!x.layout().isBlocked()) {
            scalar.channelSum(n, c, pixels, x, y, workspace);
            return;
        }
        Planes planes = new Planes(n, c, pixels);
        float[] sums = workspace.scratch(0, "channel sums", planes.count() * V);
        float[] xs = x.floats();
        planes.each(workspace, (plane, _, at, _) -> sumPlane(xs, at, pixels, sums, plane * V));
        double[] totals = workspace.scratchDoubles(0, "channel totals", planes.lanes());
        planes.sumImages(sums, totals);
        for (int ic = 0; ic < c; ic++) {
            y.floats()[ic] = (float) totals[ic];
        }
    }

    private static void sumPlane(float[] x, int at, int pixels, float[] sums, int to) {
        FloatVector a = zero(), b = zero(), c = zero(), d = zero();
        int p = 0;
        for (; p + 4 <= pixels; p += 4) {
            int i = at + p * V;
            a = a.add(load(x, i));
            b = b.add(load(x, i + V));
            c = c.add(load(x, i + 2 * V));
            d = d.add(load(x, i + 3 * V));
        }
        for (; p < pixels; p++) {
            a = a.add(load(x, at + p * V));
        }
        a.add(b).add(c.add(d)).intoArray(sums, to);
    }

    // Sums over the last axes are sums of rows; others are the scalar kernels' work.
    @Override
    public void reduce(ReduceSizes s, Storage x, Storage y, Workspace workspace) {
        int rows = s.kept().elements();
        int length = rows == 0 ? 0 : s.in().elements() / rows;
        if (length < V || !reducesLastAxes(s)) {
            scalar.reduce(s, x, y, workspace);
            return;
        }
        double divisor = s.mean() ? length : 1;
        int pieces = (length + PIECE - 1) / PIECE;
        float[] xs = x.floats(), ys = y.floats();
        double[] sums = workspace.scratchDoubles(0, "sums of pieces", rows * pieces);
        int perChunk = Math.max(1, PIECE / length);
        workspace.workers().run((rows * pieces + perChunk - 1) / perChunk, (chunk, worker) -> {
            double[] lanes = workspace.scratchDoubles(worker, "lanes of a sum", DoubleLanes.D);
            for (int i = chunk * perChunk; i < Math.min(rows * pieces, (chunk + 1) * perChunk); i++) {
                int row = i / pieces * length, from = i % pieces * PIECE;
                sums[i] = RowLoops.sum(xs, row + from, row + Math.min(length, from + PIECE), lanes);
            }
        });
        for (int row = 0; row < rows; row++) {
            double sum = sums[row * pieces];
            for (int i = 1; i < pieces; i++) {
                sum += sums[row * pieces + i];
            }
            ys[row] = (float) (sum / divisor);
        }
    }

    private static boolean reducesLastAxes(ReduceSizes s) {
        boolean reduced = false;
        for (int d = 0; d < s.in().rank(); d++) {
            boolean reducedHere = s.kept().size(d) != s.in().size(d);
            if (reduced && !reducedHere && s.in().size(d) != 1) {
                return false;
            }
            reduced |= reducedHere;
        }
        return reduced;
    }

    @Override
    public void argExtreme(AxisSizes s, boolean largest, Storage x, Storage indices, Workspace workspace) {
        int length = s.axis();
        if (s.inner() != 1 || length < LONG_ROW) {
            scalar.argExtreme(s, largest, x, indices, workspace);
            return;
        }
        float[] xs = x.floats();
        int[] positions = indices.ints();
        int rows = Math.max(1, PIECE / length);
        workspace.workers().run((s.outer() + rows - 1) / rows, (chunk, _) -> {
            for (int row = chunk * rows; row < Math.min(s.outer(), (chunk + 1) * rows); row++) {
                int at = row * length;
                float extreme = largest ? RowExtremes.largest(xs, at, length) : RowExtremes.smallest(xs, at, length);
                positions[row] = RowExtremes.firstOf(extreme, xs, at, length);
            }
        });
    }

    @Override
    public void topK(AxisSizes s, int k, Storage x, Storage values, Storage indices, Workspace workspace) {
        scalar.topK(s, k, x, values, indices, workspace);
    }

    // y = exp(x - max) / sum exp(x - max), or x - max - log(sum exp(x - max)), along rows
    @Override
    public void softmax(AxisSizes s, boolean logarithm, Storage x, Storage y, Workspace workspace) {
        int length = s.axis();
        if (s.inner() != 1 || length == 0) {
            scalar.softmax(s, logarithm, x, y, workspace);
            return;
        }
        float[] xs = x.floats(), ys = y.floats();
        int rows = Math.max(1, EXPONENTIALS / length);
        workspace.workers().run((s.outer() + rows - 1) / rows, (chunk, worker) -> {
            double[] lanes = workspace.scratchDoubles(worker, "lanes of a sum", DoubleLanes.D);
            double[] exponentials = workspace.scratchDoubles(worker, "softmax", RowLoops.padded(length));
            for (int row = chunk * rows; row < Math.min(s.outer(), (chunk + 1) * rows); row++) {
                int at = row * length;
                float max = RowLoops.largest(xs, at, length);
                double sum = RowLoops.exponentials(xs, at, length, max, exponentials, lanes);
                double logSum = StrictMath.log(sum);
                for (int i = 0; i < length; i++) {
                    ys[at + i] = (float) (logarithm ? (double) xs[at + i] - max - logSum : exponentials[i] / sum);
                }
            }
        });
    }

    // dx = dOut - exp(y) * sum dOut of a logarithm; without one there are no exponentials, and the scalar kernel does
    @Override
    public void softmaxBackward(AxisSizes s, boolean logarithm, Storage y, Storage dOut, Storage dx, Workspace workspace) {
        int length = s.axis();
        if (!logarithm || s.inner() != 1 || length < LONG_ROW) {
            scalar.softmaxBackward(s, logarithm, y, dOut, dx, workspace);
            return;
        }
        float[] ys = y.floats(), dOuts = dOut.floats(), dxs = dx.floats();
        int rows = Math.max(1, EXPONENTIALS / length);
        workspace.workers().run((s.outer() + rows - 1) / rows, (chunk, worker) -> {
            double[] lanes = workspace.scratchDoubles(worker, "lanes of a sum", DoubleLanes.D);
            double[] exponentials = workspace.scratchDoubles(worker, "softmax", RowLoops.padded(length));
            for (int row = chunk * rows; row < Math.min(s.outer(), (chunk + 1) * rows); row++) {
                int at = row * length;
                double sum = 0;
                for (int i = at; i < at + length; i++) {
                    sum += dOuts[i];
                }
                RowLoops.exponentials(ys, at, length, 0, exponentials, lanes);
                for (int i = 0; i < length; i++) {
                    dxs[at + i] = (float) (dOuts[at + i] - exponentials[i] * sum);
                }
            }
        });
    }
}
