package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.AxisSizes;
import dev.normlab.engine.kernel.PadSizes;
import dev.normlab.engine.program.Attributes.GatherBackward;
import dev.normlab.engine.program.Attributes.Permutation;
import dev.normlab.engine.program.Attributes.Slice;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tornado.Launches.Operand;
import java.util.stream.IntStream;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Moving elements about. What moves boxes is one kernel that copies between two walks over the same sizes.
final class TornadoArrangements {

    /// Dimensions that a copy may walk over.
    private static final int RANK = 5;

    private TornadoArrangements() {}

    /// Copies a tensor.
    static void copy(Launches l, String name, Operand x, Operand y, DType dtype) {
        if (dtype == DType.INT32) {
            l.tasks().forEach(name, y.elements(),
                    (graph, id) -> graph.task(id, TornadoArrangements::copyIntsKernel, l.context, l.ints(), x.at(),
                            y.at(), y.elements()));
        } else {
            strided(l, name, Walk.of(new int[] {y.elements()}, new int[] {1}, new int[] {1}), x, 0, y, 0);
        }
    }

    static void copyIntsKernel(KernelContext context, IntArray ints, int xAt, int yAt, int n) {
        int i = context.globalIdx;
        if (i < n) {
            ints.set(yAt + i, ints.get(xAt + i));
        }
    }

    private static void strided(Launches l, String name, Walk all, Operand x, int fromX, Operand y, int fromY) {
        Walk walk = all.within(RANK, name);
        l.tasks().forEach(name, walk.count(), (graph, id) -> graph.task(id, TornadoArrangements::stridedKernel, l.context, l.floats(),
                x.at() + fromX, y.at() + fromY, walk.count(), walk.size(0), walk.size(1), walk.size(2), walk.size(3), walk.step(0, 0),
                walk.step(0, 1), walk.step(0, 2), walk.step(0, 3), walk.step(0, 4), walk.step(1, 0), walk.step(1, 1), walk.step(1, 2),
                walk.step(1, 3), walk.step(1, 4)));
    }

    // y[sum of ik * yk] = x[sum of ik * xk] over a box; s0 .. s3 are the sizes of its last four dimensions
    static void stridedKernel(KernelContext context, FloatArray floats, int xAt, int yAt, int n, int s0, int s1, int s2, int s3, int x0,
            int x1,
            int x2, int x3, int x4, int y0, int y1, int y2, int y3, int y4) {
        int i = context.globalIdx;
        if (i < n) {
            int i0 = i % s0;
            int rest = i / s0;
            int i1 = rest % s1;
            rest = rest / s1;
            int i2 = rest % s2;
            rest = rest / s2;
            int i3 = rest % s3;
            int i4 = rest / s3;
            floats.set(yAt + i0 * y0 + i1 * y1 + i2 * y2 + i3 * y3 + i4 * y4,
                    floats.get(xAt + i0 * x0 + i1 * x1 + i2 * x2 + i3 * x3 + i4 * x4));
        }
    }

    static void permute(Launches l) {
        Operand x = l.in(0), y = l.out(0);
        int[] own = x.shape().strides();
        int[] steps = l.attributes(Permutation.class).axes().stream().mapToInt(axis -> own[axis]).toArray();
        strided(l, l.name(), Walk.of(y.shape().toArray(), steps, y.shape().strides()), x, 0, y, 0);
    }

    static void channelShuffle(Launches l) {
        int groups = l.attributes(Integer.class);
        Operand x = l.in(0), y = l.out(0);
        AxisSizes s = AxisSizes.of(x.shape(), 1);
        int c = s.axis(), each = c / groups, pixels = s.inner();
        // y as [n, c/groups, groups, pixels]
        strided(l, l.name(), Walk.of(new int[] {s.outer(), each, groups, pixels}, new int[] {c * pixels, pixels, each * pixels, 1},
                new int[] {c * pixels, groups * pixels, pixels, 1}), x, 0, y, 0);
    }

    static void concatenate(Launches l) {
        int axis = l.attributes(Integer.class);
        Operand y = l.out(0);
        AxisSizes s = AxisSizes.of(y.shape(), axis);
        int start = 0;
        for (int part = 0; part < l.operation().inputs().length; part++) {
            Operand x = l.in(part);
            int count = x.shape().size(axis);
            strided(l, l.name(), runs(s, count, false), x, 0, y, start * s.inner());
            start += count;
        }
    }

    static void slice(Launches l) {
        Slice slice = l.attributes(Slice.class);
        AxisSizes s = AxisSizes.of(slice.whole(), slice.axis());
        strided(l, l.name(), runs(s, slice.count(), true), l.in(0), slice.start() * s.inner(), l.out(0), 0);
    }

    static void sliceBackward(Launches l) {
        Slice slice = l.attributes(Slice.class);
        AxisSizes s = AxisSizes.of(slice.whole(), slice.axis());
        fill(l, l.name(), l.out(0), 0f);
        strided(l, l.name(), runs(s, slice.count(), false), l.in(0), 0, l.out(0), slice.start() * s.inner());
    }

    // `outer` runs of `count * inner` elements: in the whole tensor a step of `axis * inner` apart, in the part behind each other
    private static Walk runs(AxisSizes s, int count, boolean wholeFirst) {
        int length = count * s.inner();
        int[] whole = {s.axis() * s.inner(), 1};
        int[] part = {length, 1};
        return wholeFirst ? Walk.of(new int[] {s.outer(), length}, whole, part) : Walk.of(new int[] {s.outer(), length}, part, whole);
    }

    /// Writes one value everywhere.
    static void fill(Launches l, String name, Operand y, float value) {
        l.tasks().forEach(name, y.elements(), (graph, id) -> graph.task(id, TornadoArrangements::fillKernel, l.context, l.floats(), y.at(),
                y.elements(), value));
    }

