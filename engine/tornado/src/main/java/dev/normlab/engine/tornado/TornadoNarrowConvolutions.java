package dev.normlab.engine.tornado;

import static dev.normlab.engine.tornado.TornadoConvolutions.BIAS;
import static dev.normlab.engine.tornado.TornadoConvolutions.NORM;
import static dev.normlab.engine.tornado.TornadoConvolutions.NORM_BIAS;
import static dev.normlab.engine.tornado.TornadoConvolutions.NORM_WEIGHT;
import static dev.normlab.engine.tornado.TornadoConvolutions.RELU;
import static dev.normlab.engine.tornado.TornadoConvolutions.RESIDUAL;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.tornado.Launches.Operand;
import dev.normlab.engine.tornado.TornadoConvolutions.Epilogue;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Convolutions of groups with few channels (depthwise ones, those of ResNeXt, images), for which tiles of matrices would be mostly empty:
/// one thread for each element of the result, or one group of threads for each weight's gradient. Sizes are packed as in
/// [TornadoConvolutions].
final class TornadoNarrowConvolutions {

    /// Threads that share the pixels of one weight's gradient.
    private static final int SUMMERS = 64;

    private TornadoNarrowConvolutions() {}

    static void forward(Launches l, Conv2dSizes s, Epilogue then) {
        Operand x = l.in(0), weight = l.in(1), bias = l.inOr(2, weight), y = l.out(0);
        int hw = Packed.pair(s.h(), s.w()), ohow = Packed.pair(s.oh(), s.ow()), taps = Packed.pair(s.kh(), s.kw()),
                pad = Packed.pair(s.padTop(), s.padLeft()), channels = Packed.pair(s.groupInputs(), s.groupOutputs());
        int strides = TornadoConvolutions.strides(s);
        l.tasks().forEach(l.name(), y.elements(),
                (graph, id) -> graph.task(id, TornadoNarrowConvolutions::forwardNarrow, l.context, l.floats(), l.ints(), x.at(),
                        weight.at(), bias.at(), l.tableAt() + then.table(), then.residual().at(), then.has(), then.eps(), y.at(),
                        y.elements(), channels, s.groups(), hw, ohow, taps, strides, pad));
    }

    // One thread for each y[in, io, ioh, iow]
    static void forwardNarrow(KernelContext context, FloatArray floats, IntArray ints, int xAt, int wAt, int bAt, int normAt,
            int residualAt,
            int has, float eps, int yAt, int total, int channels, int groups, int hw, int ohow, int taps, int strides, int pad) {
        int c = channels & 0xFFFF, o = channels >> 16;
        int h = hw & 0xFFFF, w = hw >> 16, oh = ohow & 0xFFFF, ow = ohow >> 16, kh = taps & 0xFFFF, kw = taps >> 16;
        int strideH = strides & 0xFF, strideW = strides >> 8 & 0xFF, dilationH = strides >> 16 & 0xFF, dilationW = strides >> 24;
        int padTop = pad & 0xFFFF, padLeft = pad >> 16;
        int i = context.globalIdx;
        if (i < total) {
            int iow = i % ow;
            int ioh = i / ow % oh;
            int io = i / (ow * oh) % (o * groups);
            int in = i / (ow * oh * o * groups);
            float sum = 0f;
            if ((has & BIAS) == BIAS) {
                sum = floats.get(bAt + io);
            }
            int plane = xAt + (in * c * groups + io / o * c) * h * w;
            int filter = wAt + io * c * kh * kw;
            for (int ic = 0; ic < c; ic++) {
                for (int t = 0; t < kh * kw; t++) {
                    int ih = ioh * strideH + t / kw * dilationH - padTop;
                    int iw = iow * strideW + t % kw * dilationW - padLeft;
                    float value = 0f;
                    if ((ih | h - 1 - ih | iw | w - 1 - iw) >= 0) {
                        value = floats.get(plane + (ic * h + ih) * w + iw);
                    }
                    sum = sum + floats.get(filter + ic * kh * kw + t) * value;
                }
            }
            float value = sum;
            if ((has & NORM) == NORM) {
                double scale = 1.0 / TornadoMath.sqrt((double) floats.get(ints.get(normAt + 3) + io) + eps);
                double shift = 0.0;
                if ((has & NORM_WEIGHT) == NORM_WEIGHT) {
                    scale = scale * floats.get(ints.get(normAt) + io);
                }
                if ((has & NORM_BIAS) == NORM_BIAS) {
                    shift = floats.get(ints.get(normAt + 1) + io);
                }
                value = (float) (((double) value - floats.get(ints.get(normAt + 2) + io)) * scale + shift);
            }
            if ((has & RESIDUAL) == RESIDUAL) {
                value = value + floats.get(residualAt + i);
            }
            if ((has & RELU) == RELU) {
                float clipped = value > 0f ? value : 0f;
                value = value != value ? value : clipped;
            }
            floats.set(yAt + i, value);
        }
    }

