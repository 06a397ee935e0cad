package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.tornado.Launches.Operand;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/// Convolutions as matrix products whose right-hand matrix is never written down (implicit GEMM): a group of threads makes a tile of the
/// result and fetches from the image what the tile's columns need. Matrix products of linear layers are the same without an image.
///
/// The three inner loops (and that of the matrix product) are alike by need: sixteen sums in registers cannot leave a method of their own.
///
/// Kernels take a convolution's sizes packed in few integers, because a task has at most 20 arguments; they are constants to the compiler.
final class TornadoConvolutions {

    /// Threads of a group are `SIDE x SIDE`, and each makes `EACH x EACH` elements of a tile of `TILE x TILE`.
    static final int SIDE = 16;
    static final int EACH = 4;
    static final int TILE = SIDE * EACH;

    /// Terms of the inner sums that are fetched together.
    static final int DEPTH = 16;

    /// From one term to the next in local memory where threads write along the terms: one more than a tile, so that they meet all banks.
    static final int PITCH = TILE + 1;

    static final int THREADS = SIDE * SIDE;

    /// Threads that share the pixels of one weight's gradient in narrow groups.
    private static final int SUMMERS = 64;

    /// Terms of a sum for one group of threads, at least.
    private static final int LEAST_TERMS = 512;

    /// Groups of threads that keep a device busy.
    private static final int ENOUGH_GROUPS = 512;

    /// Matrices with fewer rows than this are left to kernels of one thread for each result.
    private static final int NARROW = 12;

    private TornadoConvolutions() {}

    private static int strides(Conv2dSizes s) {
        return Packed.steps(s.strideH(), s.strideW(), s.dilationH(), s.dilationW());
    }

    static int ceilDiv(int a, int b) {
        return (a + b - 1) / b;
    }

    static void forward(Launches l) {
        Conv2dSizes s = l.attributes(Conv2dSizes.class);
        Operand x = l.in(0), weight = l.in(1), bias = l.inOr(2, weight), y = l.out(0);
        int hasBias = l.has(2) ? 1 : 0;
        int hw = Packed.pair(s.h(), s.w()), ohow = Packed.pair(s.oh(), s.ow()), taps = Packed.pair(s.kh(), s.kw()),
                pad = Packed.pair(s.padTop(), s.padLeft());
        int strides = strides(s);
        if (s.groupOutputs() < NARROW) {
            l.tasks().forEach(l.name(), y.elements(),
                    (graph, id) -> graph.task(id, TornadoConvolutions::forwardNarrow, l.context, l.floats(), x.at(), weight.at(), bias.at(),
                            hasBias, y.at(), y.elements(), s.groupInputs(),
                            s.groupOutputs(), s.groups(), hw, ohow, taps, strides, pad));
            return;
        }
        l.tasks().tiles(l.name(), ceilDiv(s.n() * s.oh() * s.ow(), TILE), ceilDiv(s.groupOutputs(), TILE), s.groups(), SIDE,
                (graph, id) -> graph.task(id, TornadoConvolutions::forwardTiles, l.context, l.floats(), x.at(), weight.at(),
                        bias.at(), hasBias, y.at(), s.n(), s.groupInputs(), s.groupOutputs(), s.groups(), hw, ohow,
                        taps, strides, pad));
    }

    // One thread for each y[in, io, ioh, iow]
    static void forwardNarrow(KernelContext context, FloatArray floats, int xAt, int wAt, int bAt, int hasBias, int yAt, int total, int c,
            int o, int groups, int hw, int ohow, int taps, int strides, int pad) {
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
            if (hasBias == 1) {
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
            floats.set(yAt + i, sum);
        }
    }

