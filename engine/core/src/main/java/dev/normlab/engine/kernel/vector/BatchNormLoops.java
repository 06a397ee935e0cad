package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/// The loops of [VectorBatchNorms] over one plane of `pixels` vectors, which starts at index `at` of its arrays. `lane` is where the
/// plane's channel block starts in arrays of values per channel.
final class BatchNormLoops {

    private BatchNormLoops() {}

    /// Values per channel, in whole blocks: what `y = (x - mean) * scale + shift` and its gradient `dx = (dOut - gradient - (x - mean) *
    /// slope) * scale` need.
    record Channels(float[] mean, float[] scale, float[] shift, float[] gradient, float[] slope) {}

    // The sum of a plane, and of its squared differences from its own mean.
    static void statistics(float[] x, int at, int pixels, float[] sums, float[] squares, int to) {
        FloatVector a = zero(), b = zero(), c = zero(), d = zero();
        int p = 0;
        for (; p + 4 <= pixels; p += 4) {
            int i = at + p * V;
            a = a.add(load(x, i));
            b = b.add(load(x, i + V));
            c = c.add(load(x, i + 2 * V));
            d = d.add(load(x, i + 3 * V));
        }
        for (; p < pixels; p++) {
            a = a.add(load(x, at + p * V));
        }
        FloatVector sum = a.add(b).add(c.add(d));
        sum.intoArray(sums, to);
        FloatVector mean = sum.div(pixels);
        a = zero();
        b = zero();
        c = zero();
        d = zero();
        for (p = 0; p + 4 <= pixels; p += 4) {
            int i = at + p * V;
            FloatVector u = load(x, i).sub(mean), v = load(x, i + V).sub(mean);
            a = u.fma(u, a);
            b = v.fma(v, b);
            u = load(x, i + 2 * V).sub(mean);
            v = load(x, i + 3 * V).sub(mean);
            c = u.fma(u, c);
            d = v.fma(v, d);
        }
        for (; p < pixels; p++) {
            FloatVector u = load(x, at + p * V).sub(mean);
            a = u.fma(u, a);
        }
        a.add(b).add(c.add(d)).intoArray(squares, to);
    }

    static void normalise(float[] x, float[] y, int at, int pixels, Channels channels, int lane) {
        FloatVector mean = load(channels.mean, lane), scale = load(channels.scale, lane), shift = load(channels.shift, lane);
        int to = at + pixels * V;
        for (int i = at; i < to; i += V) {
            load(x, i).sub(mean).fma(scale, shift).intoArray(y, i);
        }
    }

    static void normaliseRelu(float[] x, float @Nullable [] residual, float[] y, int at, int pixels, Channels channels, int lane) {
        FloatVector mean = load(channels.mean, lane), scale = load(channels.scale, lane), shift = load(channels.shift, lane);
        int to = at + pixels * V;
        if (residual == null) {
            for (int i = at; i < to; i += V) {
                load(x, i).sub(mean).fma(scale, shift).max(0f).intoArray(y, i);
            }
        } else {
            for (int i = at; i < to; i += V) {
                load(x, i).sub(mean).fma(scale, shift).add(load(residual, i)).max(0f).intoArray(y, i);
            }
        }
    }

    // The sums of g and of g * (x - mean), g being dOut.
    static void sums(float[] x, float[] dOut, int at, int pixels, Channels channels, int lane, float[] sums, float[] products, int to) {
        FloatVector mean = load(channels.mean, lane);
        FloatVector a = zero(), b = zero(), c = zero(), d = zero();
        int p = 0;
        for (; p + 2 <= pixels; p += 2) {
            int i = at + p * V;
            FloatVector g = load(dOut, i), h = load(dOut, i + V);
            a = a.add(g);
            b = b.add(h);
            c = load(x, i).sub(mean).fma(g, c);
            d = load(x, i + V).sub(mean).fma(h, d);
        }
        for (; p < pixels; p++) {
            FloatVector g = load(dOut, at + p * V);
            a = a.add(g);
            c = load(x, at + p * V).sub(mean).fma(g, c);
        }
        a.add(b).intoArray(sums, to);
        c.add(d).intoArray(products, to);
    }

