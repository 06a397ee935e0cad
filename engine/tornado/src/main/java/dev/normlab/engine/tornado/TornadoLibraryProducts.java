package dev.normlab.engine.tornado;

import static dev.normlab.engine.tornado.TornadoConvolutions.BIAS;
import static dev.normlab.engine.tornado.TornadoConvolutions.NARROW;
import static dev.normlab.engine.tornado.TornadoConvolutions.NORM;
import static dev.normlab.engine.tornado.TornadoConvolutions.NORM_BIAS;
import static dev.normlab.engine.tornado.TornadoConvolutions.NORM_WEIGHT;
import static dev.normlab.engine.tornado.TornadoConvolutions.RELU;
import static dev.normlab.engine.tornado.TornadoConvolutions.RESIDUAL;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.tornado.Launches.Operand;
import dev.normlab.engine.tornado.MatrixLibrary.Product;
import dev.normlab.engine.tornado.TornadoConvolutions.Epilogue;
import java.util.Objects;
import java.util.function.Consumer;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Convolutions and linear layers whose products are a library's ([MatrixLibrary]): a kernel writes the factors into the arrays A and B,
/// the library multiplies them into C, a kernel takes the result from there. A convolution is made for as many images at a time as the
/// library's limit allows; how many follows from the sizes.
final class TornadoLibraryProducts {

    private TornadoLibraryProducts() {}

    /// Whether the library computes a convolution: not that of several groups, and not with few channels.
    ///
    /// @param rows channels of the smaller factor
    static boolean suit(Launches l, Conv2dSizes s, int rows) {
        return l.library() != null && s.groups() == 1 && rows >= NARROW && (long) s.n() * s.oh() * s.ow() * s.c() > 0;
    }

    /// Whether the library computes a matrix product: not an empty one.
    static boolean suit(Launches l, GemmSizes s) {
        return l.library() != null && (long) s.m() * s.n() * s.k() > 0;
    }

    /// A part of the images of a convolution.
    private record Part(int first, int images) {}

    private static int depth(Conv2dSizes s) {
        return s.c() * s.kh() * s.kw();
    }

    private static int columns(Conv2dSizes s, Part part) {
        return part.images * s.oh() * s.ow();
    }

    /// Does something for all parts of the images, in order.
    private static void parts(Launches l, Conv2dSizes s, Consumer<Part> each) {
        MatrixLibrary library = Objects.requireNonNull(l.library());
        long ofOne = (long) Math.max(depth(s), s.o()) * s.oh() * s.ow();
        int most = (int) Math.clamp(library.mostElements() / ofOne, 1, s.n());
        for (int first = 0; first < s.n(); first += most) {
            each.accept(new Part(first, Math.min(most, s.n() - first)));
        }
    }

    static void forward(Launches l, Conv2dSizes s, Epilogue then) {
        Operand x = l.in(0), weight = l.in(1), bias = l.inOr(2, weight), y = l.out(0);
        copyIn(l, weight, Launches.A);
        parts(l, s, part -> {
            int columns = columns(s, part), outputs = part.images * s.o() * s.oh() * s.ow();
            columns(l, s, x, part);
            multiply(l, new Product(s.o(), columns, depth(s), false, false, false));
            l.tasks().forEach(l.name(), outputs,
                    (graph, id) -> graph.task(id, TornadoLibraryProducts::resultKernel, l.context, l.matrix(Launches.C), l.floats(),
                            l.ints(),
                            bias.at(), l.tableAt() + then.table(), then.residual().at(), then.has(), then.eps(), y.at(),
                            part.first * s.o() * s.oh() * s.ow(), outputs, columns, s.o(), s.oh() * s.ow()));
        });
    }