    // y [o, n * oh * ow] = weight [o, c * kh * kw] · columns [c * kh * kw, n * oh * ow], for every group of channels
    static void forwardTiles(KernelContext context, FloatArray floats, int xAt, int wAt, int bAt, int hasBias, int yAt, int n, int c, int o,
            int groups, int hw, int ohow, int taps, int strides, int pad) {
        int h = hw & 0xFFFF, w = hw >> 16, oh = ohow & 0xFFFF, ow = ohow >> 16, kh = taps & 0xFFFF, kw = taps >> 16;
        int strideH = strides & 0xFF, strideW = strides >> 8 & 0xFF, dilationH = strides >> 16 & 0xFF, dilationW = strides >> 24;
        int padTop = pad & 0xFFFF, padLeft = pad >> 16;
        float[] a = context.allocateFloatLocalArray(DEPTH * PITCH);
        float[] b = context.allocateFloatLocalArray(DEPTH * TILE);
        int tx = context.localIdx, ty = context.localIdy, group = context.groupIdz;
        int thread = ty * SIDE + tx;
        int row0 = context.groupIdy * TILE, column0 = context.groupIdx * TILE;
        int depth = c * kh * kw, columns = n * oh * ow;
        float s00 = 0f, s01 = 0f, s02 = 0f, s03 = 0f, s10 = 0f, s11 = 0f, s12 = 0f, s13 = 0f;
        float s20 = 0f, s21 = 0f, s22 = 0f, s23 = 0f, s30 = 0f, s31 = 0f, s32 = 0f, s33 = 0f;
        for (int k0 = 0; k0 < depth; k0 += DEPTH) {
            for (int e = thread; e < DEPTH * TILE; e += THREADS) {
                int row = row0 + e / DEPTH;
                int k = k0 + e % DEPTH;
                float value = 0f;
                if ((o - 1 - row | depth - 1 - k) >= 0) {
                    value = floats.get(wAt + (group * o + row) * depth + k);
                }
                a[e % DEPTH * PITCH + e / DEPTH] = value;
            }
            for (int e = thread; e < DEPTH * TILE; e += THREADS) {
                int column = column0 + e % TILE;
                int k = k0 + e / TILE;
                int ih = column / ow % oh * strideH + k / kw % kh * dilationH - padTop;
                int iw = column % ow * strideW + k % kw * dilationW - padLeft;
                float value = 0f;
                if ((columns - 1 - column | depth - 1 - k | ih | h - 1 - ih | iw | w - 1 - iw) >= 0) {
                    value = floats.get(xAt + ((column / (ow * oh) * groups * c + group * c + k / (kw * kh)) * h + ih) * w + iw);
                }
                b[e] = value;
            }
            context.localBarrier();
            for (int k = 0; k < DEPTH; k++) {
                float a0 = a[k * PITCH + ty], a1 = a[k * PITCH + ty + SIDE], a2 = a[k * PITCH + ty + 2 * SIDE],
                        a3 = a[k * PITCH + ty + 3 * SIDE];
                float b0 = b[k * TILE + tx], b1 = b[k * TILE + tx + SIDE], b2 = b[k * TILE + tx + 2 * SIDE],
                        b3 = b[k * TILE + tx + 3 * SIDE];
                s00 = s00 + a0 * b0;
                s01 = s01 + a0 * b1;
                s02 = s02 + a0 * b2;
                s03 = s03 + a0 * b3;
                s10 = s10 + a1 * b0;
                s11 = s11 + a1 * b1;
                s12 = s12 + a1 * b2;
                s13 = s13 + a1 * b3;
                s20 = s20 + a2 * b0;
                s21 = s21 + a2 * b1;
                s22 = s22 + a2 * b2;
                s23 = s23 + a2 * b3;
                s30 = s30 + a3 * b0;
                s31 = s31 + a3 * b1;
                s32 = s32 + a3 * b2;
                s33 = s33 + a3 * b3;
            }
            context.localBarrier();
        }
        for (int i = 0; i < EACH; i++) {
            for (int j = 0; j < EACH; j++) {
                int row = row0 + ty + i * SIDE;
                int column = column0 + tx + j * SIDE;
                float first = j == 0 ? s00 : j == 1 ? s01 : j == 2 ? s02 : s03;
                float second = j == 0 ? s10 : j == 1 ? s11 : j == 2 ? s12 : s13;
                float third = j == 0 ? s20 : j == 1 ? s21 : j == 2 ? s22 : s23;
                float fourth = j == 0 ? s30 : j == 1 ? s31 : j == 2 ? s32 : s33;
                float sum = i == 0 ? first : i == 1 ? second : i == 2 ? third : fourth;
                if ((o - 1 - row | columns - 1 - column) >= 0) {
                    float added = 0f;
                    if (hasBias == 1) {
                        added = floats.get(bAt + group * o + row);
                    }
                    floats.set(yAt + (column / (oh * ow) * groups * o + group * o + row) * oh * ow + column % (oh * ow), sum + added);
                }
            }
        }
    }

