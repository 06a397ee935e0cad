package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.kernel.BatchNormKernels;
import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import org.jspecify.annotations.Nullable;

/// Batch normalisation (Ioffe and Szegedy 2015), one channel at a time. Statistics are summed in double precision, the variance in a second
/// pass over the differences from the mean, and rounded to floats before they normalise. An empty batch has NaN statistics.
final class ScalarBatchNorms implements BatchNormKernels {

    // x, y [n, c, pixels]; weight, bias, mean, var [c]
    @Override
    public void batchNormTrain(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage y, Storage mean,
            Storage var, Workspace workspace) {
        train(s, x, weight, bias, null, false, y, mean, var, workspace);
    }

    @Override
    public void batchNormTrainRelu(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias,
            @Nullable Storage residual, Storage y, Storage mean, Storage var, Workspace workspace) {
        train(s, x, weight, bias, residual, true, y, mean, var, workspace);
    }

    private static void train(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, @Nullable Storage residual,
            boolean relu, Storage y, Storage mean, Storage var, Workspace workspace) {
        float[] xs = x.floats();
        Chunks.run(workspace, s.c(), s.count(), (from, to, _) -> {
            for (int ic = from; ic < to; ic++) {
                statistics(s, ic, xs, mean, var);
                normalise(s, ic, Affine.of(s, ic, weight, bias, mean, var), xs, residual, relu, y.floats());
            }
        });
    }

    @Override
    public void statistics(BatchNormSizes s, Storage x, Storage mean, Storage var, Workspace workspace) {
        float[] xs = x.floats();
        Chunks.run(workspace, s.c(), s.count(), (from, to, _) -> {
            for (int ic = from; ic < to; ic++) {
                statistics(s, ic, xs, mean, var);
            }
        });
    }

    private static void statistics(BatchNormSizes s, int ic, float[] x, Storage mean, Storage var) {
        double channelMean = sum(s, ic, x) / s.count();
        mean.floats()[ic] = (float) channelMean;
        var.floats()[ic] = (float) (sumOfSquares(s, ic, x, channelMean) / s.count());
    }

    @Override
    public void batchNormEval(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage mean, Storage var,
            Storage y, Workspace workspace) {
        eval(s, x, weight, bias, mean, var, null, false, y, workspace);
    }

    @Override
    public void batchNormEvalRelu(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage mean, Storage var,
            @Nullable Storage residual, Storage y, Workspace workspace) {
        eval(s, x, weight, bias, mean, var, residual, true, y, workspace);
    }

    private static void eval(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage mean, Storage var,
            @Nullable Storage residual, boolean relu, Storage y, Workspace workspace) {
        Chunks.run(workspace, s.c(), s.count(), (from, to, _) -> {
            for (int ic = from; ic < to; ic++) {
                normalise(s, ic, Affine.of(s, ic, weight, bias, mean, var), x.floats(), residual, relu, y.floats());
            }
        });
    }

    /// Batch norm of one channel: `(x - mean) * scale + shift`.
    private record Affine(double mean, double scale, double shift) {

        static Affine of(BatchNormSizes s, int ic, @Nullable Storage weight, @Nullable Storage bias, Storage mean, Storage var) {
            double scale = inverseDeviation(var.floats()[ic], s) * (weight == null ? 1 : weight.floats()[ic]);
            return new Affine(mean.floats()[ic], scale, bias == null ? 0 : bias.floats()[ic]);
        }

        float at(float x) {
            return (float) ((x - mean) * scale + shift);
        }
    }

    // y = affine(x) [+ residual] [and not below 0]
    private static void normalise(BatchNormSizes s, int ic, Affine affine, float[] x, @Nullable Storage residual, boolean relu, float[] y) {
        for (int in = 0; in < s.n(); in++) {
            int plane = (in * s.c() + ic) * s.pixels();
            for (int p = plane; p < plane + s.pixels(); p++) {
                float value = affine.at(x[p]);
                if (residual != null) {
                    value += residual.floats()[p];
                }
                y[p] = relu ? Math.max(0f, value) : value;
            }
        }
    }