    // The same with g = dOut where the batch norm's output is above 0.
    static void maskedSums(float[] x, float[] dOut, int at, int pixels, Channels channels, int lane, float[] sums, float[] products,
            int to) {
        FloatVector mean = load(channels.mean, lane), scale = load(channels.scale, lane), shift = load(channels.shift, lane);
        FloatVector a = zero(), b = zero(), c = zero(), d = zero();
        int p = 0;
        for (; p + 2 <= pixels; p += 2) {
            int i = at + p * V;
            FloatVector u = load(x, i).sub(mean), v = load(x, i + V).sub(mean);
            FloatVector g = masked(load(dOut, i), u.fma(scale, shift)), h = masked(load(dOut, i + V), v.fma(scale, shift));
            a = a.add(g);
            b = b.add(h);
            c = u.fma(g, c);
            d = v.fma(h, d);
        }
        for (; p < pixels; p++) {
            int i = at + p * V;
            FloatVector u = load(x, i).sub(mean);
            FloatVector g = masked(load(dOut, i), u.fma(scale, shift));
            a = a.add(g);
            c = u.fma(g, c);
        }
        a.add(b).intoArray(sums, to);
        c.add(d).intoArray(products, to);
    }

    // The same with g = dOut + more where y is above 0, which is written to dSum.
    static void maskedSums(float[] y, float[] dOut, float @Nullable [] more, float[] dSum, float[] x, int at, int pixels,
            Channels channels, int lane, float[] sums, float[] products, int to) {
        FloatVector mean = load(channels.mean, lane);
        FloatVector a = zero(), b = zero(), c = zero(), d = zero();
        int p = 0;
        for (; p + 2 <= pixels; p += 2) {
            int i = at + p * V;
            FloatVector g = load(dOut, i), h = load(dOut, i + V);
            if (more != null) {
                g = g.add(load(more, i));
                h = h.add(load(more, i + V));
            }
            g = masked(g, load(y, i));
            h = masked(h, load(y, i + V));
            g.intoArray(dSum, i);
            h.intoArray(dSum, i + V);
            a = a.add(g);
            b = b.add(h);
            c = load(x, i).sub(mean).fma(g, c);
            d = load(x, i + V).sub(mean).fma(h, d);
        }
        for (; p < pixels; p++) {
            int i = at + p * V;
            FloatVector g = load(dOut, i);
            if (more != null) {
                g = g.add(load(more, i));
            }
            g = masked(g, load(y, i));
            g.intoArray(dSum, i);
            a = a.add(g);
            c = load(x, i).sub(mean).fma(g, c);
        }
        a.add(b).intoArray(sums, to);
        c.add(d).intoArray(products, to);
    }

    static void input(float[] x, float[] dOut, float[] dx, int at, int pixels, Channels channels, int lane) {
        FloatVector mean = load(channels.mean, lane), scale = load(channels.scale, lane), gradient = load(channels.gradient, lane),
                slope = load(channels.slope, lane);
        int to = at + pixels * V;
        for (int i = at; i < to; i += V) {
            load(x, i).sub(mean).fma(slope, load(dOut, i).sub(gradient)).mul(scale).intoArray(dx, i);
        }
    }

    static void maskedInput(float[] x, float[] dOut, float[] dx, int at, int pixels, Channels channels, int lane) {
        FloatVector mean = load(channels.mean, lane), scale = load(channels.scale, lane), shift = load(channels.shift, lane),
                gradient = load(channels.gradient, lane), slope = load(channels.slope, lane);
        int to = at + pixels * V;
        for (int i = at; i < to; i += V) {
            FloatVector u = load(x, i).sub(mean);
            FloatVector g = masked(load(dOut, i), u.fma(scale, shift));
            u.fma(slope, g.sub(gradient)).mul(scale).intoArray(dx, i);
        }
    }

    static void evalInput(float[] dOut, float[] dx, int at, int pixels, float[] scales, int lane) {
        FloatVector scale = load(scales, lane);
        int to = at + pixels * V;
        for (int i = at; i < to; i += V) {
            load(dOut, i).mul(scale).intoArray(dx, i);
        }
    }

    static void maskedEvalInput(float[] y, float[] dOut, float[] dx, int at, int pixels, float[] scales, int lane) {
        FloatVector scale = load(scales, lane);
        int to = at + pixels * V;
        for (int i = at; i < to; i += V) {
            masked(load(dOut, i), load(y, i)).mul(scale).intoArray(dx, i);
        }
    }

    // dOut where the ReLU's input or output y is above 0; NaN lets the gradient through, as in the ReLU's own kernel.
    private static FloatVector masked(FloatVector dOut, FloatVector y) {
        return dOut.blend(0f, y.compare(VectorOperators.LE, 0f));
    }
}
