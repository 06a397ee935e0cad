package dev.normlab.engine.tornado;

import static dev.normlab.engine.tornado.TornadoBatchNorms.ADDED;
import static dev.normlab.engine.tornado.TornadoBatchNorms.BIAS;
import static dev.normlab.engine.tornado.TornadoBatchNorms.PASSED;
import static dev.normlab.engine.tornado.TornadoBatchNorms.RELU;
import static dev.normlab.engine.tornado.TornadoBatchNorms.SUMMERS;
import static dev.normlab.engine.tornado.TornadoBatchNorms.WEIGHT;
import static dev.normlab.engine.tornado.TornadoConvolutions.ceilDiv;

import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.tornado.Launches.Operand;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/// The gradients of batch normalisation, also of a ReLU that is fused with it. A ReLU lets a gradient through where its result is above
/// zero; the result is either at hand, or is computed again from `x` as in [TornadoBatchNorms] (a compiler may fuse product and sum in one
/// of the two, which matters within a rounding of zero).
final class TornadoBatchNormGradients {

    /// Besides the bits of [TornadoBatchNorms]: the ReLU's result is an operand, and the gradient of its input a result.
    private static final int RESULT = 16;

    private TornadoBatchNormGradients() {}

    /// The operands of the sums over a channel.
    ///
    /// @param has which of `weight`, `bias` (for [TornadoBatchNorms#RELU]), `more` (another gradient to add), `y` and `dSum` (for
    ///            [#RESULT]) mean something
    private record Sums(Operand x, Operand dOut, Operand mean, Operand var, Operand weight, Operand bias, Operand more, Operand y,
            Operand dSum, Operand dWeight, Operand dBias, int has) {}

    static void parameters(Launches l) {
        Operand x = l.in(0), dWeight = l.out(0);
        sums(l, new Sums(x, l.in(1), l.in(2), l.in(3), x, x, x, x, dWeight, dWeight, l.out(1), 0));
    }

    static void reluParameters(Launches l) {
        Operand y = l.in(0), x = l.in(3);
        sums(l, new Sums(x, l.in(1), l.in(4), l.in(5), x, x, l.inOr(2, x), y, l.out(0), l.out(1), l.out(2),
                RESULT | (l.has(2) ? ADDED : 0)));
    }

    static void trainRelu(Launches l) {
        BatchNormSizes s = l.attributes(BatchNormSizes.class);
        Operand x = l.in(0), dOut = l.in(1), weight = l.inOr(2, x), bias = l.inOr(3, x), mean = l.in(4), var = l.in(5);
        Operand dx = l.out(0), dWeight = l.out(1), dBias = l.out(2);
        int has = RELU | (l.has(2) ? WEIGHT : 0) | (l.has(3) ? BIAS : 0);
        if (s.count() <= TornadoBatchNorms.each(s)) {
            l.tasks().groups(l.name(), s.c(), SUMMERS, (graph, id) -> graph.task(id, TornadoBatchNormGradients::wholeKernel, l.context,
                    l.floats(), x.at(), dOut.at(), weight.at(), bias.at(), mean.at(), var.at(), has, dx.at(), dWeight.at(), dBias.at(),
                    s.count(), s.c(), s.pixels(), s.eps()));
            return;
        }
        sums(l, new Sums(x, dOut, mean, var, weight, bias, x, x, dx, dWeight, dBias, has));
        input(l, s, new Input(x, dOut, weight, bias, mean, var, dWeight, dBias, has));
    }

    static void trainInput(Launches l) {
        Operand x = l.in(0), weight = l.inOr(2, x);
        input(l, l.attributes(BatchNormSizes.class),
                new Input(x, l.in(1), weight, weight, l.in(3), l.in(4), l.in(5), l.in(6), l.has(2) ? WEIGHT : 0));
    }

