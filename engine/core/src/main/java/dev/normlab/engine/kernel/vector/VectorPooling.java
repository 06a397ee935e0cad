package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.all;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

import dev.normlab.engine.kernel.AdaptivePoolSizes;
import dev.normlab.engine.kernel.Pool2dSizes;
import dev.normlab.engine.kernel.PoolingKernels;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/// Pooling of channel-blocked activations, one vector of channels at a time; row-major inputs go to the scalar kernels.
final class VectorPooling implements PoolingKernels {

    private final PoolingKernels scalar;

    VectorPooling(PoolingKernels scalar) {
        this.scalar = scalar;
    }

    /// The positions `from, from + step, ..` below `to` of one axis that a window covers; `whole` counts those within the padding, too.
    private record Window(int from, int to, int step, int whole) {

        static Window of(int out, int size, int kernel, int stride, int pad, int dilation) {
            int start = out * stride - pad;
            int first = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
            int end = Math.min(start + kernel * dilation, size);
            int whole = (Math.min(start + (kernel - 1) * dilation, size + pad - 1) - start) / dilation + 1;
            return new Window(start + first * dilation, end, dilation, whole);
        }

        static Window even(int out, int size, int outs) {
            int from = (int) ((long) out * size / outs);
            int to = (int) (((out + 1L) * size + outs - 1) / outs);
            return new Window(from, to, 1, to - from);
        }

        int count() {
            return Math.max(0, (to - from + step - 1) / step);
        }
    }

    private static Window row(Pool2dSizes s, int ioh) {
        return Window.of(ioh, s.h(), s.kh(), s.strideH(), s.padH(), s.dilationH());
    }

    private static Window column(Pool2dSizes s, int iow) {
        return Window.of(iow, s.w(), s.kw(), s.strideW(), s.padW(), s.dilationW());
    }

    private static Window[] rows(Pool2dSizes s) {
        Window[] rows = new Window[s.oh()];
        Arrays.setAll(rows, ioh -> row(s, ioh));
        return rows;
    }

    private static Window[] columns(Pool2dSizes s) {
        Window[] columns = new Window[s.ow()];
        Arrays.setAll(columns, iow -> column(s, iow));
        return columns;
    }

    @Override
    public void maxPoolForward(Pool2dSizes s, Storage x, Storage y, Storage positions, Workspace workspace) {
        if (!x.layout().isBlocked()) {
            scalar.maxPoolForward(s, x, y, positions, workspace);
            return;
        }
        Window[] rows = rows(s), columns = columns(s);
        Planes planes = new Planes(s.n(), s.c(), s.h() * s.w());
        int outPixels = s.oh() * s.ow();
        float[] xs = x.floats(), ys = y.floats(), found = positions.floats();
        boolean twoByTwo = TwoByTwo.fits(s);
        if (twoByTwo && s.c() % V == 0) {
            planes.eachRange(workspace, (first, end) -> TwoByTwo.maximum(s, xs, ys, found, first, end));
            return;
        }
        planes.each(workspace, (plane, block, at, _) -> {
            int channels = Lanes.channelsInBlock(s.c(), block), to = plane * outPixels * V;
            if (twoByTwo && channels == V) {
                TwoByTwo.maximum(s, xs, ys, found, plane, plane + 1);
                return;
            }
            for (int out = 0; out < outPixels; out++) {
                maximum(xs, at, s.w(), rows[out / s.ow()], columns[out % s.ow()], channels, ys, found, to + out * V);
            }
        });
    }

    // The first largest value of a window, or the first NaN, and its position.
    private static void maximum(float[] x, int at, int width, Window row, Window column, int channels, float[] y, float[] found, int to) {
        FloatVector best = all(Float.NEGATIVE_INFINITY);
        FloatVector position = all(row.count() * column.count() == 0 ? -1f : row.from * width + column.from);
        for (int ih = row.from; ih < row.to; ih += row.step) {
            for (int iw = column.from; iw < column.to; iw += column.step) {
                FloatVector value = load(x, at + (ih * width + iw) * V);
                VectorMask<Float> better = TwoByTwo.better(value, best);
                best = best.blend(value, better);
                position = position.blend(all(ih * width + iw), better);
            }
        }
        VectorMask<Float> exist = Lanes.first(channels);
        zero().blend(best, exist).intoArray(y, to);
        zero().blend(position, exist).intoArray(found, to);
    }

    @Override
    public void maxPoolBackward(Pool2dSizes s, Storage dOut, Storage positions, Storage dx, Workspace workspace) {
        if (!dOut.layout().isBlocked()) {
            scalar.maxPoolBackward(s, dOut, positions, dx, workspace);
            return;
        }
        Planes planes = new Planes(s.n(), s.c(), s.h() * s.w());
        int outPixels = s.oh() * s.ow();
        float[] dOuts = dOut.floats(), found = positions.floats(), dxs = dx.floats();
        if (TwoByTwo.fits(s)) {
            planes.eachRange(workspace, (first, end) -> TwoByTwo.maximumBackward(s, dOuts, found, dxs, first, end));
            return;
        }
        planes.each(workspace, (plane, _, at, _) -> {
            int from = plane * outPixels * V;
            Arrays.fill(dxs, at, at + s.h() * s.w() * V, 0f);
            for (int i = 0; i < outPixels * V; i++) {
                int position = (int) found[from + i], lane = i % V;
                if (position >= 0) {
                    dxs[at + position * V + lane] += dOuts[from + i];
                }
            }
        });
    }

