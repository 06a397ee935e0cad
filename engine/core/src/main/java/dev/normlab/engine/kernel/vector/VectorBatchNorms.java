package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

import dev.normlab.engine.kernel.BatchNormKernels;
import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/// Batch normalisation of channel-blocked activations: one vector holds one pixel of a channel block.
///
/// Statistics are taken of every plane by itself (its sum, then its squared differences from its own mean, while the plane is still in the
/// cache) and combined in double precision in the order of the images (Chan, Golub and LeVeque 1983), so that they neither cancel nor
/// depend on the threads. Row-major inputs go to the scalar kernels.
final class VectorBatchNorms implements BatchNormKernels {

    private final BatchNormKernels scalar;

    VectorBatchNorms(BatchNormKernels scalar) {
        this.scalar = scalar;
    }

    @Override
    public void batchNormTrain(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage y, Storage mean,
            Storage var, Workspace workspace) {
        if (!x.layout().isBlocked()) {
            scalar.batchNormTrain(s, x, weight, bias, y, mean, var, workspace);
            return;
        }
        statistics(s, x.floats(), mean.floats(), var.floats(), workspace);
        normalise(s, x, weight, bias, mean, var, y, workspace);
    }

    @Override
    public void batchNormEval(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage mean, Storage var,
            Storage y, Workspace workspace) {
        if (!x.layout().isBlocked()) {
            scalar.batchNormEval(s, x, weight, bias, mean, var, y, workspace);
            return;
        }
        normalise(s, x, weight, bias, mean, var, y, workspace);
    }

    private static Planes planes(BatchNormSizes s) {
        return new Planes(s.n(), s.c(), s.pixels());
    }

    // sums[plane, V] and squares[plane, V]: of the values, and of the differences from the plane's mean
    private static void statistics(BatchNormSizes s, float[] x, float[] mean, float[] var, Workspace workspace) {
        Planes planes = planes(s);
        int lanes = planes.lanes(), pixels = s.pixels();
        float[] sums = workspace.scratch(0, "batch norm sums", planes.count() * V);
        float[] squares = workspace.scratch(0, "batch norm squares", planes.count() * V);
        planes.each(workspace, (plane, _, at, _) -> planeStatistics(x, at, pixels, sums, squares, plane * V));
        double[] totals = workspace.scratchDoubles(0, "batch norm totals", lanes);
        double[] squareTotals = workspace.scratchDoubles(0, "batch norm square totals", lanes);
        planes.sumImages(sums, totals);
        planes.sumImages(squares, squareTotals);
        for (int ic = 0; ic < s.c(); ic++) {
            double channelMean = totals[ic] / s.count();
            double between = 0;
            for (int in = 0; in < s.n(); in++) {
                double difference = sums[in * lanes + ic] / (double) pixels - channelMean;
                between += difference * difference;
            }
            mean[ic] = (float) channelMean;
            var[ic] = (float) ((squareTotals[ic] + pixels * between) / s.count());
        }
    }

    private static void planeStatistics(float[] x, int at, int pixels, float[] sums, float[] squares, int to) {
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
        FloatVector sum = a.add(b).add(c.add(d));
        sum.intoArray(sums, to);
        FloatVector mean = sum.div(pixels);
        a = zero();
        b = zero();
        c = zero();
        d = zero();
        for (p = 0; p + 4 <= pixels; p += 4) {
            int i = at + p * V;
            FloatVector u = load(x, i).sub(mean), v = load(x, i + V).sub(mean);
            a = u.fma(u, a);
            b = v.fma(v, b);
            u = load(x, i + 2 * V).sub(mean);
            v = load(x, i + 3 * V).sub(mean);
            c = u.fma(u, c);
            d = v.fma(v, d);
        }
        for (; p < pixels; p++) {
            FloatVector u = load(x, at + p * V).sub(mean);
            a = u.fma(u, a);
        }
        a.add(b).add(c.add(d)).intoArray(squares, to);
    }

    // y = (x - mean) * scale + bias with scale = weight / sqrt(var + eps)
    private static void normalise(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage mean, Storage var,
            Storage y, Workspace workspace) {
        Planes planes = planes(s);
        float[] means = planes.perChannel(mean, 0f, workspace, "batch norm mean");
        float[] scales = scales(s, planes, weight, var, workspace);
        float[] shifts = planes.perChannel(bias, 0f, workspace, "batch norm shift");
        float[] xs = x.floats(), ys = y.floats();
        int pixels = s.pixels();
        planes.each(workspace, (_, block, at, _) -> normalisePlane(xs, ys, at, pixels, means, scales, shifts, block * V));
    }

    private static void normalisePlane(float[] x, float[] y, int at, int pixels, float[] means, float[] scales, float[] shifts, int lane) {
        FloatVector mean = load(means, lane), scale = load(scales, lane), shift = load(shifts, lane);
        for (int p = 0; p < pixels; p++) {
            load(x, at + p * V).sub(mean).fma(scale, shift).intoArray(y, at + p * V);
        }
    }

    private static float[] scales(BatchNormSizes s, Planes planes, @Nullable Storage weight, Storage var, Workspace workspace) {
        float[] scales = planes.perChannel(weight, 1f, workspace, "batch norm scale");
        for (int ic = 0; ic < s.c(); ic++) {
            scales[ic] = (float) (scales[ic] * inverseDeviation(s, var, ic));
        }
        return scales;
    }

    private static double inverseDeviation(BatchNormSizes s, Storage var, int ic) {
        return 1 / Math.sqrt((double) var.floats()[ic] + s.eps());
    }