    static void backwardInput(Launches l, Conv2dSizes s) {
        Operand dOut = l.in(0), weight = l.in(1), dx = l.out(0);
        int hw = Packed.pair(s.h(), s.w()), ohow = Packed.pair(s.oh(), s.ow()), taps = Packed.pair(s.kh(), s.kw()),
                pad = Packed.pair(s.padTop(), s.padLeft());
        int strides = TornadoConvolutions.strides(s);
        l.tasks().forEach(l.name(), dx.elements(),
                (graph, id) -> graph.task(id, TornadoNarrowConvolutions::backwardInputNarrow, l.context, l.floats(), dOut.at(),
                        weight.at(), dx.at(), dx.elements(), s.groupInputs(), s.groupOutputs(), s.groups(), hw, ohow, taps, strides,
                        pad));
    }

    // One thread for each dx[in, ic, ih, iw]
    static void backwardInputNarrow(KernelContext context, FloatArray floats, int dOutAt, int wAt, int dxAt, int total, int c, int o,
            int groups, int hw, int ohow, int taps, int strides, int pad) {
        int h = hw & 0xFFFF, w = hw >> 16, oh = ohow & 0xFFFF, ow = ohow >> 16, kh = taps & 0xFFFF, kw = taps >> 16;
        int strideH = strides & 0xFF, strideW = strides >> 8 & 0xFF, dilationH = strides >> 16 & 0xFF, dilationW = strides >> 24;
        int padTop = pad & 0xFFFF, padLeft = pad >> 16;
        int i = context.globalIdx;
        if (i < total) {
            int iw = i % w;
            int ih = i / w % h;
            int ic = i / (w * h) % (c * groups);
            int in = i / (w * h * c * groups);
            int group = ic / c;
            float sum = 0f;
            for (int io = group * o; io < (group + 1) * o; io++) {
                for (int t = 0; t < kh * kw; t++) {
                    int up = ih + padTop - t / kw * dilationH;
                    int across = iw + padLeft - t % kw * dilationW;
                    float value = 0f;
                    if ((up | oh * strideH - 1 - up | -(up % strideH) | across | ow * strideW - 1 - across | -(across % strideW)) >= 0) {
                        value = floats.get(dOutAt + ((in * o * groups + io) * oh + up / strideH) * ow + across / strideW);
                    }
                    sum = sum + floats.get(wAt + (io * c + ic % c) * kh * kw + t) * value;
                }
            }
            floats.set(dxAt + i, sum);
        }
    }

    static void backwardWeight(Launches l, Conv2dSizes s) {
        Operand x = l.in(0), dOut = l.in(1), dWeight = l.out(0);
        int hw = Packed.pair(s.h(), s.w()), ohow = Packed.pair(s.oh(), s.ow()), taps = Packed.pair(s.kh(), s.kw()),
                pad = Packed.pair(s.padTop(), s.padLeft());
        int strides = TornadoConvolutions.strides(s);
        l.tasks().groups(l.name(), dWeight.elements(), SUMMERS,
                (graph, id) -> graph.task(id, TornadoNarrowConvolutions::backwardWeightNarrow, l.context, l.floats(), x.at(), dOut.at(),
                        dWeight.at(),
                        s.n(), s.groupInputs(), s.groupOutputs(), s.groups(), hw, ohow, taps, strides, pad));
    }

    // A group of threads for each dWeight[oc, ic, kh, kw]
    static void backwardWeightNarrow(KernelContext context, FloatArray floats, int xAt, int dOutAt, int dWeightAt, int n, int c, int o,
            int groups, int hw, int ohow, int taps, int strides, int pad) {
        int h = hw & 0xFFFF, w = hw >> 16, oh = ohow & 0xFFFF, ow = ohow >> 16, kh = taps & 0xFFFF, kw = taps >> 16;
        int strideH = strides & 0xFF, strideW = strides >> 8 & 0xFF, dilationH = strides >> 16 & 0xFF, dilationW = strides >> 24;
        int padTop = pad & 0xFFFF, padLeft = pad >> 16;
        double[] sums = context.allocateDoubleLocalArray(SUMMERS);
        int thread = context.localIdx, k = context.groupIdx;
        int output = k / (kw * kh * c);
        int input = output / o * c + k / (kw * kh) % c;
        int top = k / kw % kh * dilationH - padTop, left = k % kw * dilationW - padLeft;
        double sum = 0.0;
        for (int pixel = thread; pixel < n * oh * ow; pixel += SUMMERS) {
            int image = pixel / (oh * ow), at = pixel % (oh * ow);
            int ih = at / ow * strideH + top;
            int iw = at % ow * strideW + left;
            if ((ih | h - 1 - ih | iw | w - 1 - iw) >= 0) {
                sum = sum + floats.get(dOutAt + (image * groups * o + output) * oh * ow + at)
                        * floats.get(xAt + ((image * groups * c + input) * h + ih) * w + iw);
            }
        }
        sums[thread] = sum;
        for (int half = SUMMERS / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
            }
        }
        if (thread == 0) {
            floats.set(dWeightAt + k, (float) sums[0]);
        }
    }
}
