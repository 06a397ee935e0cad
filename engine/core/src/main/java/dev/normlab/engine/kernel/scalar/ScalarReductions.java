package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.kernel.AxisSizes;
import dev.normlab.engine.kernel.ReduceSizes;
import dev.normlab.engine.kernel.ReductionKernels;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;

/// Sums and maxima. Sums run in double precision in row-major order of the summed elements and are rounded once.
final class ScalarReductions implements ReductionKernels {

    // y[kept axes] = sum over the reduced axes of x, divided by their number of elements for a mean
    @Override
    public void reduce(ReduceSizes s, Storage x, Storage y, Workspace workspace) {
        int rank = s.in().rank();
        int[] strides = s.in().strides();
        int[] keptSteps = new int[rank];
        int[] reducedSizes = new int[rank];
        int count = 1;
        for (int d = 0; d < rank; d++) {
            boolean reduced = s.kept().size(d) != s.in().size(d);
            keptSteps[d] = reduced ? 0 : strides[d];
            reducedSizes[d] = reduced ? s.in().size(d) : 1;
            count *= reducedSizes[d];
        }
        double divisor = s.mean() ? count : 1;
        int[] keptSizes = s.kept().toArray();
        float[] xs = x.floats();
        float[] ys = y.floats();
        Chunks.run(workspace, s.kept().elements(), count, (from, to, _) -> {
            for (int i = from; i < to; i++) {
                int start = offset(i, keptSizes, keptSteps);
                ys[i] = (float) (sum(xs, start, reducedSizes, strides, 0) / divisor);
            }
        });
    }

    private static int offset(int index, int[] sizes, int[] steps) {
        int offset = 0;
        for (int d = sizes.length - 1; d >= 0; d--) {
            offset += index % sizes[d] * steps[d];
            index /= sizes[d];
        }
        return offset;
    }

    /// The sum over the dimensions `d ..` of a box of these sizes that begins at `start`.
    private static double sum(float[] x, int start, int[] sizes, int[] strides, int d) {
        if (d == sizes.length) {
            return x[start];
        }
        double sum = 0;
        if (d == sizes.length - 1) {
            for (int i = 0; i < sizes[d]; i++) {
                sum += x[start + i * strides[d]];
            }
        } else {
            for (int i = 0; i < sizes[d]; i++) {
                sum += sum(x, start + i * strides[d], sizes, strides, d + 1);
            }
        }
        return sum;
    }

    // x [n, c, pixels], y [c]
    @Override
    public void channelSum(int n, int c, int pixels, Storage x, Storage y, Workspace workspace) {
        float[] xs = x.floats();
        float[] ys = y.floats();
        Chunks.run(workspace, c, (long) n * pixels, (from, to, _) -> {
            for (int ic = from; ic < to; ic++) {
                double sum = 0;
                for (int in = 0; in < n; in++) {
                    int plane = (in * c + ic) * pixels;
                    for (int p = plane; p < plane + pixels; p++) {
                        sum += xs[p];
                    }
                }
                ys[ic] = (float) sum;
            }
        });
    }

    // x [outer, axis, inner], indices [outer, inner]
    @Override
    public void argExtreme(AxisSizes s, boolean largest, Storage x, Storage indices, Workspace workspace) {
        float[] xs = x.floats();
        int[] positions = indices.ints();
        Chunks.run(workspace, s.outer() * s.inner(), s.axis(), (from, to, _) -> {
            for (int line = from; line < to; line++) {
                int start = start(s, s.axis(), line);
                int best = 0;
                for (int i = 1; i < s.axis(); i++) {
                    float value = xs[start + i * s.inner()];
                    float known = xs[start + best * s.inner()];
                    if (largest ? isAbove(value, known) : isAbove(-value, -known)) {
                        best = i;
                    }
                }
                positions[line] = best;
            }
        });
    }

