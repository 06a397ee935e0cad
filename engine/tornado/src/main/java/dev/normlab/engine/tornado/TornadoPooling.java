package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.AdaptivePoolSizes;
import dev.normlab.engine.kernel.Pool2dSizes;
import dev.normlab.engine.tornado.Launches.Operand;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/// Pooling, one thread for each element of the result: gradients are gathered from the windows that hold an input, in their order, so that
/// no two threads add to one place.
final class TornadoPooling {

    private TornadoPooling() {}

    private static int strides(Pool2dSizes s) {
        return Packed.steps(s.strideH(), s.strideW(), s.dilationH(), s.dilationW());
    }

    static void max(Launches l) {
        Pool2dSizes s = l.attributes(Pool2dSizes.class);
        Operand x = l.in(0), y = l.out(0), positions = l.out(1);
        int hw = Packed.pair(s.h(), s.w()), ohow = Packed.pair(s.oh(), s.ow()), taps = Packed.pair(s.kh(), s.kw()),
                pad = Packed.pair(s.padH(), s.padW());
        int strides = strides(s);
        l.tasks().forEach(l.name(), y.elements(), (graph, id) -> graph.task(id, TornadoPooling::maxKernel, l.context, l.floats(), x.at(),
                y.at(), positions.at(), y.elements(), hw, ohow, taps, strides, pad));
    }

    // The largest value of a window and its position in the plane; the first one on ties, the first NaN if there is one.
    static void maxKernel(KernelContext context, FloatArray floats, int xAt, int yAt, int positionsAt, int n, int hw, int ohow, int taps,
            int strides, int pad) {
        int h = hw & 0xFFFF, w = hw >> 16, oh = ohow & 0xFFFF, ow = ohow >> 16, kh = taps & 0xFFFF, kw = taps >> 16;
        int strideH = strides & 0xFF, strideW = strides >> 8 & 0xFF, dilationH = strides >> 16 & 0xFF, dilationW = strides >> 24;
        int padH = pad & 0xFFFF, padW = pad >> 16;
        int i = context.globalIdx;
        if (i < n) {
            int top = i / ow % oh * strideH - padH;
            int left = i % ow * strideW - padW;
            int plane = xAt + i / (ow * oh) * h * w;
            int best = -1;
            float largest = Float.NEGATIVE_INFINITY;
            for (int t = 0; t < kh * kw; t++) {
                int ih = top + t / kw * dilationH;
                int iw = left + t % kw * dilationW;
                if ((ih | h - 1 - ih | iw | w - 1 - iw) >= 0) {
                    float value = floats.get(plane + ih * w + iw);
                    int greater = value > largest ? 1 : 0;
                    int isNaN = value != value ? 1 : 0;
                    int largestNaN = largest != largest ? 1 : 0;
                    int none = best < 0 ? 1 : 0;
                    int taken = none + (1 - largestNaN) * (isNaN + greater);
                    best = taken > 0 ? ih * w + iw : best;
                    largest = taken > 0 ? value : largest;
                }
            }
            floats.set(yAt + i, largest);
            floats.set(positionsAt + i, (float) best);
        }
    }

    static void maxBackward(Launches l) {
        Pool2dSizes s = l.attributes(Pool2dSizes.class);
        Operand dOut = l.in(0), positions = l.in(1), dx = l.out(0);
        int hw = Packed.pair(s.h(), s.w()), ohow = Packed.pair(s.oh(), s.ow()), taps = Packed.pair(s.kh(), s.kw()),
                pad = Packed.pair(s.padH(), s.padW());
        int strides = strides(s);
        l.tasks().forEach(l.name(), dx.elements(), (graph, id) -> graph.task(id, TornadoPooling::maxBackwardKernel, l.context, l.floats(),
                dOut.at(), positions.at(), dx.at(), dx.elements(), hw, ohow, taps, strides, pad));
    }