    @Override
    public void batchNormBackwardParameters(BatchNormSizes s, Storage x, Storage dOut, Storage mean, Storage var, Storage dWeight,
            Storage dBias, Workspace workspace) {
        if (!x.layout().isBlocked()) {
            scalar.batchNormBackwardParameters(s, x, dOut, mean, var, dWeight, dBias, workspace);
            return;
        }
        Planes planes = planes(s);
        int pixels = s.pixels();
        float[] means = planes.perChannel(mean, 0f, workspace, "batch norm mean");
        float[] sums = workspace.scratch(0, "batch norm sums", planes.count() * V);
        float[] products = workspace.scratch(0, "batch norm squares", planes.count() * V);
        float[] xs = x.floats(), dOuts = dOut.floats();
        planes.each(workspace, (plane, block, at, _) -> planeProducts(xs, dOuts, at, pixels, means, block * V, sums, products, plane * V));
        double[] totals = workspace.scratchDoubles(0, "batch norm totals", planes.lanes());
        double[] productTotals = workspace.scratchDoubles(0, "batch norm square totals", planes.lanes());
        planes.sumImages(sums, totals);
        planes.sumImages(products, productTotals);
        for (int ic = 0; ic < s.c(); ic++) {
            dBias.floats()[ic] = (float) totals[ic];
            dWeight.floats()[ic] = (float) (productTotals[ic] * inverseDeviation(s, var, ic));
        }
    }

    // sums of dOut and of dOut * (x - mean) over one plane
    private static void planeProducts(float[] x, float[] dOut, int at, int pixels, float[] means, int lane, float[] sums, float[] products,
            int to) {
        FloatVector mean = load(means, lane);
        FloatVector a = zero(), b = zero(), c = zero(), d = zero();
        int p = 0;
        for (; p + 2 <= pixels; p += 2) {
            int i = at + p * V;
            FloatVector g = load(dOut, i), h = load(dOut, i + V);
            a = a.add(g);
            b = b.add(h);
            c = load(x, i).sub(mean).fma(g, c);
            d = load(x, i + V).sub(mean).fma(h, d);
        }
        for (; p < pixels; p++) {
            FloatVector g = load(dOut, at + p * V);
            a = a.add(g);
            c = load(x, at + p * V).sub(mean).fma(g, c);
        }
        a.add(b).intoArray(sums, to);
        c.add(d).intoArray(products, to);
    }

    // dx = scale * (dOut - dBias / count - (x - mean) * slope) with slope = dWeight / count / sqrt(var + eps)
    @Override
    public void batchNormTrainBackwardInput(BatchNormSizes s, Storage x, Storage dOut, @Nullable Storage weight, Storage mean, Storage var,
            Storage dWeight, Storage dBias, Storage dx, Workspace workspace) {
        if (!x.layout().isBlocked()) {
            scalar.batchNormTrainBackwardInput(s, x, dOut, weight, mean, var, dWeight, dBias, dx, workspace);
            return;
        }
        Planes planes = planes(s);
        float[] means = planes.perChannel(mean, 0f, workspace, "batch norm mean");
        float[] scales = scales(s, planes, weight, var, workspace);
        float[] gradients = planes.perChannel(dBias, 0f, workspace, "batch norm shift");
        float[] slopes = planes.perChannel(dWeight, 0f, workspace, "batch norm slope");
        for (int ic = 0; ic < s.c(); ic++) {
            gradients[ic] = (float) ((double) gradients[ic] / s.count());
            slopes[ic] = (float) (slopes[ic] * inverseDeviation(s, var, ic) / s.count());
        }
        float[] xs = x.floats(), dOuts = dOut.floats(), dxs = dx.floats();
        int pixels = s.pixels();
        planes.each(workspace, (_, block, at, _) -> inputPlane(xs, dOuts, dxs, at, pixels, means, scales, gradients, slopes, block * V));
    }

    private static void inputPlane(float[] x, float[] dOut, float[] dx, int at, int pixels, float[] means, float[] scales,
            float[] gradients, float[] slopes, int lane) {
        FloatVector mean = load(means, lane), scale = load(scales, lane), gradient = load(gradients, lane),
                slope = load(slopes, lane).neg();
        for (int p = 0; p < pixels; p++) {
            int i = at + p * V;
            load(x, i).sub(mean).fma(slope, load(dOut, i).sub(gradient)).mul(scale).intoArray(dx, i);
        }
    }

    @Override
    public void batchNormEvalBackwardInput(BatchNormSizes s, Storage dOut, @Nullable Storage weight, Storage var, Storage dx,
            Workspace workspace) {
        if (!dOut.layout().isBlocked()) {
            scalar.batchNormEvalBackwardInput(s, dOut, weight, var, dx, workspace);
            return;
        }
        Planes planes = planes(s);
        float[] scales = scales(s, planes, weight, var, workspace);
        float[] dOuts = dOut.floats(), dxs = dx.floats();
        int pixels = s.pixels();
        planes.each(workspace, (_, block, at, _) -> {
            FloatVector scale = load(scales, block * V);
            for (int p = 0; p < pixels; p++) {
                load(dOuts, at + p * V).mul(scale).intoArray(dxs, at + p * V);
            }
        });
    }

    @Override
    public void updateRunningStatistics(int count, float momentum, Storage mean, Storage var, Storage runningMean, Storage runningVar) {
        scalar.updateRunningStatistics(count, momentum, mean, var, runningMean, runningVar);
    }
}