    private static void sums(Launches l, Sums k) {
        BatchNormSizes s = l.attributes(BatchNormSizes.class);
        int each = TornadoBatchNorms.each(s), parts = Math.max(1, ceilDiv(s.count(), each));
        Operand passed = parts == 1 ? k.dWeight : l.scratch(PASSED * parts * s.c());
        l.tasks().groups(l.name(), s.c() * parts, SUMMERS, (graph, id) -> graph.task(id, TornadoBatchNormGradients::sumsKernel, l.context,
                l.floats(), k.x.at(), k.dOut.at(), k.mean.at(), k.var.at(), k.weight.at(), k.bias.at(), k.more.at(), k.y.at(), k.dSum.at(),
                k.has, k.dWeight.at(), k.dBias.at(), passed.at(), s.count(), s.c(), s.pixels(), each, s.eps()));
        if (parts > 1) {
            l.tasks().forEach(l.name(), s.c(), (graph, id) -> graph.task(id, TornadoBatchNormGradients::mergeSums, l.context, l.floats(),
                    passed.at(), k.var.at(), k.dWeight.at(), k.dBias.at(), s.c(), parts, each, s.eps()));
        }
    }

    // dBias = sum of g, dWeight = sum of g * (x - mean) / sqrt(var + eps), where g is what the ReLU lets through of dOut [+ more]. Of
    // several parts each passes on its two sums, divided by a part's length.
    static void sumsKernel(KernelContext context, FloatArray floats, int xAt, int dOutAt, int meanAt, int varAt, int weightAt, int biasAt,
            int moreAt, int yAt, int dSumAt, int has, int dWeightAt, int dBiasAt, int passedAt, int count, int c, int pixels, int each,
            float eps) {
        double[] sums = context.allocateDoubleLocalArray(SUMMERS);
        double[] products = context.allocateDoubleLocalArray(SUMMERS);
        int thread = context.localIdx, ic = context.groupIdx % c, part = context.groupIdx / c;
        int end = part * each + each;
        if (end > count) {
            end = count;
        }
        double mean = floats.get(meanAt + ic);
        double scale = 1.0 / TornadoMath.sqrt((double) floats.get(varAt + ic) + eps);
        double shift = 0.0;
        if ((has & WEIGHT) == WEIGHT) {
            scale = scale * floats.get(weightAt + ic);
        }
        if ((has & BIAS) == BIAS) {
            shift = floats.get(biasAt + ic);
        }
        double sum = 0.0;
        double product = 0.0;
        for (int i = part * each + thread; i < end; i += SUMMERS) {
            int at = (i / pixels * c + ic) * pixels + i % pixels;
            double difference = floats.get(xAt + at) - mean;
            float gradient = floats.get(dOutAt + at);
            if ((has & ADDED) == ADDED) {
                gradient = gradient + floats.get(moreAt + at);
            }
            if ((has & RELU) == RELU) {
                float value = (float) (difference * scale + shift);
                float passed = value > 0f ? gradient : 0f;
                gradient = value != value ? gradient : passed;
            }
            if ((has & RESULT) == RESULT) {
                float value = floats.get(yAt + at);
                float passed = value > 0f ? gradient : 0f;
                gradient = value != value ? gradient : passed;
                floats.set(dSumAt + at, gradient);
            }
            sum = sum + gradient;
            product = product + gradient * difference;
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
            if (each > count - 1) {
                floats.set(dBiasAt + ic, (float) sums[0]);
                floats.set(dWeightAt + ic, (float) (products[0] / TornadoMath.sqrt((double) floats.get(varAt + ic) + eps)));
            } else {
                int at = passedAt + (part * c + ic) * PASSED;
                double meanSum = sums[0] / each;
                double meanProduct = products[0] / each;
                float high = (float) meanSum;
                float highProduct = (float) meanProduct;
                floats.set(at, high);
                floats.set(at + 1, (float) (meanSum - high));
                floats.set(at + 2, highProduct);
                floats.set(at + 3, (float) (meanProduct - highProduct));
            }
        }
    }