    // dx[ih, iw] = sum of dOut over the windows whose maximum is at [ih, iw]
    static void maxBackwardKernel(KernelContext context, FloatArray floats, int dOutAt, int positionsAt, int dxAt, int n, int hw, int ohow,
            int taps, int strides, int pad) {
        int h = hw & 0xFFFF, w = hw >> 16, oh = ohow & 0xFFFF, ow = ohow >> 16, kh = taps & 0xFFFF, kw = taps >> 16;
        int strideH = strides & 0xFF, strideW = strides >> 8 & 0xFF, dilationH = strides >> 16 & 0xFF, dilationW = strides >> 24;
        int padH = pad & 0xFFFF, padW = pad >> 16;
        int i = context.globalIdx;
        if (i < n) {
            int iw = i % w;
            int ih = i / w % h;
            int plane = i / (w * h) * oh * ow;
            double sum = 0.0;
            for (int t = kh * kw - 1; t >= 0; t--) {
                int up = ih + padH - t / kw * dilationH;
                int across = iw + padW - t % kw * dilationW;
                if ((up | oh * strideH - 1 - up | -(up % strideH) | across | ow * strideW - 1 - across | -(across % strideW)) >= 0) {
                    int at = plane + up / strideH * ow + across / strideW;
                    float chosen = floats.get(positionsAt + at);
                    if ((int) chosen == ih * w + iw) {
                        sum = sum + floats.get(dOutAt + at);
                    }
                }
            }
            floats.set(dxAt + i, (float) sum);
        }
    }

    static void average(Launches l) {
        Pool2dSizes s = l.attributes(Pool2dSizes.class);
        Operand x = l.in(0), y = l.out(0);
        int hw = Packed.pair(s.h(), s.w()), ohow = Packed.pair(s.oh(), s.ow()), taps = Packed.pair(s.kh(), s.kw()),
                pad = Packed.pair(s.padH(), s.padW());
        int strides = strides(s), countPad = s.countIncludePad() ? 1 : 0;
        l.tasks().forEach(l.name(), y.elements(),
                (graph, id) -> graph.task(id, TornadoPooling::averageKernel, l.context, l.floats(), x.at(),
                        y.at(), y.elements(), hw, ohow, taps, strides, pad, countPad, s.divisorOverride()));
    }

    // y = sum of the window / divisor; 0 for a window without an input
    static void averageKernel(KernelContext context, FloatArray floats, int xAt, int yAt, int n, int hw, int ohow, int taps, int strides,
            int pad, int countPad, int override) {
        int h = hw & 0xFFFF, w = hw >> 16, oh = ohow & 0xFFFF, ow = ohow >> 16, kh = taps & 0xFFFF, kw = taps >> 16;
        int strideH = strides & 0xFF, strideW = strides >> 8 & 0xFF, dilationH = strides >> 16 & 0xFF, dilationW = strides >> 24;
        int padH = pad & 0xFFFF, padW = pad >> 16;
        int i = context.globalIdx;
        if (i < n) {
            int top = i / ow % oh * strideH - padH;
            int left = i % ow * strideW - padW;
            int plane = xAt + i / (ow * oh) * h * w;
            int inside = 0;
            int padded = 0;
            double sum = 0.0;
            for (int t = 0; t < kh * kw; t++) {
                int ih = top + t / kw * dilationH;
                int iw = left + t % kw * dilationW;
                int row = ih < h + padH ? 1 : 0;
                int column = iw < w + padW ? 1 : 0;
                padded = padded + row * column;
                if ((ih | h - 1 - ih | iw | w - 1 - iw) >= 0) {
                    inside = inside + 1;
                    sum = sum + floats.get(plane + ih * w + iw);
                }
            }
            int counted = countPad == 1 ? padded : inside;
            int divisor = override != 0 ? override : counted;
            float value = 0f;
            if (inside > 0) {
                value = (float) (sum / divisor);
            }
            floats.set(yAt + i, value);
        }
    }

    static void averageBackward(Launches l) {
        Pool2dSizes s = l.attributes(Pool2dSizes.class);
        Operand dOut = l.in(0), dx = l.out(0);
        int hw = Packed.pair(s.h(), s.w()), ohow = Packed.pair(s.oh(), s.ow()), taps = Packed.pair(s.kh(), s.kw()),
                pad = Packed.pair(s.padH(), s.padW());
        int strides = strides(s), countPad = s.countIncludePad() ? 1 : 0;
        l.tasks().forEach(l.name(), dx.elements(),
                (graph, id) -> graph.task(id, TornadoPooling::averageBackwardKernel, l.context, l.floats(),
                        dOut.at(), dx.at(), dx.elements(), hw, ohow, taps, strides, pad, countPad, s.divisorOverride()));
    }