    // x [outer, axis, inner], values and indices [outer, k, inner]
    @Override
    public void topK(AxisSizes s, int k, Storage x, Storage values, Storage indices, Workspace workspace) {
        float[] xs = x.floats();
        float[] tops = values.floats();
        int[] positions = indices.ints();
        int inner = s.inner();
        Chunks.run(workspace, s.outer() * inner, 2L * s.axis(), (from, to, _) -> {
            for (int line = from; line < to; line++) {
                int start = start(s, s.axis(), line);
                int target = start(s, k, line);
                for (int i = 0; i < s.axis(); i++) {
                    insert(xs[start + i * inner], i, Math.min(i, k), k, target, inner, tops, positions);
                }
            }
        });
    }

    /// Inserts a value after those of the `filled` best so far that are not below it; of `k + 1` values the last is dropped.
    private static void insert(float value, int index, int filled, int k, int target, int step, float[] tops, int[] positions) {
        int rank = filled;
        while (rank > 0 && isAbove(value, tops[target + (rank - 1) * step])) {
            rank--;
            if (rank + 1 < k) {
                tops[target + (rank + 1) * step] = tops[target + rank * step];
                positions[target + (rank + 1) * step] = positions[target + rank * step];
            }
        }
        if (rank < k) {
            tops[target + rank * step] = value;
            positions[target + rank * step] = index;
        }
    }

    /// Whether `a` is strictly above `b`, with NaN above everything.
    private static boolean isAbove(float a, float b) {
        return a > b || Float.isNaN(a) && !Float.isNaN(b);
    }

    /// Where line number `line` of an array `[outer, axis, inner]` begins.
    private static int start(AxisSizes s, int axis, int line) {
        return line / s.inner() * axis * s.inner() + line % s.inner();
    }

    // y = exp(x - max) / sum exp(x - max), or x - max - log(sum exp(x - max)), along the axis
    @Override
    public void softmax(AxisSizes s, boolean logarithm, Storage x, Storage y, Workspace workspace) {
        float[] xs = x.floats();
        float[] ys = y.floats();
        Chunks.run(workspace, s.outer() * s.inner(), 16L * s.axis(), (from, to, worker) -> {
            double[] exponentials = workspace.scratchDoubles(worker, "softmax", s.axis());
            for (int line = from; line < to; line++) {
                int start = start(s, s.axis(), line);
                float max = Float.NEGATIVE_INFINITY;
                for (int i = 0; i < s.axis(); i++) {
                    max = Math.max(max, xs[start + i * s.inner()]);
                }
                double sum = 0;
                for (int i = 0; i < s.axis(); i++) {
                    exponentials[i] = StrictMath.exp((double) xs[start + i * s.inner()] - max);
                    sum += exponentials[i];
                }
                double logSum = StrictMath.log(sum);
                for (int i = 0; i < s.axis(); i++) {
                    int at = start + i * s.inner();
                    ys[at] = (float) (logarithm ? (double) xs[at] - max - logSum : exponentials[i] / sum);
                }
            }
        });
    }

    // softmax: dx = y * (dOut - sum y*dOut); logarithm: dx = dOut - exp(y) * sum dOut
    @Override
    public void softmaxBackward(AxisSizes s, boolean logarithm, Storage y, Storage dOut, Storage dx, Workspace workspace) {
        float[] ys = y.floats();
        float[] dOuts = dOut.floats();
        float[] dxs = dx.floats();
        Chunks.run(workspace, s.outer() * s.inner(), 16L * s.axis(), (from, to, _) -> {
            for (int line = from; line < to; line++) {
                int start = start(s, s.axis(), line);
                double sum = 0;
                for (int i = 0; i < s.axis(); i++) {
                    int at = start + i * s.inner();
                    sum += logarithm ? dOuts[at] : (double) ys[at] * dOuts[at];
                }
                for (int i = 0; i < s.axis(); i++) {
                    int at = start + i * s.inner();
                    dxs[at] = (float) (logarithm ? dOuts[at] - StrictMath.exp(ys[at]) * sum : ys[at] * (dOuts[at] - sum));
                }
            }
        });
    }
}