    static void backwardInput(Launches l, Conv2dSizes s) {
        Operand dOut = l.in(0), weight = l.in(1), dx = l.out(0);
        int hw = Packed.pair(s.h(), s.w()), ohow = Packed.pair(s.oh(), s.ow()), taps = Packed.pair(s.kh(), s.kw()),
                pad = Packed.pair(s.padTop(), s.padLeft());
        int strides = TornadoConvolutions.strides(s);
        copyIn(l, weight, Launches.A);
        parts(l, s, part -> {
            int columns = columns(s, part), inputs = part.images * s.c() * s.h() * s.w();
            rows(l, s, dOut, part, Launches.B);
            multiply(l, new Product(depth(s), columns, s.o(), true, false, false));
            l.tasks().forEach(l.name(), inputs,
                    (graph, id) -> graph.task(id, TornadoLibraryProducts::gatherKernel, l.context, l.matrix(Launches.C), l.floats(),
                            dx.at() + part.first * s.c() * s.h() * s.w(), inputs, columns, s.c(), hw, ohow, taps, strides, pad));
        });
    }

    static void backwardWeight(Launches l, Conv2dSizes s) {
        Operand x = l.in(0), dOut = l.in(1), dWeight = l.out(0);
        parts(l, s, part -> {
            rows(l, s, dOut, part, Launches.A);
            columns(l, s, x, part);
            multiply(l, new Product(s.o(), depth(s), columns(s, part), false, true, part.first > 0));
        });
        copyOut(l, dWeight, dWeight, false, depth(s));
    }

    static void gemm(Launches l, GemmSizes s) {
        Operand b = l.in(1), c = l.out(0);
        copyIn(l, l.in(0), Launches.A);
        copyIn(l, b, Launches.B);
        multiply(l, new Product(s.m(), s.n(), s.k(), s.transposeA(), s.transposeB(), false));
        copyOut(l, c, l.inOr(2, b), l.has(2), s.n());
    }

    private static void multiply(Launches l, Product product) {
        MatrixLibrary library = Objects.requireNonNull(l.library());
        l.needMatrix(Launches.C, Math.multiplyExact(product.m(), product.n()));
        l.tasks().add(l.name(), library.grid(product), (graph, id) -> library.addTo(graph, id, product, l.matrix(Launches.A),
                l.matrix(Launches.B), l.matrix(Launches.C)));
    }

    private static void copyIn(Launches l, Operand x, int target) {
        l.needMatrix(target, x.elements());
        l.tasks().forEach(l.name(), x.elements(), (graph, id) -> graph.task(id, TornadoLibraryProducts::copyInKernel, l.context,
                l.floats(), l.matrix(target), x.at(), x.elements()));
    }

    static void copyInKernel(KernelContext context, FloatArray floats, FloatArray matrix, int xAt, int n) {
        int i = context.globalIdx;
        if (i < n) {
            matrix.set(i, floats.get(xAt + i));
        }
    }

    // C [rows, columns], plus a number for each column or not
    private static void copyOut(Launches l, Operand y, Operand bias, boolean hasBias, int columns) {
        int has = hasBias ? BIAS : 0;
        l.tasks().forEach(l.name(), y.elements(), (graph, id) -> graph.task(id, TornadoLibraryProducts::copyOutKernel, l.context,
                l.matrix(Launches.C), l.floats(), bias.at(), has, y.at(), y.elements(), columns));
    }

    static void copyOutKernel(KernelContext context, FloatArray matrix, FloatArray floats, int bAt, int has, int yAt, int n, int columns) {
        int i = context.globalIdx;
        if (i < n) {
            float added = 0f;
            if ((has & BIAS) == BIAS) {
                added = floats.get(bAt + i % columns);
            }
            floats.set(yAt + i, matrix.get(i) + added);
        }
    }

    // B [c * kh * kw, images * oh * ow]
    private static void columns(Launches l, Conv2dSizes s, Operand x, Part part) {
        int hw = Packed.pair(s.h(), s.w()), ohow = Packed.pair(s.oh(), s.ow()), taps = Packed.pair(s.kh(), s.kw()),
                pad = Packed.pair(s.padTop(), s.padLeft());
        int strides = TornadoConvolutions.strides(s);
        int elements = Math.multiplyExact(depth(s), columns(s, part));
        l.needMatrix(Launches.B, elements);
        l.tasks().forEach(l.name(), elements,
                (graph, id) -> graph.task(id, TornadoLibraryProducts::columnsKernel, l.context, l.floats(), l.matrix(Launches.B),
                        x.at() + part.first * s.c() * s.h() * s.w(), elements, columns(s, part), s.c(), hw, ohow, taps, strides, pad));
    }

