package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.BatchNormKernels;
import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.vector.BatchNormLoops.Channels;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Batch normalisation of channel-blocked activations: one vector holds one pixel of a channel block.
///
/// Statistics are taken of every plane by itself (its sum, then its squared differences from its own mean, while the plane is still in the
/// cache) and combined in double precision in the order of the images (Chan, Golub and LeVeque 1983), so that they neither cancel nor
/// depend on the threads. Kernels that pass twice over their tensors do so for a few channel blocks at a time, so that the second pass finds
/// them in the cache. Row-major inputs go to the scalar kernels.
final class VectorBatchNorms implements BatchNormKernels {

    // Floats of all operands together that the second pass should still find in the last-level cache.
    private static final int CACHED_FLOATS = 1 << 21;

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
        train(s, x, weight, bias, null, false, y, mean, var, workspace);
    }

    @Override
    public void batchNormTrainRelu(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias,
            @Nullable Storage residual, Storage y, Storage mean, Storage var, Workspace workspace) {
        if (!x.layout().isBlocked()) {
            scalar.batchNormTrainRelu(s, x, weight, bias, residual, y, mean, var, workspace);
            return;
        }
        train(s, x, weight, bias, residual, true, y, mean, var, workspace);
    }

    @Override
    public void batchNormEval(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage mean, Storage var,
            Storage y, Workspace workspace) {
        if (!x.layout().isBlocked()) {
            scalar.batchNormEval(s, x, weight, bias, mean, var, y, workspace);
            return;
        }
        Planes planes = planes(s);
        Channels channels = channels(s, planes, weight, bias, mean, var, workspace);
        normalise(planes, 0, planes.blocks(), x, null, false, y, channels, workspace);
    }

    @Override
    public void batchNormEvalRelu(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage mean, Storage var,
            @Nullable Storage residual, Storage y, Workspace workspace) {
        if (!x.layout().isBlocked()) {
            scalar.batchNormEvalRelu(s, x, weight, bias, mean, var, residual, y, workspace);
            return;
        }
        Planes planes = planes(s);
        Channels channels = channels(s, planes, weight, bias, mean, var, workspace);
        normalise(planes, 0, planes.blocks(), x, residual, true, y, channels, workspace);
    }

    private static Planes planes(BatchNormSizes s) {
        return new Planes(s.n(), s.c(), s.pixels());
    }

    // Channel blocks to pass over together when `tensors` operands of this size are read twice.
    private static int together(Planes planes, int tensors) {
        long floats = (long) planes.n() * planes.pixels() * V * tensors;
        return (int) Math.clamp(CACHED_FLOATS / Math.max(1, floats), 1, planes.blocks());
    }

    private static void train(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, @Nullable Storage residual,
            boolean relu, Storage y, Storage mean, Storage var, Workspace workspace) {
        Planes planes = planes(s);
        Partials partials = Partials.of(planes, workspace);
        float[] xs = x.floats();
        int together = together(planes, 1);
        for (int first = 0; first < planes.blocks(); first += together) {
            int end = Math.min(planes.blocks(), first + together);
            planes.each(first, end, workspace,
                    (plane, _, at, _) -> BatchNormLoops.statistics(xs, at, planes.pixels(), partials.sums, partials.products, plane * V));
            combine(s, planes, partials, first, end, mean.floats(), var.floats(), workspace);
            Channels channels = channels(s, planes, weight, bias, mean, var, workspace);
            normalise(planes, first, end, x, residual, relu, y, channels, workspace);
        }
    }

    /// Sums over each plane: `sums[plane, V]`, and of squares or products with another tensor.
    private record Partials(float[] sums, float[] products) {

        static Partials of(Planes planes, Workspace workspace) {
            int length = planes.count() * V;
            return new Partials(workspace.scratch(0, "batch norm sums", length), workspace.scratch(0, "batch norm products", length));
        }
    }

    // Mean and variance of the channels of the blocks first .. end - 1 from the sums of their planes.
    private static void combine(BatchNormSizes s, Planes planes, Partials partials, int first, int end, float[] mean, float[] var,
            Workspace workspace) {
        int lanes = planes.lanes(), from = first * V, to = end * V;
        double[] means = workspace.scratchDoubles(0, "batch norm totals", lanes);
        double[] within = workspace.scratchDoubles(0, "batch norm product totals", lanes);
        double[] between = workspace.scratchDoubles(0, "batch norm differences", lanes);
        planes.sumImages(partials.sums, from, to, means);
        planes.sumImages(partials.products, from, to, within);
        for (int lane = from; lane < to; lane++) {
            means[lane] /= s.count();
        }
        Arrays.fill(between, from, to, 0);
        double perPixel = 1.0 / s.pixels();
        for (int in = 0; in < s.n(); in++) {
            for (int lane = from; lane < to; lane++) {
                double difference = partials.sums[in * lanes + lane] * perPixel - means[lane];
                between[lane] += difference * difference;
            }
        }
        for (int ic = from; ic < Math.min(s.c(), to); ic++) {
            mean[ic] = (float) means[ic];
            var[ic] = (float) ((within[ic] + s.pixels() * between[ic]) / s.count());
        }
    }

    private static void normalise(Planes planes, int first, int end, Storage x, @Nullable Storage residual, boolean relu, Storage y,
            Channels channels, Workspace workspace) {
        float[] xs = x.floats(), ys = y.floats();
        float[] residuals = residual == null ? null : residual.floats();
        int pixels = planes.pixels();
        if (relu) {
            planes.each(first, end, workspace,
                    (_, block, at, _) -> BatchNormLoops.normaliseRelu(xs, residuals, ys, at, pixels, channels, block * V));
        } else {
            planes.each(first, end, workspace, (_, block, at, _) -> BatchNormLoops.normalise(xs, ys, at, pixels, channels, block * V));
        }
    }

    // Mean, scale and shift; the values for the gradient come with [#gradientChannels].
    static Channels channels(BatchNormSizes s, Planes planes, @Nullable Storage weight, @Nullable Storage bias, Storage mean,
            Storage var, Workspace workspace) {
        int lanes = planes.lanes();
        return new Channels(planes.perChannel(mean, 0f, workspace, "batch norm mean"), scales(s, planes, weight, var, workspace),
                planes.perChannel(bias, 0f, workspace, "batch norm shift"), workspace.scratch(0, "batch norm gradient", lanes),
                workspace.scratch(0, "batch norm slope", lanes));
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
        Partials partials = Partials.of(planes, workspace);
        Channels channels = channels(s, planes, null, null, mean, var, workspace);
        float[] xs = x.floats(), dOuts = dOut.floats();
        planes.each(workspace, (plane, block, at, _) -> BatchNormLoops.sums(xs, dOuts, at, planes.pixels(), channels, block * V,
                partials.sums, partials.products, plane * V));
        parameters(s, planes, partials, 0, planes.blocks(), var, dWeight, dBias, workspace);
    }

    @Override
    public void reluBatchNormBackwardParameters(BatchNormSizes s, Storage y, Storage dOut, @Nullable Storage more, Storage x, Storage mean,
            Storage var, Storage dSum, Storage dWeight, Storage dBias, Workspace workspace) {
        if (!x.layout().isBlocked()) {
            scalar.reluBatchNormBackwardParameters(s, y, dOut, more, x, mean, var, dSum, dWeight, dBias, workspace);
            return;
        }
        Planes planes = planes(s);
        Partials partials = Partials.of(planes, workspace);
        Channels channels = channels(s, planes, null, null, mean, var, workspace);
        float[] ys = y.floats(), dOuts = dOut.floats(), dSums = dSum.floats(), xs = x.floats();
        float[] mores = more == null ? null : more.floats();
        planes.each(workspace, (plane, block, at, _) -> BatchNormLoops.maskedSums(ys, dOuts, mores, dSums, xs, at, planes.pixels(),
                channels, block * V, partials.sums, partials.products, plane * V));
        parameters(s, planes, partials, 0, planes.blocks(), var, dWeight, dBias, workspace);
    }

    // The parameters' gradients of the channels of the blocks first .. end - 1 from the sums of their planes.
    private static void parameters(BatchNormSizes s, Planes planes, Partials partials, int first, int end, Storage var, Storage dWeight,
            Storage dBias, Workspace workspace) {
        double[] totals = workspace.scratchDoubles(0, "batch norm totals", planes.lanes());
        double[] products = workspace.scratchDoubles(0, "batch norm product totals", planes.lanes());
        planes.sumImages(partials.sums, first * V, end * V, totals);
        planes.sumImages(partials.products, first * V, end * V, products);
        for (int ic = first * V; ic < Math.min(s.c(), end * V); ic++) {
            dBias.floats()[ic] = (float) totals[ic];
            dWeight.floats()[ic] = (float) (products[ic] * inverseDeviation(s, var, ic));
        }
    }

    // dx = scale * (dOut - dBias / count - (x - mean) * dWeight / count / sqrt(var + eps)); writes into the arrays of `channels`
    private static void gradientChannels(BatchNormSizes s, int first, int end, Storage var, Storage dWeight, Storage dBias,
            Channels channels) {
        for (int ic = first * V; ic < end * V; ic++) {
            boolean exists = ic < s.c();
            channels.gradient()[ic] = exists ? (float) ((double) dBias.floats()[ic] / s.count()) : 0f;
            channels.slope()[ic] = exists ? -(float) (dWeight.floats()[ic] * inverseDeviation(s, var, ic) / s.count()) : 0f;
        }
    }

    @Override
    public void batchNormTrainBackwardInput(BatchNormSizes s, Storage x, Storage dOut, @Nullable Storage weight, Storage mean, Storage var,
            Storage dWeight, Storage dBias, Storage dx, Workspace workspace) {
        if (!x.layout().isBlocked()) {
            scalar.batchNormTrainBackwardInput(s, x, dOut, weight, mean, var, dWeight, dBias, dx, workspace);
            return;
        }
        Planes planes = planes(s);
        Channels channels = channels(s, planes, weight, null, mean, var, workspace);
        gradientChannels(s, 0, planes.blocks(), var, dWeight, dBias, channels);
        float[] xs = x.floats(), dOuts = dOut.floats(), dxs = dx.floats();
        planes.each(workspace, (_, block, at, _) -> BatchNormLoops.input(xs, dOuts, dxs, at, planes.pixels(), channels, block * V));
    }

    @Override
    public void batchNormTrainReluBackward(BatchNormSizes s, Storage x, Storage dOut, @Nullable Storage weight, @Nullable Storage bias,
            Storage mean, Storage var, Storage dx, Storage dWeight, Storage dBias, Workspace workspace) {
        if (!x.layout().isBlocked()) {
            scalar.batchNormTrainReluBackward(s, x, dOut, weight, bias, mean, var, dx, dWeight, dBias, workspace);
            return;
        }
        Planes planes = planes(s);
        Partials partials = Partials.of(planes, workspace);
        Channels channels = channels(s, planes, weight, bias, mean, var, workspace);
        float[] xs = x.floats(), dOuts = dOut.floats(), dxs = dx.floats();
        int together = together(planes, 2);
        for (int first = 0; first < planes.blocks(); first += together) {
            int end = Math.min(planes.blocks(), first + together);
            planes.each(first, end, workspace, (plane, block, at, _) -> BatchNormLoops.maskedSums(xs, dOuts, at, planes.pixels(), channels,
                    block * V, partials.sums, partials.products, plane * V));
            parameters(s, planes, partials, first, end, var, dWeight, dBias, workspace);
            gradientChannels(s, first, end, var, dWeight, dBias, channels);
            planes.each(first, end, workspace,
                    (_, block, at, _) -> BatchNormLoops.maskedInput(xs, dOuts, dxs, at, planes.pixels(), channels, block * V));
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
        planes.each(workspace, (_, block, at, _) -> BatchNormLoops.evalInput(dOuts, dxs, at, planes.pixels(), scales, block * V));
    }

    @Override
    public void batchNormEvalReluBackwardInput(BatchNormSizes s, Storage y, Storage dOut, @Nullable Storage weight, Storage var, Storage dx,
            Workspace workspace) {
        if (!dOut.layout().isBlocked()) {
            scalar.batchNormEvalReluBackwardInput(s, y, dOut, weight, var, dx, workspace);
            return;
        }
        Planes planes = planes(s);
        float[] scales = scales(s, planes, weight, var, workspace);
        float[] ys = y.floats(), dOuts = dOut.floats(), dxs = dx.floats();
        planes.each(workspace, (_, block, at, _) -> BatchNormLoops.maskedEvalInput(ys, dOuts, dxs, at, planes.pixels(), scales, block * V));
    }

    @Override
    public void updateRunningStatistics(int count, float momentum, Storage mean, Storage var, Storage runningMean, Storage runningVar) {
        scalar.updateRunningStatistics(count, momentum, mean, var, runningMean, runningVar);
    }
}
