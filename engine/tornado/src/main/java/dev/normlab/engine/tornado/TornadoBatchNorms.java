package dev.normlab.engine.tornado;

import static dev.normlab.engine.tornado.TornadoConvolutions.ceilDiv;

import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.program.Attributes.RunningStatistics;
import dev.normlab.engine.tornado.Launches.Operand;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntSupplier;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Batch normalisation, forward: the statistics of a channel in one pass, by several groups of threads where channels are few, in double
/// precision and a fixed order; then every element by itself, with what is fused behind it. Gradients: [TornadoBatchNormGradients].
final class TornadoBatchNorms {

    /// Threads of a group.
    static final int SUMMERS = 256;

    /// What a kernel has to do, as bits of its argument `has`.
    static final int WEIGHT = 1, BIAS = 2, ADDED = 4, RELU = 8;

    /// Floats that hold what one part of a channel passes on: two numbers in double precision, each as a sum of two floats.
    static final int PASSED = 4;

    private static final int ENOUGH_GROUPS = 512;
    private static final int LEAST_EACH = 8 * SUMMERS;

    private TornadoBatchNorms() {}

    /// Elements of a channel for one group of threads, so that there are groups enough to keep a device busy. It follows from the sizes,
    /// and with it the order of sums.
    static int each(BatchNormSizes s) {
        int parts = Math.clamp(s.count() / LEAST_EACH, 1, ceilDiv(ENOUGH_GROUPS, Math.max(1, s.c())));
        return Math.max(SUMMERS, ceilDiv(ceilDiv(s.count(), parts), SUMMERS) * SUMMERS);
    }

    static void train(Launches l) {
        BatchNormSizes s = l.attributes(BatchNormSizes.class);
        statistics(l, l.in(0), s);
        normalise(l, s, l.in(0), l.out(1), l.out(2), -1, 0);
    }

    static void trainRelu(Launches l) {
        BatchNormSizes s = l.attributes(BatchNormSizes.class);
        statistics(l, l.in(0), s);
        normalise(l, s, l.in(0), l.out(1), l.out(2), 3, RELU);
    }

    static void eval(Launches l) {
        normalise(l, l.attributes(BatchNormSizes.class), l.in(0), l.in(3), l.in(4), -1, 0);
    }

    static void evalRelu(Launches l) {
        normalise(l, l.attributes(BatchNormSizes.class), l.in(0), l.in(3), l.in(4), 5, RELU);
    }

    /// Mean and variance of the channels of `x`, into the second and third result.
    static void statistics(Launches l, Operand x, BatchNormSizes s) {
        Operand mean = l.out(1), var = l.out(2);
        int each = each(s), parts = Math.max(1, ceilDiv(s.count(), each));
        Operand sums = parts == 1 ? mean : l.scratch(PASSED * parts * s.c());
        l.tasks().groups(l.name(), s.c() * parts, SUMMERS, (graph, id) -> graph.task(id, TornadoBatchNorms::statisticsKernel, l.context,
                l.floats(), x.at(), mean.at(), var.at(), sums.at(), s.count(), s.c(), s.pixels(), each));
        if (parts > 1) {
            l.tasks().forEach(l.name(), s.c(), (graph, id) -> graph.task(id, TornadoBatchNorms::mergeStatistics, l.context, l.floats(),
                    sums.at(), mean.at(), var.at(), s.count(), s.c(), each));
        }
    }

