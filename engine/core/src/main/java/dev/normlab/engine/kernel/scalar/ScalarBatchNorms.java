package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.kernel.BatchNormKernels;
import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import org.jspecify.annotations.Nullable;

/// Batch normalisation (Ioffe and Szegedy 2015), one channel at a time. Statistics are summed in double precision, the variance in a second
/// pass over the differences from the mean. An empty batch has NaN statistics.
final class ScalarBatchNorms implements BatchNormKernels {

    // x, y [n, c, pixels]; weight, bias, mean, var [c]
    @Override
    public void batchNormTrain(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage y, Storage mean,
            Storage var,
            Workspace workspace) {
        float[] xs = x.floats();
        Chunks.run(workspace, s.c(), s.count(), (from, to, _) -> {
            for (int ic = from; ic < to; ic++) {
                double channelMean = sum(s, ic, xs) / s.count();
                double channelVar = sumOfSquares(s, ic, xs, channelMean) / s.count();
                mean.floats()[ic] = (float) channelMean;
                var.floats()[ic] = (float) channelVar;
                normalise(s, ic, channelMean, channelVar, xs, weight, bias, y.floats());
            }
        });
    }

    @Override
    public void batchNormEval(BatchNormSizes s, Storage x, @Nullable Storage weight, @Nullable Storage bias, Storage mean, Storage var,
            Storage y,
            Workspace workspace) {
        Chunks.run(workspace, s.c(), s.count(), (from, to, _) -> {
            for (int ic = from; ic < to; ic++) {
                normalise(s, ic, mean.floats()[ic], var.floats()[ic], x.floats(), weight, bias, y.floats());
            }
        });
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

    // y = (x - mean) / sqrt(var + eps) * weight + bias
    private static void normalise(BatchNormSizes s, int ic, double mean, double var, float[] x, @Nullable Storage weight,
            @Nullable Storage bias, float[] y) {
        double scale = inverseDeviation(var, s) * (weight == null ? 1 : weight.floats()[ic]);
        double shift = bias == null ? 0 : bias.floats()[ic];
        for (int in = 0; in < s.n(); in++) {
            int plane = (in * s.c() + ic) * s.pixels();
            for (int p = plane; p < plane + s.pixels(); p++) {
                y[p] = (float) ((x[p] - mean) * scale + shift);
            }
        }
    }

    // x, dOut [n, c, pixels]; mean, var, dWeight, dBias [c]
    @Override
    public void batchNormBackwardParameters(BatchNormSizes s, Storage x, Storage dOut, Storage mean, Storage var, Storage dWeight,
            Storage dBias,
            Workspace workspace) {
        float[] xs = x.floats();
        float[] dOuts = dOut.floats();
        Chunks.run(workspace, s.c(), s.count(), (from, to, _) -> {
            for (int ic = from; ic < to; ic++) {
                double channelMean = mean.floats()[ic];
                double sum = 0;
                double product = 0;
                for (int in = 0; in < s.n(); in++) {
                    int plane = (in * s.c() + ic) * s.pixels();
                    for (int p = plane; p < plane + s.pixels(); p++) {
                        sum += dOuts[p];
                        product += dOuts[p] * (xs[p] - channelMean);
                    }
                }
                dBias.floats()[ic] = (float) sum;
                dWeight.floats()[ic] = (float) (product * inverseDeviation(var.floats()[ic], s));
            }
        });
    }

    // With xhat = (x - mean) / sqrt(var + eps), whose mean and variance do not change with x:
    // dx = weight / sqrt(var + eps) * (dOut - dBias / count - xhat * dWeight / count)
    @Override
    public void batchNormTrainBackwardInput(BatchNormSizes s, Storage x, Storage dOut, @Nullable Storage weight, Storage mean, Storage var,
            Storage dWeight,
            Storage dBias, Storage dx, Workspace workspace) {
        float[] xs = x.floats();
        float[] dOuts = dOut.floats();
        float[] dxs = dx.floats();
        Chunks.run(workspace, s.c(), s.count(), (from, to, _) -> {
            for (int ic = from; ic < to; ic++) {
                double channelMean = mean.floats()[ic];
                double inverse = inverseDeviation(var.floats()[ic], s);
                double scale = inverse * (weight == null ? 1 : weight.floats()[ic]);
                double meanGradient = (double) dBias.floats()[ic] / s.count();
                double slope = inverse * dWeight.floats()[ic] / s.count();
                for (int in = 0; in < s.n(); in++) {
                    int plane = (in * s.c() + ic) * s.pixels();
                    for (int p = plane; p < plane + s.pixels(); p++) {
                        dxs[p] = (float) (scale * (dOuts[p] - meanGradient - (xs[p] - channelMean) * slope));
                    }
                }
            }
        });
    }

    // dx = dOut * weight / sqrt(var + eps)
    @Override
    public void batchNormEvalBackwardInput(BatchNormSizes s, Storage dOut, @Nullable Storage weight, Storage var, Storage dx,
            Workspace workspace) {
        float[] dOuts = dOut.floats();
        float[] dxs = dx.floats();
        Chunks.run(workspace, s.c(), s.count(), (from, to, _) -> {
            for (int ic = from; ic < to; ic++) {
                double scale = inverseDeviation(var.floats()[ic], s) * (weight == null ? 1 : weight.floats()[ic]);
                for (int in = 0; in < s.n(); in++) {
                    int plane = (in * s.c() + ic) * s.pixels();
                    for (int p = plane; p < plane + s.pixels(); p++) {
                        dxs[p] = (float) (dOuts[p] * scale);
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
