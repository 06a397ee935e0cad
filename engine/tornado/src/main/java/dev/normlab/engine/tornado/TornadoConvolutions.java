package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.program.Attributes.NormalisedConvolution;
import dev.normlab.engine.tornado.Launches.Operand;
import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Convolutions as matrix products whose right-hand matrix is never written down (implicit GEMM): a group of threads makes a tile of the
/// result and fetches from the image what the tile's columns need. Matrix products of linear layers are the same without an image.
///
/// The three inner loops (and that of the matrix product) are alike by need: sixteen sums in registers cannot leave a method of their own.
/// So is what follows a result ([Epilogue]) in the three kernels that have it, since kernels call no methods.
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

    /// Terms of a sum for one group of threads, at least.
    private static final int LEAST_TERMS = 512;

    /// Groups of threads that keep a device busy.
    private static final int ENOUGH_GROUPS = 512;

    /// Matrices with fewer rows than this are left to [TornadoNarrowConvolutions].
    static final int NARROW = 12;

    /// What a kernel does with each result, as bits of its argument `has`.
    static final int BIAS = 1, NORM = 2, NORM_WEIGHT = 4, NORM_BIAS = 8, RESIDUAL = 16, RELU = 32;

    private TornadoConvolutions() {}

    static int strides(Conv2dSizes s) {
        return Packed.steps(s.strideH(), s.strideW(), s.dilationH(), s.dilationW());
    }

    static int ceilDiv(int a, int b) {
        return (a + b - 1) / b;
    }

    static void forward(Launches l) {
        Operand weight = l.in(1);
        forward(l, l.attributes(Conv2dSizes.class), new Epilogue(0, 0f, l.has(2) ? BIAS : 0, weight));
    }

    static void forwardNormalised(Launches l) {
        NormalisedConvolution a = l.attributes(NormalisedConvolution.class);
        Operand weight = l.in(1);
        Operand normWeight = l.inOr(3, weight), normBias = l.inOr(4, weight), mean = l.in(5), var = l.in(6), residual = l.inOr(7, weight);
        int table = l.lateTable(List.of(normWeight::at, normBias::at, mean::at, var::at));
        int has = NORM | (l.has(2) ? BIAS : 0) | (l.has(3) ? NORM_WEIGHT : 0) | (l.has(4) ? NORM_BIAS : 0) | (l.has(7) ? RESIDUAL : 0)
                | (a.relu() ? RELU : 0);
        forward(l, a.convolution(), new Epilogue(table, a.norm().eps(), has, residual));
    }

    /// What a kernel does with each result before it writes it: adds a bias, normalises, adds a residual, clips at zero, as `has` says.
    ///
    /// @param table the tables' place of where weight, bias, mean and variance of the batch norm lie
    record Epilogue(int table, float eps, int has, Operand residual) {}

    private static void forward(Launches l, Conv2dSizes s, Epilogue then) {
        if (TornadoLibraryProducts.suit(l, s, s.o())) {
            TornadoLibraryProducts.forward(l, s, then);
            return;
        }
        if (s.groupOutputs() < NARROW) {
            TornadoNarrowConvolutions.forward(l, s, then);
            return;
        }
        Operand x = l.in(0), weight = l.in(1), bias = l.inOr(2, weight), y = l.out(0);
        int hw = Packed.pair(s.h(), s.w()), ohow = Packed.pair(s.oh(), s.ow()), taps = Packed.pair(s.kh(), s.kw()),
                pad = Packed.pair(s.padTop(), s.padLeft()), channels = Packed.pair(s.groupInputs(), s.groupOutputs());
        int strides = strides(s);
        l.tasks().tiles(l.name(), ceilDiv(s.n() * s.oh() * s.ow(), TILE), ceilDiv(s.groupOutputs(), TILE), s.groups(), SIDE,
                (graph, id) -> graph.task(id, TornadoConvolutions::forwardTiles, l.context, l.floats(), l.ints(), x.at(), weight.at(),
                        bias.at(), l.tableAt() + then.table(), then.residual().at(), then.has(), then.eps(), y.at(), s.n(), channels,
                        s.groups(), hw, ohow, taps, strides, pad));
    }

    // y [o, n * oh * ow] = weight [o, c * kh * kw] · columns [c * kh * kw, n * oh * ow], for every group of channels
    static void forwardTiles(KernelContext context, FloatArray floats, IntArray ints, int xAt, int wAt, int bAt, int normAt, int residualAt,
            int has, float eps, int yAt, int n, int channels, int groups, int hw, int ohow, int taps, int strides, int pad) {
        int c = channels & 0xFFFF, o = channels >> 16;
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
                    int io = group * o + row;
                    int at = (column / (oh * ow) * groups * o + io) * oh * ow + column % (oh * ow);
                    float added = 0f;
                    if ((has & BIAS) == BIAS) {
                        added = floats.get(bAt + io);
                    }
                    float value = sum + added;
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
                        value = value + floats.get(residualAt + at);
                    }
                    if ((has & RELU) == RELU) {
                        float clipped = value > 0f ? value : 0f;
                        value = value != value ? value : clipped;
                    }
                    floats.set(yAt + at, value);
                }
            }
        }
    }

    static void backwardInput(Launches l) {
        Conv2dSizes s = l.attributes(Conv2dSizes.class);
        if (TornadoLibraryProducts.suit(l, s, s.c())) {
            TornadoLibraryProducts.backwardInput(l, s);
            return;
        }
        if (s.groupInputs() < NARROW) {
            TornadoNarrowConvolutions.backwardInput(l, s);
            return;
        }
        Operand dOut = l.in(0), weight = l.in(1), dx = l.out(0);
        int hw = Packed.pair(s.h(), s.w()), ohow = Packed.pair(s.oh(), s.ow()), taps = Packed.pair(s.kh(), s.kw()),
                pad = Packed.pair(s.padTop(), s.padLeft());
        int strides = strides(s);
        l.tasks().tiles(l.name(), ceilDiv(s.n() * s.h() * s.w(), TILE), ceilDiv(s.groupInputs(), TILE), s.groups(), SIDE,
                (graph, id) -> graph.task(id, TornadoConvolutions::backwardInputTiles, l.context, l.floats(), dOut.at(), weight.at(),
                        dx.at(), s.n(), s.groupInputs(), s.groupOutputs(), s.groups(), hw, ohow, taps, strides, pad));
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
        if (TornadoLibraryProducts.suit(l, s, s.o())) {
            TornadoLibraryProducts.backwardWeight(l, s);
            return;
        }
        if (s.groupOutputs() < NARROW) {
            TornadoNarrowConvolutions.backwardWeight(l, s);
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