    static void backwardInput(Launches l) {
        Conv2dSizes s = l.attributes(Conv2dSizes.class);
        Operand dOut = l.in(0), weight = l.in(1), dx = l.out(0);
        int hw = Packed.pair(s.h(), s.w()), ohow = Packed.pair(s.oh(), s.ow()), taps = Packed.pair(s.kh(), s.kw()),
                pad = Packed.pair(s.padTop(), s.padLeft());
        int strides = strides(s);
        if (s.groupInputs() < NARROW) {
            l.tasks().forEach(l.name(), dx.elements(),
                    (graph, id) -> graph.task(id, TornadoConvolutions::backwardInputNarrow, l.context, l.floats(),
                            dOut.at(), weight.at(), dx.at(), dx.elements(), s.groupInputs(),
                            s.groupOutputs(), s.groups(), hw, ohow, taps, strides, pad));
            return;
        }
        l.tasks().tiles(l.name(), ceilDiv(s.n() * s.h() * s.w(), TILE), ceilDiv(s.groupInputs(), TILE), s.groups(), SIDE,
                (graph, id) -> graph.task(id, TornadoConvolutions::backwardInputTiles, l.context, l.floats(), dOut.at(), weight.at(),
                        dx.at(), s.n(), s.groupInputs(), s.groupOutputs(), s.groups(), hw, ohow, taps, strides, pad));
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

    // dx [c, n * h * w] = weight [c, o * kh * kw] · columns [o * kh * kw, n * h * w], for every group of channels
    static void backwardInputTiles(KernelContext context, FloatArray floats, int dOutAt, int wAt, int dxAt, int n, int c, int o, int groups,
            int hw, int ohow, int taps, int strides, int pad) {
        int h = hw & 0xFFFF, w = hw >> 16, oh = ohow & 0xFFFF, ow = ohow >> 16, kh = taps & 0xFFFF, kw = taps >> 16;
        int strideH = strides & 0xFF, strideW = strides >> 8 & 0xFF, dilationH = strides >> 16 & 0xFF, dilationW = strides >> 24;
        int padTop = pad & 0xFFFF, padLeft = pad >> 16;
        float[] a = context.allocateFloatLocalArray(DEPTH * PITCH);
        float[] b = context.allocateFloatLocalArray(DEPTH * TILE);
        int tx = context.localIdx, ty = context.localIdy, group = context.groupIdz;
        int thread = ty * SIDE + tx;
        int row0 = context.groupIdy * TILE, column0 = context.groupIdx * TILE;
        int depth = o * kh * kw, columns = n * h * w;
        float s00 = 0f, s01 = 0f, s02 = 0f, s03 = 0f, s10 = 0f, s11 = 0f, s12 = 0f, s13 = 0f;
        float s20 = 0f, s21 = 0f, s22 = 0f, s23 = 0f, s30 = 0f, s31 = 0f, s32 = 0f, s33 = 0f;
        for (int k0 = 0; k0 < depth; k0 += DEPTH) {
            for (int e = thread; e < DEPTH * TILE; e += THREADS) {
                int row = row0 + e / DEPTH;
                int k = k0 + e % DEPTH;
                float value = 0f;
                if ((c - 1 - row | depth - 1 - k) >= 0) {
                    value = floats.get(wAt + ((group * o + k / (kh * kw)) * c + row) * kh * kw + k % (kh * kw));
                }
                a[e % DEPTH * PITCH + e / DEPTH] = value;
            }
            for (int e = thread; e < DEPTH * TILE; e += THREADS) {
                int column = column0 + e % TILE;
                int k = k0 + e / TILE;
                int up = column / w % h + padTop - k / kw % kh * dilationH;
                int across = column % w + padLeft - k % kw * dilationW;
                float value = 0f;
                if ((columns - 1 - column | depth - 1 - k | up | oh * strideH - 1 - up | -(up % strideH) | across
                        | ow * strideW - 1 - across | -(across % strideW)) >= 0) {
                    int io = group * o + k / (kw * kh);
                    value = floats.get(dOutAt + ((column / (w * h) * groups * o + io) * oh + up / strideH) * ow + across / strideW);
                }
                b[e] = value;
            }
            context.localBarrier();
            for (int k = 0; k < DEPTH; k++) {
                float a0 = a[k * PITCH + ty], a1 = a[k * PITCH + ty + SIDE], a2 = a[k * PITCH + ty + 2 * SIDE],
                        a3 = a[k * PITCH + ty + 3 * SIDE];
                float b0 = b[k * TILE + tx], b1 = b[k * TILE + tx + SIDE], b2 = b[k * TILE + tx + 2 * SIDE],
                        b3 = b[k * TILE + tx + 3 * SIDE];
                s00 = s00 + a0 * b0;
                s01 = s01 + a0 * b1;
                s02 = s02 + a0 * b2;
                s03 = s03 + a0 * b3;
                s10 = s10 + a1 * b0;
                s11 = s11 + a1 * b1;
                s12 = s12 + a1 * b2;
                s13 = s13 + a1 * b3;
                s20 = s20 + a2 * b0;
                s21 = s21 + a2 * b1;
                s22 = s22 + a2 * b2;
                s23 = s23 + a2 * b3;
                s30 = s30 + a3 * b0;
                s31 = s31 + a3 * b1;
                s32 = s32 + a3 * b2;
                s33 = s33 + a3 * b3;
            }
            context.localBarrier();
        }
        for (int i = 0; i < EACH; i++) {
            for (int j = 0; j < EACH; j++) {
                int row = row0 + ty + i * SIDE;
                int column = column0 + tx + j * SIDE;
                float first = j == 0 ? s00 : j == 1 ? s01 : j == 2 ? s02 : s03;
                float second = j == 0 ? s10 : j == 1 ? s11 : j == 2 ? s12 : s13;
                float third = j == 0 ? s20 : j == 1 ? s21 : j == 2 ? s22 : s23;
                float fourth = j == 0 ? s30 : j == 1 ? s31 : j == 2 ? s32 : s33;
                float sum = i == 0 ? first : i == 1 ? second : i == 2 ? third : fourth;
                if ((c - 1 - row | columns - 1 - column) >= 0) {
                    floats.set(dxAt + (column / (h * w) * groups * c + group * c + row) * h * w + column % (h * w), sum);
                }
            }
        }
    }

    static void backwardWeight(Launches l) {
        Conv2dSizes s = l.attributes(Conv2dSizes.class);
        Operand x = l.in(0), dOut = l.in(1), dWeight = l.out(0);
        if (s.groupOutputs() < NARROW) {
            narrowWeights(l, s);
            return;
        }
        int rows = ceilDiv(s.groupOutputs(), TILE), columns = ceilDiv(s.groupInputs() * s.kh() * s.kw(), TILE);
        int pixels = s.n() * s.oh() * s.ow();
        int parts = Math.max(1, Math.min(ceilDiv(pixels, LEAST_TERMS), ceilDiv(ENOUGH_GROUPS, rows * columns * s.groups())));
        int each = ceilDiv(ceilDiv(pixels, parts), DEPTH) * DEPTH;
        int count = Math.max(1, ceilDiv(pixels, Math.max(1, each)));
        Operand sums = count == 1 ? dWeight : l.scratch(Math.multiplyExact(count, dWeight.elements()));
        int hw = Packed.pair(s.h(), s.w()), ohow = Packed.pair(s.oh(), s.ow()), taps = Packed.pair(s.kh(), s.kw()),
                pad = Packed.pair(s.padTop(), s.padLeft());
        int strides = strides(s);
        l.tasks().tiles(l.name(), columns, rows, s.groups() * count, SIDE, (graph, id) -> graph.task(id,
                TornadoConvolutions::backwardWeightTiles, l.context, l.floats(), x.at(), dOut.at(), sums.at(),
                s.n(), s.groupInputs(), s.groupOutputs(), s.groups(), hw, ohow, taps, strides, pad, each));
        if (count > 1) {
            l.tasks().forEach(l.name(), dWeight.elements(),
                    (graph, id) -> graph.task(id, TornadoConvolutions::sumParts, l.context, l.floats(),
                            sums.at(), dWeight.at(), dWeight.elements(), count));
        }
    }

    private static void narrowWeights(Launches l, Conv2dSizes s) {
        Operand x = l.in(0), dOut = l.in(1), dWeight = l.out(0);
        int hw = Packed.pair(s.h(), s.w()), ohow = Packed.pair(s.oh(), s.ow()), taps = Packed.pair(s.kh(), s.kw()),
                pad = Packed.pair(s.padTop(), s.padLeft());
        int strides = strides(s);
        l.tasks().groups(l.name(), dWeight.elements(), SUMMERS,
                (graph, id) -> graph.task(id, TornadoConvolutions::backwardWeightNarrow, l.context, l.floats(), x.at(), dOut.at(),
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

    // y[i] = sum of the parts x[part, i], in order
    static void sumParts(KernelContext context, FloatArray floats, int xAt, int yAt, int n, int parts) {
        int i = context.globalIdx;
        if (i < n) {
            float sum = 0f;
            for (int part = 0; part < parts; part++) {
                sum = sum + floats.get(xAt + part * n + i);
            }
            floats.set(yAt + i, sum);
        }
    }

    // sums [part, o, c * kh * kw] = dOut [o, pixels of the part] · columns [pixels of the part, c * kh * kw], for every group of channels
    static void backwardWeightTiles(KernelContext context, FloatArray floats, int xAt, int dOutAt, int sumsAt, int n, int c, int o,
            int groups, int hw, int ohow, int taps, int strides, int pad, int each) {
        int h = hw & 0xFFFF, w = hw >> 16, oh = ohow & 0xFFFF, ow = ohow >> 16, kh = taps & 0xFFFF, kw = taps >> 16;
        int strideH = strides & 0xFF, strideW = strides >> 8 & 0xFF, dilationH = strides >> 16 & 0xFF, dilationW = strides >> 24;
        int padTop = pad & 0xFFFF, padLeft = pad >> 16;
        float[] a = context.allocateFloatLocalArray(DEPTH * PITCH);
        float[] b = context.allocateFloatLocalArray(DEPTH * PITCH);
        int tx = context.localIdx, ty = context.localIdy, group = context.groupIdz % groups, part = context.groupIdz / groups;
        int thread = ty * SIDE + tx;
        int row0 = context.groupIdy * TILE, column0 = context.groupIdx * TILE;
        int columns = c * kh * kw, pixels = n * oh * ow;
        int first = part * each;
        float s00 = 0f, s01 = 0f, s02 = 0f, s03 = 0f, s10 = 0f, s11 = 0f, s12 = 0f, s13 = 0f;
        float s20 = 0f, s21 = 0f, s22 = 0f, s23 = 0f, s30 = 0f, s31 = 0f, s32 = 0f, s33 = 0f;
        for (int k0 = first; k0 < first + each; k0 += DEPTH) {
            for (int e = thread; e < DEPTH * TILE; e += THREADS) {
                int row = row0 + e / DEPTH;
                int k = k0 + e % DEPTH;
                float value = 0f;
                if ((o - 1 - row | pixels - 1 - k) >= 0) {
                    value = floats.get(dOutAt + (k / (oh * ow) * groups * o + group * o + row) * oh * ow + k % (oh * ow));
                }
                a[e % DEPTH * PITCH + e / DEPTH] = value;
            }
            for (int e = thread; e < DEPTH * TILE; e += THREADS) {
                int column = column0 + e / DEPTH;
                int k = k0 + e % DEPTH;
                int ih = k / ow % oh * strideH + column / kw % kh * dilationH - padTop;
                int iw = k % ow * strideW + column % kw * dilationW - padLeft;
                float value = 0f;
                if ((columns - 1 - column | pixels - 1 - k | ih | h - 1 - ih | iw | w - 1 - iw) >= 0) {
                    value = floats.get(xAt + ((k / (ow * oh) * groups * c + group * c + column / (kw * kh)) * h + ih) * w + iw);
                }
                b[e % DEPTH * PITCH + e / DEPTH] = value;
            }
            context.localBarrier();
            for (int k = 0; k < DEPTH; k++) {
                float a0 = a[k * PITCH + ty], a1 = a[k * PITCH + ty + SIDE], a2 = a[k * PITCH + ty + 2 * SIDE],
                        a3 = a[k * PITCH + ty + 3 * SIDE];
                float b0 = b[k * PITCH + tx], b1 = b[k * PITCH + tx + SIDE], b2 = b[k * PITCH + tx + 2 * SIDE],
                        b3 = b[k * PITCH + tx + 3 * SIDE];
                s00 = s00 + a0 * b0;
                s01 = s01 + a0 * b1;
                s02 = s02 + a0 * b2;
                s03 = s03 + a0 * b3;
                s10 = s10 + a1 * b0;
                s11 = s11 + a1 * b1;
                s12 = s12 + a1 * b2;
                s13 = s13 + a1 * b3;
                s20 = s20 + a2 * b0;
                s21 = s21 + a2 * b1;
                s22 = s22 + a2 * b2;
                s23 = s23 + a2 * b3;
                s30 = s30 + a3 * b0;
                s31 = s31 + a3 * b1;
                s32 = s32 + a3 * b2;
                s33 = s33 + a3 * b3;
            }
            context.localBarrier();
        }
        for (int i = 0; i < EACH; i++) {
            for (int j = 0; j < EACH; j++) {
                int row = row0 + ty + i * SIDE;
                int column = column0 + tx + j * SIDE;
                float one = j == 0 ? s00 : j == 1 ? s01 : j == 2 ? s02 : s03;
                float two = j == 0 ? s10 : j == 1 ? s11 : j == 2 ? s12 : s13;
                float three = j == 0 ? s20 : j == 1 ? s21 : j == 2 ? s22 : s23;
                float four = j == 0 ? s30 : j == 1 ? s31 : j == 2 ? s32 : s33;
                float sum = i == 0 ? one : i == 1 ? two : i == 2 ? three : four;
                if ((o - 1 - row | columns - 1 - column) >= 0) {
                    floats.set(sumsAt + ((part * groups + group) * o + row) * columns + column, sum);
                }
            }
        }
    }
}