    // dx[ih, iw] = sum of dOut / divisor over the windows that hold [ih, iw]
    static void averageBackwardKernel(KernelContext context, FloatArray floats, int dOutAt, int dxAt, int n, int hw, int ohow, int taps,
            int strides, int pad, int countPad, int override) {
        int h = hw & 0xFFFF, w = hw >> 16, oh = ohow & 0xFFFF, ow = ohow >> 16, kh = taps & 0xFFFF, kw = taps >> 16;
        int strideH = strides & 0xFF, strideW = strides >> 8 & 0xFF, dilationH = strides >> 16 & 0xFF, dilationW = strides >> 24;
        int padH = pad & 0xFFFF, padW = pad >> 16;
        int i = context.globalIdx;
        if (i < n) {
            int iw = i % w;
            int ih = i / w % h;
            int plane = i / (w * h) * oh * ow;
            double sum = 0.0;
            for (int t = kh * kw - 1; t >= 0; t--) {
                int up = ih + padH - t / kw * dilationH;
                int across = iw + padW - t % kw * dilationW;
                if ((up | oh * strideH - 1 - up | -(up % strideH) | across | ow * strideW - 1 - across | -(across % strideW)) >= 0) {
                    int top = up - padH;
                    int left = across - padW;
                    int rows = 0;
                    int columns = 0;
                    for (int u = 0; u < kh; u++) {
                        int at = top + u * dilationH;
                        int low = at >= 0 ? 1 : 0;
                        int high = at < h ? 1 : 0;
                        int inside = low * high;
                        int padded = at < h + padH ? 1 : 0;
                        rows = rows + (countPad == 1 ? padded : inside);
                    }
                    for (int u = 0; u < kw; u++) {
                        int at = left + u * dilationW;
                        int low = at >= 0 ? 1 : 0;
                        int high = at < w ? 1 : 0;
                        int inside = low * high;
                        int padded = at < w + padW ? 1 : 0;
                        columns = columns + (countPad == 1 ? padded : inside);
                    }
                    int divisor = override != 0 ? override : rows * columns;
                    sum = sum + (double) floats.get(dOutAt + plane + up / strideH * ow + across / strideW) / divisor;
                }
            }
            floats.set(dxAt + i, (float) sum);
        }
    }

    static void adaptive(Launches l) {
        AdaptivePoolSizes s = l.attributes(AdaptivePoolSizes.class);
        Operand x = l.in(0), y = l.out(0);
        l.tasks().forEach(l.name(), y.elements(),
                (graph, id) -> graph.task(id, TornadoPooling::adaptiveKernel, l.context, l.floats(), x.at(),
                        y.at(), y.elements(), s.h(), s.w(), s.oh(), s.ow()));
    }

    // The average over the rows floor(i * h / oh) .. ceil((i + 1) * h / oh) - 1, columns likewise
    static void adaptiveKernel(KernelContext context, FloatArray floats, int xAt, int yAt, int n, int h, int w, int oh, int ow) {
        int i = context.globalIdx;
        if (i < n) {
            int iow = i % ow;
            int ioh = i / ow % oh;
            int plane = xAt + i / (ow * oh) * h * w;
            int top = ioh * h / oh;
            int bottom = ((ioh + 1) * h + oh - 1) / oh;
            int left = iow * w / ow;
            int right = ((iow + 1) * w + ow - 1) / ow;
            int columns = right - left;
            int count = (bottom - top) * columns;
            double sum = 0.0;
            for (int t = 0; t < count; t++) {
                sum = sum + floats.get(plane + (top + t / columns) * w + left + t % columns);
            }
            floats.set(yAt + i, (float) (sum / count));
        }
    }

    static void adaptiveBackward(Launches l) {
        AdaptivePoolSizes s = l.attributes(AdaptivePoolSizes.class);
        Operand dOut = l.in(0), dx = l.out(0);
        l.tasks().forEach(l.name(), dx.elements(),
                (graph, id) -> graph.task(id, TornadoPooling::adaptiveBackwardKernel, l.context, l.floats(),
                        dOut.at(), dx.at(), dx.elements(), s.h(), s.w(), s.oh(), s.ow()));
    }

    // dx[ih, iw] = sum of dOut / size of the window over the windows that hold [ih, iw]
    static void adaptiveBackwardKernel(KernelContext context, FloatArray floats, int dOutAt, int dxAt, int n, int h, int w, int oh,
            int ow) {
        int i = context.globalIdx;
        if (i < n) {
            int iw = i % w;
            int ih = i / w % h;
            int plane = i / (w * h) * oh * ow;
            double sum = 0.0;
            for (int t = 0; t < oh * ow; t++) {
                int ioh = t / ow;
                int iow = t % ow;
                int top = ioh * h / oh;
                int bottom = ((ioh + 1) * h + oh - 1) / oh;
                int left = iow * w / ow;
                int right = ((iow + 1) * w + ow - 1) / ow;
                if ((ih - top | bottom - 1 - ih | iw - left | right - 1 - iw) >= 0) {
                    sum = sum + (double) floats.get(dOutAt + plane + t) / ((bottom - top) * (right - left));
                }
            }
            floats.set(dxAt + i, (float) sum);
        }
    }
}
