package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.program.Attributes.RunningStatistics;
import dev.normlab.engine.tornado.Launches.Operand;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/// Batch normalisation: statistics of a channel by one group of threads, in double precision and a fixed order; then every element by
/// itself.
final class TornadoBatchNorms {

    /// Threads that sum one channel.
    static final int SUMMERS = 256;

    private TornadoBatchNorms() {}

    static void train(Launches l) {
        BatchNormSizes s = l.attributes(BatchNormSizes.class);
        Operand x = l.in(0), mean = l.out(1), var = l.out(2);
        l.tasks().groups(l.name(), s.c(), SUMMERS,
                (graph, id) -> graph.task(id, TornadoBatchNorms::statistics, l.context, l.floats(), x.at(),
                        mean.at(), var.at(), s.count(), s.c(), s.pixels()));
        normalise(l, s, mean, var);
    }

    static void eval(Launches l) {
        normalise(l, l.attributes(BatchNormSizes.class), l.in(3), l.in(4));
    }

    private static void normalise(Launches l, BatchNormSizes s, Operand mean, Operand var) {
        Operand x = l.in(0), weight = l.inOr(1, x), bias = l.inOr(2, x), y = l.out(0);
        int has = (l.has(1) ? 1 : 0) + (l.has(2) ? 2 : 0);
        l.tasks().forEach(l.name(), y.elements(),
                (graph, id) -> graph.task(id, TornadoBatchNorms::normaliseKernel, l.context, l.floats(), x.at(), weight.at(), bias.at(),
                        has, mean.at(), var.at(),
                        y.at(), y.elements(), s.c(), s.pixels(), s.eps()));
    }