    static void fillKernel(KernelContext context, FloatArray floats, int yAt, int n, float value) {
        int i = context.globalIdx;
        if (i < n) {
            floats.set(yAt + i, value);
        }
    }

    static void pad(Launches l) {
        PadSizes s = l.attributes(PadSizes.class);
        Operand x = l.in(0), y = l.out(0);
        int rows = l.table(sources(s, true)), columns = l.table(sources(s, false));
        l.tasks().forEach(l.name(), y.elements(), (graph, id) -> graph.task(id, TornadoArrangements::padKernel, l.context, l.floats(),
                l.ints(), l.tableAt() + rows, l.tableAt() + columns, x.at(), y.at(), y.elements(), s.h(), s.w(), s.oh(), s.ow()));
    }

    // For every output row (or column) the input row that it reads, -1 for zero.
    private static java.util.List<Integer> sources(PadSizes s, boolean rows) {
        return IntStream.range(0, rows ? s.oh() : s.ow())
                .map(i -> rows ? s.mode().source(i - s.top(), s.h()) : s.mode().source(i - s.left(), s.w())).boxed().toList();
    }

    // x [planes, h, w], y [planes, oh, ow]: y[ioh, iow] = x[rows[ioh], columns[iow]], or 0
    static void padKernel(KernelContext context, FloatArray floats, IntArray ints, int rows, int columns, int xAt, int yAt, int n, int h,
            int w, int oh, int ow) {
        int i = context.globalIdx;
        if (i < n) {
            int ih = ints.get(rows + i / ow % oh);
            int iw = ints.get(columns + i % ow);
            float value = 0f;
            if ((ih | iw) >= 0) {
                value = floats.get(xAt + (i / (oh * ow) * h + ih) * w + iw);
            }
            floats.set(yAt + i, value);
        }
    }

    static void padBackward(Launches l) {
        PadSizes s = l.attributes(PadSizes.class);
        Operand dOut = l.in(0), dx = l.out(0);
        int rows = l.table(sources(s, true)), columns = l.table(sources(s, false));
        l.tasks().forEach(l.name(), dx.elements(),
                (graph, id) -> graph.task(id, TornadoArrangements::padBackwardKernel, l.context, l.floats(), l.ints(),
                        l.tableAt() + rows, l.tableAt() + columns, dOut.at(), dx.at(), dx.elements(), s.h(), s.w(), s.oh(), s.ow()));
    }

    // dx[ih, iw] = sum of dOut[ioh, iow] over rows[ioh] = ih, columns[iow] = iw
    static void padBackwardKernel(KernelContext context, FloatArray floats, IntArray ints, int rows, int columns, int dOutAt, int dxAt,
            int n, int h, int w, int oh, int ow) {
        int i = context.globalIdx;
        if (i < n) {
            int iw = i % w;
            int ih = i / w % h;
            int plane = i / (h * w);
            double sum = 0;
            for (int ioh = 0; ioh < oh; ioh++) {
                if (ints.get(rows + ioh) == ih) {
                    for (int iow = 0; iow < ow; iow++) {
                        if (ints.get(columns + iow) == iw) {
                            sum = sum + floats.get(dOutAt + (plane * oh + ioh) * ow + iow);
                        }
                    }
                }
            }
            floats.set(dxAt + i, (float) sum);
        }
    }

    static void gather(Launches l) {
        Operand x = l.in(0), indices = l.in(1), y = l.out(0);
        int axis = l.attributes(Integer.class);
        AxisSizes s = AxisSizes.of(x.shape(), axis);
        int count = indices.shape().size(axis);
        l.tasks().forEach(l.name(), y.elements(),
                (graph, id) -> graph.task(id, TornadoArrangements::gatherKernel, l.context, l.floats(), l.ints(), x.at(),
                        indices.at(), y.at(), y.elements(), s.axis(), s.inner(), count));
    }

    // x [outer, axis, inner], indices and y [outer, count, inner]
    static void gatherKernel(KernelContext context, FloatArray floats, IntArray ints, int xAt, int indicesAt, int yAt, int n, int axis,
            int inner, int count) {
        int i = context.globalIdx;
        if (i < n) {
            int outer = i / (count * inner);
            floats.set(yAt + i, floats.get(xAt + (outer * axis + ints.get(indicesAt + i)) * inner + i % inner));
        }
    }

    static void gatherBackward(Launches l) {
        GatherBackward a = l.attributes(GatherBackward.class);
        Operand dOut = l.in(0), indices = l.in(1), dx = l.out(0);
        Shape in = a.in();
        AxisSizes s = AxisSizes.of(in, a.axis());
        int count = indices.shape().size(a.axis());
        l.tasks().forEach(l.name(), dx.elements(),
                (graph, id) -> graph.task(id, TornadoArrangements::gatherBackwardKernel, l.context, l.floats(), l.ints(),
                        dOut.at(), indices.at(), dx.at(), dx.elements(), s.axis(), s.inner(), count));
    }

    // dx[o, k, i] = sum over j with indices[o, j, i] = k of dOut[o, j, i], in ascending order of j
    static void gatherBackwardKernel(KernelContext context, FloatArray floats, IntArray ints, int dOutAt, int indicesAt, int dxAt, int n,
            int axis, int inner, int count) {
        int i = context.globalIdx;
        if (i < n) {
            int k = i / inner % axis;
            int start = i / (axis * inner) * count * inner + i % inner;
            float sum = 0f;
            for (int j = 0; j < count; j++) {
                int at = start + j * inner;
                if (ints.get(indicesAt + at) == k) {
                    sum = sum + floats.get(dOutAt + at);
                }
            }
            floats.set(dxAt + i, sum);
        }
    }
}