    private static double sum(BatchNormSizes s, int ic, float[] x) {
        double sum = 0;
        for (int in = 0; in < s.n(); in++) {
            int plane = (in * s.c() + ic) * s.pixels();
            for (int p = plane; p < plane + s.pixels(); p++) {
                sum += x[p];
            }
        }
        return sum;
    }

    private static double sumOfSquares(BatchNormSizes s, int ic, float[] x, double mean) {
        double sum = 0;
        for (int in = 0; in < s.n(); in++) {
            int plane = (in * s.c() + ic) * s.pixels();
            for (int p = plane; p < plane + s.pixels(); p++) {
                double difference = x[p] - mean;
                sum += difference * difference;
            }
        }
        return sum;
    }

    /// The gradient that reaches a batch norm's output at one index of the array.
    @FunctionalInterface
    private interface Gradient {

        float at(int index);
    }

    // x, dOut [n, c, pixels]; mean, var, dWeight, dBias [c]
    @Override
    public void batchNormBackwardParameters(BatchNormSizes s, Storage x, Storage dOut, Storage mean, Storage var, Storage dWeight,
            Storage dBias, Workspace workspace) {
        float[] dOuts = dOut.floats();
        Chunks.run(workspace, s.c(), s.count(), (from, to, _) -> {
            for (int ic = from; ic < to; ic++) {
                parameters(s, ic, x.floats(), i -> dOuts[i], mean, var, dWeight, dBias);
            }
        });
    }

    private static void parameters(BatchNormSizes s, int ic, float[] x, Gradient dOut, Storage mean, Storage var, Storage dWeight,
            Storage dBias) {
        double channelMean = mean.floats()[ic];
        double sum = 0;
        double product = 0;
        for (int in = 0; in < s.n(); in++) {
            int plane = (in * s.c() + ic) * s.pixels();
            for (int p = plane; p < plane + s.pixels(); p++) {
                float gradient = dOut.at(p);
                sum += gradient;
                product += gradient * (x[p] - channelMean);
            }
        }
        dBias.floats()[ic] = (float) sum;
        dWeight.floats()[ic] = (float) (product * inverseDeviation(var.floats()[ic], s));
    }

    @Override
    public void batchNormTrainBackwardInput(BatchNormSizes s, Storage x, Storage dOut, @Nullable Storage weight, Storage mean, Storage var,
            Storage dWeight, Storage dBias, Storage dx, Workspace workspace) {
        float[] dOuts = dOut.floats();
        Chunks.run(workspace, s.c(), s.count(), (from, to, _) -> {
            for (int ic = from; ic < to; ic++) {
                input(s, ic, x.floats(), i -> dOuts[i], weight, mean, var, dWeight, dBias, dx.floats());
            }
        });
    }

    // With xhat = (x - mean) / sqrt(var + eps), whose mean and variance do not change with x:
    // dx = weight / sqrt(var + eps) * (dOut - dBias / count - xhat * dWeight / count)
    private static void input(BatchNormSizes s, int ic, float[] x, Gradient dOut, @Nullable Storage weight, Storage mean, Storage var,
            Storage dWeight, Storage dBias, float[] dx) {
        double channelMean = mean.floats()[ic];
        double inverse = inverseDeviation(var.floats()[ic], s);
        double scale = inverse * (weight == null ? 1 : weight.floats()[ic]);
        double meanGradient = (double) dBias.floats()[ic] / s.count();
        double slope = inverse * dWeight.floats()[ic] / s.count();
        for (int in = 0; in < s.n(); in++) {
            int plane = (in * s.c() + ic) * s.pixels();
            for (int p = plane; p < plane + s.pixels(); p++) {
                dx[p] = (float) (scale * (dOut.at(p) - meanGradient - (x[p] - channelMean) * slope));
            }
        }
    }