    // mean[c], var[c] of x [n, c, pixels]; the variance in a second pass over the differences from the mean
    static void statistics(KernelContext context, FloatArray floats, int xAt, int meanAt, int varAt, int count, int c, int pixels) {
        double[] sums = context.allocateDoubleLocalArray(SUMMERS);
        int thread = context.localIdx, ic = context.groupIdx;
        double sum = 0.0;
        for (int i = thread; i < count; i += SUMMERS) {
            sum = sum + floats.get(xAt + (i / pixels * c + ic) * pixels + i % pixels);
        }
        sums[thread] = sum;
        for (int half = SUMMERS / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
            }
        }
        context.localBarrier();
        double channelMean = sums[0] / count;
        context.localBarrier();
        double squares = 0.0;
        for (int i = thread; i < count; i += SUMMERS) {
            double difference = floats.get(xAt + (i / pixels * c + ic) * pixels + i % pixels) - channelMean;
            squares = squares + difference * difference;
        }
        sums[thread] = squares;
        for (int half = SUMMERS / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
            }
        }
        if (thread == 0) {
            floats.set(meanAt + ic, (float) channelMean);
            floats.set(varAt + ic, (float) (sums[0] / count));
        }
    }

    // y = (x - mean) / sqrt(var + eps) * weight + bias; has: 1 for a weight, 2 for a bias
    static void normaliseKernel(KernelContext context, FloatArray floats, int xAt, int weightAt, int biasAt, int has, int meanAt, int varAt,
            int yAt, int n, int c, int pixels, float eps) {
        int i = context.globalIdx;
        if (i < n) {
            int ic = i / pixels % c;
            double scale = 1.0 / TornadoMath.sqrt((double) floats.get(varAt + ic) + eps);
            double shift = 0.0;
            if ((has & 1) == 1) {
                scale = scale * floats.get(weightAt + ic);
            }
            if ((has & 2) == 2) {
                shift = floats.get(biasAt + ic);
            }
            floats.set(yAt + i, (float) (((double) floats.get(xAt + i) - floats.get(meanAt + ic)) * scale + shift));
        }
    }

    static void backwardParameters(Launches l) {
        BatchNormSizes s = l.attributes(BatchNormSizes.class);
        Operand x = l.in(0), dOut = l.in(1), mean = l.in(2), var = l.in(3), dWeight = l.out(0), dBias = l.out(1);
        l.tasks().groups(l.name(), s.c(), SUMMERS,
                (graph, id) -> graph.task(id, TornadoBatchNorms::parameters, l.context, l.floats(), x.at(),
                        dOut.at(), mean.at(), var.at(), dWeight.at(), dBias.at(), s.count(), s.c(), s.pixels(), s.eps()));
    }

    // dBias = sum of dOut, dWeight = sum of dOut * (x - mean) / sqrt(var + eps)
    static void parameters(KernelContext context, FloatArray floats, int xAt, int dOutAt, int meanAt, int varAt, int dWeightAt, int dBiasAt,
            int count, int c, int pixels, float eps) {
        double[] sums = context.allocateDoubleLocalArray(SUMMERS);
        double[] products = context.allocateDoubleLocalArray(SUMMERS);
        int thread = context.localIdx, ic = context.groupIdx;
        double channelMean = floats.get(meanAt + ic);
        double sum = 0.0;
        double product = 0.0;
        for (int i = thread; i < count; i += SUMMERS) {
            int at = (i / pixels * c + ic) * pixels + i % pixels;
            double gradient = floats.get(dOutAt + at);
            sum = sum + gradient;
            product = product + gradient * (floats.get(xAt + at) - channelMean);
        }
        sums[thread] = sum;
        products[thread] = product;
        for (int half = SUMMERS / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
                products[thread] = products[thread] + products[thread + half];
            }
        }
        if (thread == 0) {
            floats.set(dBiasAt + ic, (float) sums[0]);
            floats.set(dWeightAt + ic, (float) (products[0] / TornadoMath.sqrt((double) floats.get(varAt + ic) + eps)));
        }
    }

    static void trainBackwardInput(Launches l) {
        BatchNormSizes s = l.attributes(BatchNormSizes.class);
        Operand x = l.in(0), dOut = l.in(1), weight = l.inOr(2, x), mean = l.in(3), var = l.in(4), dWeight = l.in(5), dBias = l.in(6);
        Operand dx = l.out(0), line = l.scratch(6 * s.c());
        int has = l.has(2) ? 1 : 0;
        l.tasks().forEach(l.name(), s.c(),
                (graph, id) -> graph.task(id, TornadoBatchNorms::inputLine, l.context, l.floats(), weight.at(), has, mean.at(), var.at(),
                        dWeight.at(), dBias.at(),
                        line.at(), s.c(), s.count(), s.eps()));
        l.tasks().forEach(l.name(), dx.elements(),
                (graph, id) -> graph.task(id, TornadoBatchNorms::trainInput, l.context, l.floats(), x.at(),
                        dOut.at(), line.at(), dx.at(), dx.elements(), s.c(), s.pixels()));
    }

    // dx = weight / sqrt(var + eps) * (dOut - dBias / count - (x - mean) / sqrt(var + eps) * dWeight / count), which is linear in dOut
    // and x: its three coefficients, each as the sum of two floats
    static void inputLine(KernelContext context, FloatArray floats, int weightAt, int has, int meanAt, int varAt, int dWeightAt,
            int dBiasAt, int lineAt, int c, int count, float eps) {
        int i = context.globalIdx;
        if (i < c) {
            double inverse = 1.0 / TornadoMath.sqrt((double) floats.get(varAt + i) + eps);
            double scale = inverse;
            if (has == 1) {
                scale = scale * floats.get(weightAt + i);
            }
            double slope = scale * inverse * floats.get(dWeightAt + i) / count;
            double constant = slope * floats.get(meanAt + i) - scale * floats.get(dBiasAt + i) / count;
            float high = (float) scale;
            floats.set(lineAt + 6 * i, high);
            floats.set(lineAt + 6 * i + 1, (float) (scale - high));
            high = (float) slope;
            floats.set(lineAt + 6 * i + 2, high);
            floats.set(lineAt + 6 * i + 3, (float) (slope - high));
            high = (float) constant;
            floats.set(lineAt + 6 * i + 4, high);
            floats.set(lineAt + 6 * i + 5, (float) (constant - high));
        }
    }

    // dx = scale * dOut - slope * x + constant
    static void trainInput(KernelContext context, FloatArray floats, int xAt, int dOutAt, int lineAt, int dxAt, int n, int c, int pixels) {
        int i = context.globalIdx;
        if (i < n) {
            int at = lineAt + i / pixels % c * 6;
            double scale = (double) floats.get(at) + floats.get(at + 1);
            double slope = (double) floats.get(at + 2) + floats.get(at + 3);
            double constant = (double) floats.get(at + 4) + floats.get(at + 5);
            floats.set(dxAt + i, (float) (scale * floats.get(dOutAt + i) - slope * floats.get(xAt + i) + constant));
        }
    }

    static void evalBackwardInput(Launches l) {
        BatchNormSizes s = l.attributes(BatchNormSizes.class);
        Operand dOut = l.in(0), weight = l.inOr(1, dOut), var = l.in(2), dx = l.out(0);
        int has = l.has(1) ? 1 : 0;
        l.tasks().forEach(l.name(), dx.elements(),
                (graph, id) -> graph.task(id, TornadoBatchNorms::evalInput, l.context, l.floats(), dOut.at(), weight.at(), has, var.at(),
                        dx.at(), dx.elements(), s.c(), s.pixels(),
                        s.eps()));
    }

    // dx = dOut * weight / sqrt(var + eps)
    static void evalInput(KernelContext context, FloatArray floats, int dOutAt, int weightAt, int has, int varAt, int dxAt, int n, int c,
            int pixels, float eps) {
        int i = context.globalIdx;
        if (i < n) {
            int ic = i / pixels % c;
            double scale = 1.0 / TornadoMath.sqrt((double) floats.get(varAt + ic) + eps);
            if (has == 1) {
                scale = scale * floats.get(weightAt + ic);
            }
            floats.set(dxAt + i, (float) (floats.get(dOutAt + i) * scale));
        }
    }

    static void updateRunningStatistics(Launches l) {
        RunningStatistics a = l.attributes(RunningStatistics.class);
        Operand mean = l.in(0), var = l.in(1), runningMean = l.out(0), runningVar = l.out(1);
        l.tasks().forEach(l.name(), mean.elements(),
                (graph, id) -> graph.task(id, TornadoBatchNorms::running, l.context, l.floats(), mean.at(), var.at(), runningMean.at(),
                        runningVar.at(),
                        mean.elements(), a.count(), a.momentum()));
    }

    // running = (1 - momentum) * running + momentum * batch, with the unbiased variance
    static void running(KernelContext context, FloatArray floats, int meanAt, int varAt, int runningMeanAt, int runningVarAt, int c,
            int count, float momentum) {
        int i = context.globalIdx;
        if (i < c) {
            double old = 1.0 - momentum;
            double unbiased = count / (count - 1.0);
            double batch = (double) momentum;
            floats.set(runningMeanAt + i, (float) (old * floats.get(runningMeanAt + i) + batch * floats.get(meanAt + i)));
            floats.set(runningVarAt + i,
                    (float) (old * floats.get(runningVarAt + i) + batch * (floats.get(varAt + i) * unbiased)));
        }
    }
}