    static void columnsKernel(KernelContext context, FloatArray floats, FloatArray matrix, int xAt, int n, int columns, int c, int hw,
            int ohow, int taps, int strides, int pad) {
        int h = hw & 0xFFFF, w = hw >> 16, oh = ohow & 0xFFFF, ow = ohow >> 16, kh = taps & 0xFFFF, kw = taps >> 16;
        int strideH = strides & 0xFF, strideW = strides >> 8 & 0xFF, dilationH = strides >> 16 & 0xFF, dilationW = strides >> 24;
        int padTop = pad & 0xFFFF, padLeft = pad >> 16;
        int i = context.globalIdx;
        if (i < n) {
            int column = i % columns, k = i / columns;
            int ih = column / ow % oh * strideH + k / kw % kh * dilationH - padTop;
            int iw = column % ow * strideW + k % kw * dilationW - padLeft;
            float value = 0f;
            if ((ih | h - 1 - ih | iw | w - 1 - iw) >= 0) {
                value = floats.get(xAt + ((column / (ow * oh) * c + k / (kw * kh)) * h + ih) * w + iw);
            }
            matrix.set(i, value);
        }
    }

    // [o, images * oh * ow] of dOut [n, o, oh, ow]
    private static void rows(Launches l, Conv2dSizes s, Operand dOut, Part part, int target) {
        int pixels = s.oh() * s.ow(), elements = s.o() * columns(s, part);
        l.needMatrix(target, elements);
        l.tasks().forEach(l.name(), elements,
                (graph, id) -> graph.task(id, TornadoLibraryProducts::rowsKernel, l.context, l.floats(), l.matrix(target),
                        dOut.at() + part.first * s.o() * pixels, elements, columns(s, part), s.o(), pixels));
    }

    static void rowsKernel(KernelContext context, FloatArray floats, FloatArray matrix, int dOutAt, int n, int columns, int o, int pixels) {
        int i = context.globalIdx;
        if (i < n) {
            int column = i % columns, row = i / columns;
            matrix.set(i, floats.get(dOutAt + (column / pixels * o + row) * pixels + column % pixels));
        }
    }

    // y [images, o, pixels] from C [o, images * pixels], and what follows
    static void resultKernel(KernelContext context, FloatArray matrix, FloatArray floats, IntArray ints, int bAt, int normAt,
            int residualAt,
            int has, float eps, int yAt, int first, int n, int columns, int o, int pixels) {
        int i = context.globalIdx;
        if (i < n) {
            int io = i / pixels % o;
            int at = first + i;
            float added = 0f;
            if ((has & BIAS) == BIAS) {
                added = floats.get(bAt + io);
            }
            float value = matrix.get(io * columns + i / (pixels * o) * pixels + i % pixels) + added;
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

    // dx [images, c, h, w] from C [c * kh * kw, images * oh * ow]: the sum of all places to which an element was copied
    static void gatherKernel(KernelContext context, FloatArray matrix, FloatArray floats, int dxAt, int n, int columns, int c, int hw,
            int ohow, int taps, int strides, int pad) {
        int h = hw & 0xFFFF, w = hw >> 16, oh = ohow & 0xFFFF, ow = ohow >> 16, kh = taps & 0xFFFF, kw = taps >> 16;
        int strideH = strides & 0xFF, strideW = strides >> 8 & 0xFF, dilationH = strides >> 16 & 0xFF, dilationW = strides >> 24;
        int padTop = pad & 0xFFFF, padLeft = pad >> 16;
        int i = context.globalIdx;
        if (i < n) {
            int iw = i % w;
            int ih = i / w % h;
            int ic = i / (w * h) % c;
            int image = i / (w * h * c);
            float sum = 0f;
            for (int t = 0; t < kh * kw; t++) {
                int up = ih + padTop - t / kw * dilationH;
                int across = iw + padLeft - t % kw * dilationW;
                float value = 0f;
                if ((up | oh * strideH - 1 - up | -(up % strideH) | across | ow * strideW - 1 - across | -(across % strideW)) >= 0) {
                    value = matrix.get((ic * kh * kw + t) * columns + (image * oh + up / strideH) * ow + across / strideW);
                }
                sum = sum + value;
            }
            floats.set(dxAt + i, sum);
        }
    }
}