    // The output of the ReLU is above 0 where that of the batch norm is, which is computed once more.
    @Override
    public void batchNormTrainReluBackward(BatchNormSizes s, Storage x, Storage dOut, @Nullable Storage weight, @Nullable Storage bias,
            Storage mean, Storage var, Storage dx, Storage dWeight, Storage dBias, Workspace workspace) {
        float[] xs = x.floats();
        float[] dOuts = dOut.floats();
        Chunks.run(workspace, s.c(), s.count(), (from, to, _) -> {
            for (int ic = from; ic < to; ic++) {
                Affine affine = Affine.of(s, ic, weight, bias, mean, var);
                Gradient masked = i -> affine.at(xs[i]) <= 0 ? 0f : dOuts[i];
                parameters(s, ic, xs, masked, mean, var, dWeight, dBias);
                input(s, ic, xs, masked, weight, mean, var, dWeight, dBias, dx.floats());
            }
        });
    }

    @Override
    public void reluBatchNormBackwardParameters(BatchNormSizes s, Storage y, Storage dOut, @Nullable Storage more, Storage x, Storage mean,
            Storage var, Storage dSum, Storage dWeight, Storage dBias, Workspace workspace) {
        float[] ys = y.floats();
        float[] dOuts = dOut.floats();
        float[] dSums = dSum.floats();
        Chunks.run(workspace, s.c(), s.count(), (from, to, _) -> {
            for (int ic = from; ic < to; ic++) {
                parameters(s, ic, x.floats(), i -> {
                    dSums[i] = ys[i] <= 0 ? 0f : more == null ? dOuts[i] : dOuts[i] + more.floats()[i];
                    return dSums[i];
                }, mean, var, dWeight, dBias);
            }
        });
    }

    @Override
    public void batchNormEvalBackwardInput(BatchNormSizes s, Storage dOut, @Nullable Storage weight, Storage var, Storage dx,
            Workspace workspace) {
        float[] dOuts = dOut.floats();
        evalInput(s, i -> dOuts[i], weight, var, dx, workspace);
    }

    @Override
    public void batchNormEvalReluBackwardInput(BatchNormSizes s, Storage y, Storage dOut, @Nullable Storage weight, Storage var, Storage dx,
            Workspace workspace) {
        float[] ys = y.floats();
        float[] dOuts = dOut.floats();
        evalInput(s, i -> ys[i] <= 0 ? 0f : dOuts[i], weight, var, dx, workspace);
    }

    // dx = dOut * weight / sqrt(var + eps)
    private static void evalInput(BatchNormSizes s, Gradient dOut, @Nullable Storage weight, Storage var, Storage dx, Workspace workspace) {
        float[] dxs = dx.floats();
        Chunks.run(workspace, s.c(), s.count(), (from, to, _) -> {
            for (int ic = from; ic < to; ic++) {
                double scale = inverseDeviation(var.floats()[ic], s) * (weight == null ? 1 : weight.floats()[ic]);
                for (int in = 0; in < s.n(); in++) {
                    int plane = (in * s.c() + ic) * s.pixels();
                    for (int p = plane; p < plane + s.pixels(); p++) {
                        dxs[p] = (float) (dOut.at(p) * scale);
                    }
                }
            }
        });
    }

    @Override
    public void updateRunningStatistics(int count, float momentum, Storage mean, Storage var, Storage runningMean, Storage runningVar) {
        double unbiased = count / (count - 1.0);
        for (int ic = 0; ic < mean.shape().elements(); ic++) {
            runningMean.floats()[ic] = blend(momentum, runningMean.floats()[ic], mean.floats()[ic]);
            runningVar.floats()[ic] = blend(momentum, runningVar.floats()[ic], var.floats()[ic] * unbiased);
        }
    }

    private static float blend(float momentum, float running, double batch) {
        return (float) ((1.0 - momentum) * running + momentum * batch);
    }

    private static double inverseDeviation(double var, BatchNormSizes s) {
        return 1 / Math.sqrt(var + s.eps());
    }
}
