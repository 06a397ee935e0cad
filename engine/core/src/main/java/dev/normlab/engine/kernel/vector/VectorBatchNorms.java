package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;

import dev.normlab.engine.kernel.BatchNormKernels;
import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.vector.BatchNormLoops.Channels;
import dev.normlab.engine.tensor.Storage;
import org.jspecify.annotations.Nullable;

/// Batch normalisation of channel-blocked activations: one vector holds one pixel of a channel block.
///
/// Statistics are [PlaneStatistics]. Sums for gradients are taken of every plane by itself and combined in double precision in the order of
/// the images, so that they do not depend on the threads; they begin with the last planes, which are in the caches if the tensor has just
/// been written, and so the pass behind them finds the first ones there. Row-major inputs go to the scalar kernels.
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
        normalise(planes, x, null, false, y, channels, workspace);
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
        normalise(planes, x, residual, true, y, channels, workspace);
    }

    private static Planes planes(BatchNormSizes s) {
        return new Planes(s.n(), s.c(), s.pixels());
    }

    private static void train(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, @Nullable Storage residual,
            boolean relu, Storage y, Storage mean, Storage var, Workspace workspace) {
        Planes planes = planes(s);
        new PlaneStatistics(planes, x.floats(), workspace).takeAll(workspace).combine(mean.floats(), var.floats(), workspace);
        normalise(planes, x, residual, relu, y, channels(s, planes, weight, bias, mean, var, workspace), workspace);
    }

    @Override
    public void statistics(BatchNormSizes s, Storage x, Storage mean, Storage var, Workspace workspace) {
        if (!x.layout().isBlocked()) {
            scalar.statistics(s, x, mean, var, workspace);
            return;
        }
        new PlaneStatistics(planes(s), x.floats(), workspace).takeAll(workspace).combine(mean.floats(), var.floats(), workspace);
    }

    /// Sums over each plane: `sums[plane, V]`, and of squares or products with another tensor.
    private record Partials(float[] sums, float[] products) {

        static Partials of(Planes planes, Workspace workspace) {
            int length = planes.count() * V;
            return new Partials(workspace.scratch(0, "batch norm sums", length), workspace.scratch(0, "batch norm products", length));
        }
    }

    private static void normalise(Planes planes, Storage x, @Nullable Storage residual, boolean relu, Storage y,
            Channels channels, Workspace workspace) {
        float[] xs = x.floats(), ys = y.floats();
        float[] residuals = residual == null ? null : residual.floats();
        int pixels = planes.pixels();
        if (relu) {
            planes.each(workspace,
                    (_, block, at, _) -> BatchNormLoops.normaliseRelu(xs, residuals, ys, at, pixels, channels, block * V));
        } else {
            planes.each(workspace, (_, block, at, _) -> BatchNormLoops.normalise(xs, ys, at, pixels, channels, block * V));
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
        planes.eachBackwards(workspace, (plane, block, at, _) -> BatchNormLoops.sums(xs, dOuts, at, planes.pixels(), channels, block * V,
                partials.sums, partials.products, plane * V));
        parameters(s, planes, partials, var, dWeight, dBias, workspace);
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
        planes.eachBackwards(workspace, (plane, block, at, _) -> BatchNormLoops.maskedSums(ys, dOuts, mores, dSums, xs, at, planes.pixels(),
                channels, block * V, partials.sums, partials.products, plane * V));
        parameters(s, planes, partials, var, dWeight, dBias, workspace);
    }

    // The parameters' gradients from the sums of the planes.
    private static void parameters(BatchNormSizes s, Planes planes, Partials partials, Storage var, Storage dWeight, Storage dBias,
            Workspace workspace) {
        int lanes = planes.lanes();
        double[] totals = workspace.scratchDoubles(0, "batch norm totals", lanes);
        double[] products = workspace.scratchDoubles(0, "batch norm product totals", lanes);
        float[] dWeights = dWeight.floats(), dBiases = dBias.floats();
        planes.eachBlock(workspace, block -> {
            int lane = block * V;
            ChannelSums.sum(partials.sums, s.n(), lanes, lane, totals);
            ChannelSums.sum(partials.products, s.n(), lanes, lane, products);
            for (int ic = lane; ic < Math.min(s.c(), lane + V); ic++) {
                dBiases[ic] = (float) totals[ic];
                dWeights[ic] = (float) (products[ic] * inverseDeviation(s, var, ic));
            }
        });
    }

    // dx = scale * (dOut - dBias / count - (x - mean) * dWeight / count / sqrt(var + eps)); writes into the arrays of `channels`
    private static void gradientChannels(BatchNormSizes s, Planes planes, Storage var, Storage dWeight, Storage dBias, Channels channels) {
        for (int ic = 0; ic < planes.lanes(); ic++) {
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
        gradientChannels(s, planes, var, dWeight, dBias, channels);
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
        planes.eachBackwards(workspace,
                (plane, block, at, _) -> BatchNormLoops.maskedSums(xs, dOuts, at, planes.pixels(), channels, block * V,
                        partials.sums, partials.products, plane * V));
        parameters(s, planes, partials, var, dWeight, dBias, workspace);
        gradientChannels(s, planes, var, dWeight, dBias, channels);
        planes.each(workspace, (_, block, at, _) -> BatchNormLoops.maskedInput(xs, dOuts, dxs, at, planes.pixels(), channels, block * V));
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