    // The parts of a channel, in order.
    static void mergeSums(KernelContext context, FloatArray floats, int passedAt, int varAt, int dWeightAt, int dBiasAt, int c, int parts,
            int each, float eps) {
        int i = context.globalIdx;
        if (i < c) {
            double sum = 0.0;
            double product = 0.0;
            for (int part = 0; part < parts; part++) {
                int at = passedAt + (part * c + i) * PASSED;
                sum = sum + ((double) floats.get(at) + floats.get(at + 1));
                product = product + ((double) floats.get(at + 2) + floats.get(at + 3));
            }
            floats.set(dBiasAt + i, (float) (sum * each));
            floats.set(dWeightAt + i, (float) (product * each / TornadoMath.sqrt((double) floats.get(varAt + i) + eps)));
        }
    }

    // All of a channel by one group of threads: the sums as in sumsKernel, then dx as in inputKernel.
    static void wholeKernel(KernelContext context, FloatArray floats, int xAt, int dOutAt, int weightAt, int biasAt, int meanAt, int varAt,
            int has, int dxAt, int dWeightAt, int dBiasAt, int count, int c, int pixels, float eps) {
        double[] sums = context.allocateDoubleLocalArray(SUMMERS);
        double[] products = context.allocateDoubleLocalArray(SUMMERS);
        int thread = context.localIdx, ic = context.groupIdx;
        double mean = floats.get(meanAt + ic);
        double inverse = 1.0 / TornadoMath.sqrt((double) floats.get(varAt + ic) + eps);
        double scale = inverse;
        double shift = 0.0;
        if ((has & WEIGHT) == WEIGHT) {
            scale = scale * floats.get(weightAt + ic);
        }
        if ((has & BIAS) == BIAS) {
            shift = floats.get(biasAt + ic);
        }
        double sum = 0.0;
        double product = 0.0;
        for (int i = thread; i < count; i += SUMMERS) {
            int at = (i / pixels * c + ic) * pixels + i % pixels;
            double difference = floats.get(xAt + at) - mean;
            float gradient = floats.get(dOutAt + at);
            float value = (float) (difference * scale + shift);
            float passed = value > 0f ? gradient : 0f;
            gradient = value != value ? gradient : passed;
            sum = sum + gradient;
            product = product + gradient * difference;
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
        context.localBarrier();
        float dBias = (float) sums[0];
        float dWeight = (float) (products[0] * inverse);
        if (thread == 0) {
            floats.set(dBiasAt + ic, dBias);
            floats.set(dWeightAt + ic, dWeight);
        }
        double slope = scale * inverse * dWeight / count;
        double constant = slope * mean - scale * dBias / count;
        for (int i = thread; i < count; i += SUMMERS) {
            int at = (i / pixels * c + ic) * pixels + i % pixels;
            float gradient = floats.get(dOutAt + at);
            float input = floats.get(xAt + at);
            float value = (float) ((input - mean) * scale + shift);
            float passed = value > 0f ? gradient : 0f;
            gradient = value != value ? gradient : passed;
            floats.set(dxAt + at, (float) (scale * gradient - slope * input + constant));
        }
    }

    /// The operands of the input's gradient in training.
    ///
    /// @param has which of `weight` and `bias` mean something, and whether a ReLU follows
    private record Input(Operand x, Operand dOut, Operand weight, Operand bias, Operand mean, Operand var, Operand dWeight, Operand dBias,
            int has) {}

    private static void input(Launches l, BatchNormSizes s, Input k) {
        Operand dx = l.out(0), line = l.scratch(6 * s.c());
        l.tasks().forEach(l.name(), s.c(),
                (graph, id) -> graph.task(id, TornadoBatchNormGradients::inputLine, l.context, l.floats(), k.weight.at(), k.has,
                        k.mean.at(), k.var.at(), k.dWeight.at(), k.dBias.at(), line.at(), s.c(), s.count(), s.eps()));
        l.tasks().forEach(l.name(), dx.elements(),
                (graph, id) -> graph.task(id, TornadoBatchNormGradients::inputKernel, l.context, l.floats(), k.x.at(), k.dOut.at(),
                        k.weight.at(), k.bias.at(), k.mean.at(), k.var.at(), k.has, line.at(), dx.at(), dx.elements(), s.c(), s.pixels(),
                        s.eps()));
    }

    // dx = weight / sqrt(var + eps) * (dOut - dBias / count - (x - mean) / sqrt(var + eps) * dWeight / count), which is linear in dOut
    // and x: its three coefficients, each as the sum of two floats
    static void inputLine(KernelContext context, FloatArray floats, int weightAt, int has, int meanAt, int varAt, int dWeightAt,
            int dBiasAt, int lineAt, int c, int count, float eps) {
        int i = context.globalIdx;
        if (i < c) {
            double inverse = 1.0 / TornadoMath.sqrt((double) floats.get(varAt + i) + eps);
            double scale = inverse;
            if ((has & WEIGHT) == WEIGHT) {
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

    // dx = scale * g - slope * x + constant, where g is what the ReLU lets through of dOut
    static void inputKernel(KernelContext context, FloatArray floats, int xAt, int dOutAt, int weightAt, int biasAt, int meanAt, int varAt,
            int has, int lineAt, int dxAt, int n, int c, int pixels, float eps) {
        int i = context.globalIdx;
        if (i < n) {
            int ic = i / pixels % c;
            int at = lineAt + ic * 6;
            double scale = (double) floats.get(at) + floats.get(at + 1);
            double slope = (double) floats.get(at + 2) + floats.get(at + 3);
            double constant = (double) floats.get(at + 4) + floats.get(at + 5);
            float value = floats.get(xAt + i);
            float gradient = floats.get(dOutAt + i);
            if ((has & RELU) == RELU) {
                double factor = 1.0 / TornadoMath.sqrt((double) floats.get(varAt + ic) + eps);
                double shift = 0.0;
                if ((has & WEIGHT) == WEIGHT) {
                    factor = factor * floats.get(weightAt + ic);
                }
                if ((has & BIAS) == BIAS) {
                    shift = floats.get(biasAt + ic);
                }
                float result = (float) (((double) value - floats.get(meanAt + ic)) * factor + shift);
                float passed = result > 0f ? gradient : 0f;
                gradient = result != result ? gradient : passed;
            }
            floats.set(dxAt + i, (float) (scale * gradient - slope * value + constant));
        }
    }

    static void evalInput(Launches l) {
        Operand dOut = l.in(0);
        evalInput(l, dOut, dOut, l.inOr(1, dOut), l.in(2), l.has(1) ? WEIGHT : 0);
    }

    static void evalReluInput(Launches l) {
        Operand dOut = l.in(1);
        evalInput(l, l.in(0), dOut, l.inOr(2, dOut), l.in(3), RESULT | (l.has(2) ? WEIGHT : 0));
    }

    private static void evalInput(Launches l, Operand y, Operand dOut, Operand weight, Operand var, int has) {
        BatchNormSizes s = l.attributes(BatchNormSizes.class);
        Operand dx = l.out(0);
        l.tasks().forEach(l.name(), dx.elements(),
                (graph, id) -> graph.task(id, TornadoBatchNormGradients::evalInputKernel, l.context, l.floats(), y.at(), dOut.at(),
                        weight.at(), has, var.at(), dx.at(), dx.elements(), s.c(), s.pixels(), s.eps()));
    }

    // dx = g * weight / sqrt(var + eps), where g is what the ReLU lets through of dOut
    static void evalInputKernel(KernelContext context, FloatArray floats, int yAt, int dOutAt, int weightAt, int has, int varAt, int dxAt,
            int n, int c, int pixels, float eps) {
        int i = context.globalIdx;
        if (i < n) {
            int ic = i / pixels % c;
            double scale = 1.0 / TornadoMath.sqrt((double) floats.get(varAt + ic) + eps);
            if ((has & WEIGHT) == WEIGHT) {
                scale = scale * floats.get(weightAt + ic);
            }
            float gradient = floats.get(dOutAt + i);
            if ((has & RESULT) == RESULT) {
                float result = floats.get(yAt + i);
                float passed = result > 0f ? gradient : 0f;
                gradient = result != result ? gradient : passed;
            }
            floats.set(dxAt + i, (float) (gradient * scale));
        }
    }
}
