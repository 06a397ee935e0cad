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

/// The channel sum of blocked activations; all reductions of row-major tensors are the scalar ones.
final class VectorReductions implements ReductionKernels {

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

    @Override
    public void reduce(ReduceSizes s, Storage x, Storage y, Workspace workspace) {
        scalar.reduce(s, x, y, workspace);
    }

    @Override
    public void argExtreme(AxisSizes s, boolean largest, Storage x, Storage indices, Workspace workspace) {
        scalar.argExtreme(s, largest, x, indices, workspace);
    }

    @Override
    public void topK(AxisSizes s, int k, Storage x, Storage values, Storage indices, Workspace workspace) {
        scalar.topK(s, k, x, values, indices, workspace);
    }

    @Override
    public void softmax(AxisSizes s, boolean logarithm, Storage x, Storage y, Workspace workspace) {
        scalar.softmax(s, logarithm, x, y, workspace);
    }

    @Override
    public void softmaxBackward(AxisSizes s, boolean logarithm, Storage y, Storage dOut, Storage dx, Workspace workspace) {
        scalar.softmaxBackward(s, logarithm, y, dOut, dx, workspace);
    }
}