    @Override
    public void averagePoolForward(Pool2dSizes s, Storage x, Storage y, Workspace workspace) {
        if (!x.layout().isBlocked()) {
            scalar.averagePoolForward(s, x, y, workspace);
            return;
        }
        Planes planes = new Planes(s.n(), s.c(), s.h() * s.w());
        if (TwoByTwo.fits(s) && isPowerOfTwo(twoByTwoDivisor(s))) {
            float[] xs = x.floats(), ys = y.floats();
            float factor = 1f / twoByTwoDivisor(s);
            planes.each(workspace, (plane, _, at, _) -> TwoByTwo.average(s, factor, xs, at, ys, plane * s.oh() * s.ow() * V));
            return;
        }
        averageForward(planes, s.w(), rows(s), columns(s), s.countIncludePad(), s.divisorOverride(), x, y,
                workspace);
    }

    @Override
    public void averagePoolBackward(Pool2dSizes s, Storage dOut, Storage dx, Workspace workspace) {
        if (!dOut.layout().isBlocked()) {
            scalar.averagePoolBackward(s, dOut, dx, workspace);
            return;
        }
        Planes planes = new Planes(s.n(), s.c(), s.h() * s.w());
        if (TwoByTwo.fits(s) && isPowerOfTwo(twoByTwoDivisor(s))) {
            float[] dOuts = dOut.floats(), dxs = dx.floats();
            float factor = 1f / twoByTwoDivisor(s);
            planes.each(workspace, (plane, _, at, _) -> TwoByTwo.averageBackward(s, factor, dOuts, plane * s.oh() * s.ow() * V, dxs, at));
            return;
        }
        averageBackward(planes, s.w(), rows(s), columns(s), s.countIncludePad(), s.divisorOverride(), dOut,
                dx, workspace);
    }

    private static int twoByTwoDivisor(Pool2dSizes s) {
        return s.divisorOverride() == 0 ? 4 : s.divisorOverride();
    }

    // then multiplying by the reciprocal is exact
    private static boolean isPowerOfTwo(int divisor) {
        return divisor > 0 && (divisor & (divisor - 1)) == 0;
    }

    @Override
    public void adaptiveAveragePoolForward(AdaptivePoolSizes s, Storage x, Storage y, Workspace workspace) {
        if (!x.layout().isBlocked()) {
            scalar.adaptiveAveragePoolForward(s, x, y, workspace);
            return;
        }
        averageForward(new Planes(s.n(), s.c(), s.h() * s.w()), s.w(), even(s.h(), s.oh()), even(s.w(), s.ow()), false, 0, x, y, workspace);
    }

    @Override
    public void adaptiveAveragePoolBackward(AdaptivePoolSizes s, Storage dOut, Storage dx, Workspace workspace) {
        if (!dOut.layout().isBlocked()) {
            scalar.adaptiveAveragePoolBackward(s, dOut, dx, workspace);
            return;
        }
        averageBackward(new Planes(s.n(), s.c(), s.h() * s.w()), s.w(), even(s.h(), s.oh()), even(s.w(), s.ow()), false, 0, dOut, dx,
                workspace);
    }

    private static Window[] even(int size, int outs) {
        Window[] windows = new Window[outs];
        Arrays.setAll(windows, out -> Window.even(out, size, outs));
        return windows;
    }

    private static void averageForward(Planes planes, int width, Window[] rows, Window[] columns, boolean includePadding, int override,
            Storage x, Storage y, Workspace workspace) {
        float[] xs = x.floats(), ys = y.floats();
        int outPixels = rows.length * columns.length;
        planes.each(workspace, (plane, _, at, _) -> {
            int to = plane * outPixels * V;
            for (Window row : rows) {
                for (Window column : columns) {
                    FloatVector sum = zero();
                    for (int ih = row.from; ih < row.to; ih += row.step) { // by rows: errors grow with both sides, not with the area
                        FloatVector ofRow = zero();
                        for (int iw = column.from; iw < column.to; iw += column.step) {
                            ofRow = ofRow.add(load(xs, at + (ih * width + iw) * V));
                        }
                        sum = sum.add(ofRow);
                    }
                    int covered = row.count() * column.count();
                    (covered == 0 ? zero() : sum.div(divisor(row, column, includePadding, override))).intoArray(ys, to);
                    to += V;
                }
            }
        });
    }

    private static void averageBackward(Planes planes, int width, Window[] rows, Window[] columns, boolean includePadding, int override,
            Storage dOut, Storage dx, Workspace workspace) {
        float[] dOuts = dOut.floats(), dxs = dx.floats();
        int outPixels = rows.length * columns.length;
        planes.each(workspace, (plane, _, at, _) -> {
            Arrays.fill(dxs, at, at + planes.pixels() * V, 0f);
            int from = plane * outPixels * V;
            for (Window row : rows) {
                for (Window column : columns) {
                    if (row.count() * column.count() > 0) {
                        FloatVector share = load(dOuts, from).div(divisor(row, column, includePadding, override));
                        for (int ih = row.from; ih < row.to; ih += row.step) {
                            for (int iw = column.from; iw < column.to; iw += column.step) {
                                int i = at + (ih * width + iw) * V;
                                load(dxs, i).add(share).intoArray(dxs, i);
                            }
                        }
                    }
                    from += V;
                }
            }
        });
    }

    private static int divisor(Window row, Window column, boolean includePadding, int override) {
        if (override != 0) {
            return override;
        }
        return includePadding ? row.whole * column.whole : row.count() * column.count();
    }
}