    // mean[c], var[c] of x [n, c, pixels]: every thread takes the differences from the first value that it sees, whose mean and sum of
    // squares become those around the common mean when two threads meet. Of several parts each passes on its mean and its variance.
    static void statisticsKernel(KernelContext context, FloatArray floats, int xAt, int meanAt, int varAt, int sumsAt, int count, int c,
            int pixels, int each) {
        double[] counts = context.allocateDoubleLocalArray(SUMMERS);
        double[] means = context.allocateDoubleLocalArray(SUMMERS);
        double[] squares = context.allocateDoubleLocalArray(SUMMERS);
        int thread = context.localIdx, ic = context.groupIdx % c, part = context.groupIdx / c;
        int first = part * each + thread;
        int end = part * each + each;
        if (end > count) {
            end = count;
        }
        double shift = 0.0;
        if (first < end) {
            shift = floats.get(xAt + (first / pixels * c + ic) * pixels + first % pixels);
        }
        double seen = 0.0;
        double sum = 0.0;
        double square = 0.0;
        for (int i = first; i < end; i += SUMMERS) {
            double difference = floats.get(xAt + (i / pixels * c + ic) * pixels + i % pixels) - shift;
            seen = seen + 1.0;
            sum = sum + difference;
            square = square + difference * difference;
        }
        double share = seen > 0.0 ? 1.0 / seen : 0.0;
        counts[thread] = seen;
        means[thread] = shift + sum * share;
        squares[thread] = square - sum * sum * share;
        for (int half = SUMMERS / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                double own = counts[thread];
                double all = own + counts[thread + half];
                double weight = all > 0.0 ? counts[thread + half] / all : 0.0;
                double step = means[thread + half] - means[thread];
                counts[thread] = all;
                means[thread] = means[thread] + step * weight;
                squares[thread] = squares[thread] + squares[thread + half] + step * step * own * weight;
            }
        }
        if (thread == 0) {
            if (each > count - 1) {
                floats.set(meanAt + ic, (float) (means[0] * (counts[0] / count))); // of nothing NaN, as the reference
                floats.set(varAt + ic, (float) (squares[0] / count));
            } else {
                int at = sumsAt + (part * c + ic) * PASSED;
                double variance = squares[0] / counts[0];
                float highMean = (float) means[0];
                float high = (float) variance;
                floats.set(at, highMean);
                floats.set(at + 1, (float) (means[0] - highMean));
                floats.set(at + 2, high);
                floats.set(at + 3, (float) (variance - high));
            }
        }
    }

    // The parts of a channel, one after the other.
    static void mergeStatistics(KernelContext context, FloatArray floats, int sumsAt, int meanAt, int varAt, int count, int c, int each) {
        int i = context.globalIdx;
        if (i < c) {
            double seen = 0.0;
            double mean = 0.0;
            double square = 0.0;
            for (int first = 0; first < count; first += each) {
                int at = sumsAt + (first / each * c + i) * PASSED;
                int size = each;
                if (first + each > count) {
                    size = count - first;
                }
                double all = seen + size;
                double step = (double) floats.get(at) + floats.get(at + 1) - mean;
                square = square + ((double) floats.get(at + 2) + floats.get(at + 3)) * size + step * step * seen * (size / all);
                mean = mean + step * (size / all);
                seen = all;
            }
            floats.set(meanAt + i, (float) mean);
            floats.set(varAt + i, (float) (square / count));
        }
    }

    /// Normalises `x` into the first result; weight and bias are the operands 1 and 2.
    ///
    /// @param added the position of the residual, or -1
    /// @param relu  [#RELU] or 0
    private static void normalise(Launches l, BatchNormSizes s, Operand x, Operand mean, Operand var, int added, int relu) {
        Operand y = l.out(0), weight = l.inOr(1, x), bias = l.inOr(2, x), residual = added < 0 ? x : l.inOr(added, x);
        int has = (l.has(1) ? WEIGHT : 0) | (l.has(2) ? BIAS : 0) | (added >= 0 && l.has(added) ? ADDED : 0) | relu;
        l.tasks().forEach(l.name(), y.elements(),
                (graph, id) -> graph.task(id, TornadoBatchNorms::normaliseKernel, l.context, l.floats(), x.at(), weight.at(), bias.at(),
                        residual.at(), has, mean.at(), var.at(), y.at(), y.elements(), s.c(), s.pixels(), s.eps()));
    }

    // y = (x - mean) / sqrt(var + eps) * weight + bias [+ residual] [and not below 0]
    static void normaliseKernel(KernelContext context, FloatArray floats, int xAt, int weightAt, int biasAt, int residualAt, int has,
            int meanAt, int varAt, int yAt, int n, int c, int pixels, float eps) {
        int i = context.globalIdx;
        if (i < n) {
            int ic = i / pixels % c;
            double scale = 1.0 / TornadoMath.sqrt((double) floats.get(varAt + ic) + eps);
            double shift = 0.0;
            if ((has & WEIGHT) == WEIGHT) {
                scale = scale * floats.get(weightAt + ic);
            }
            if ((has & BIAS) == BIAS) {
                shift = floats.get(biasAt + ic);
            }
            float value = (float) (((double) floats.get(xAt + i) - floats.get(meanAt + ic)) * scale + shift);
            if ((has & ADDED) == ADDED) {
                value = value + floats.get(residualAt + i);
            }
            if ((has & RELU) == RELU) {
                float clipped = value > 0f ? value : 0f;
                value = value != value ? value : clipped;
            }
            floats.set(yAt + i, value);
        }
    }

    /// The updates of running statistics of these numbers in the program, which are independent of each other and of one momentum, in one
    /// launch: a table says to every group of threads where its layer lies.
    static void updateRunningStatistics(Launches l, List<Integer> updates) {
        List<IntSupplier> layers = new ArrayList<>();
        for (int update : updates) {
            Operand mean = l.in(update, 0), var = l.in(update, 1), runningMean = l.out(update, 0), runningVar = l.out(update, 1);
            layers.addAll(List.of(mean::at, var::at, runningMean::at, runningVar::at, mean::elements,
                    l.attributes(update, RunningStatistics.class)::count));
        }
        l.begin(updates.getFirst());
        float momentum = l.attributes(RunningStatistics.class).momentum();
        int table = l.lateTable(layers);
        l.tasks().groups(l.name(), updates.size(), TornadoUpdates.TEAM,
                (graph, id) -> graph.task(id, TornadoBatchNorms::running, l.context, l.floats(),
                        l.ints(), l.tableAt() + table, momentum));
    }

    // Layers {meanAt, varAt, runningMeanAt, runningVarAt, channels, count}; running = (1 - momentum) * running + momentum * batch, with the
    // unbiased variance
    static void running(KernelContext context, FloatArray floats, IntArray ints, int layersAt, float momentum) {
        int layer = layersAt + context.groupIdx * 6;
        int meanAt = ints.get(layer);
        int varAt = ints.get(layer + 1);
        int runningMeanAt = ints.get(layer + 2);
        int runningVarAt = ints.get(layer + 3);
        int c = ints.get(layer + 4);
        double count = ints.get(layer + 5);
        double unbiased = count / (count - 1.0);
        double old = 1.0 - momentum;
        double batch = (double) momentum;
        for (int i = context.localIdx; i < c; i += TornadoUpdates.TEAM) {
            floats.set(runningMeanAt + i, (float) (old * floats.get(runningMeanAt + i) + batch * floats.get(meanAt + i)));
            floats.set(runningVarAt + i,
                    (float) (old * floats.get(runningVarAt + i) + batch * (floats.get(varAt + i) * unbiased)));
        }
    }
}
