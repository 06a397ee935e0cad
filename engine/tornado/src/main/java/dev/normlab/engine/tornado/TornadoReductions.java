package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.AxisSizes;
import dev.normlab.engine.kernel.ReduceSizes;
import dev.normlab.engine.program.Attributes.ArgExtreme;
import dev.normlab.engine.program.Attributes.Softmax;
import dev.normlab.engine.program.Attributes.TopK;
import dev.normlab.engine.tornado.Launches.Operand;
import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Sums and maxima: a sum by a group of threads as a tree of fixed shape in double precision, everything along an axis by one thread a
/// line.
final class TornadoReductions {

    /// Threads that make one sum.
    static final int SUMMERS = 64;

    /// Dimensions of what is kept and of what is summed.
    private static final int RANK = 3;

    private TornadoReductions() {}

    static void reduce(Launches l) {
        ReduceSizes s = l.attributes(ReduceSizes.class);
        int rank = s.in().rank();
        int[] strides = s.in().strides();
        int[] kept = s.kept().toArray();
        int[] keptSteps = new int[rank], reduced = new int[rank];
        for (int d = 0; d < rank; d++) {
            boolean summed = kept[d] != s.in().size(d);
            keptSteps[d] = summed ? 0 : strides[d];
            reduced[d] = summed ? s.in().size(d) : 1;
        }
        sum(l, Walk.of(kept, keptSteps), Walk.of(reduced, strides), s.mean());
    }

    static void channelSum(Launches l) {
        int[] shape = l.in(0).shape().toArray();
        int pixels = shape[2] * shape[3];
        sum(l, Walk.of(new int[] {shape[1]}, new int[] {pixels}), Walk.of(new int[] {shape[0], pixels}, new int[] {shape[1] * pixels, 1}),
                false);
    }

    private static void sum(Launches l, Walk kept, Walk summed, boolean mean) {
        kept.within(RANK, l.name());
        summed.within(RANK, l.name());
        Operand x = l.in(0), y = l.out(0);
        int count = summed.count(), divisor = mean ? count : 1;
        l.tasks().groups(l.name(), y.elements(), SUMMERS,
                (graph, id) -> graph.task(id, TornadoReductions::sumKernel, l.context, l.floats(), x.at(), y.at(), count, divisor,
                        kept.size(0), kept.size(1), kept.step(0, 0), kept.step(0, 1), kept.step(0, 2),
                        summed.size(0), summed.size(1), summed.step(0, 0), summed.step(0, 1), summed.step(0, 2)));
    }

    // y[k] = sum over a box of x at its own offset and that of k / divisor; k* are sizes and steps of the kept dimensions, s* of the summed
    static void sumKernel(KernelContext context, FloatArray floats, int xAt, int yAt, int count, int divisor, int k0, int k1, int ks0,
            int ks1, int ks2, int s0, int s1, int ss0, int ss1, int ss2) {
        double[] sums = context.allocateDoubleLocalArray(SUMMERS);
        int thread = context.localIdx, k = context.groupIdx;
        int start = xAt + k % k0 * ks0 + k / k0 % k1 * ks1 + k / k0 / k1 * ks2;
        double sum = 0.0;
        for (int i = thread; i < count; i += SUMMERS) {
            sum = sum + floats.get(start + i % s0 * ss0 + i / s0 % s1 * ss1 + i / s0 / s1 * ss2);
        }
        sums[thread] = sum;
        for (int half = SUMMERS / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (thread < half) {
                sums[thread] = sums[thread] + sums[thread + half];
            }
        }
        if (thread == 0) {
            floats.set(yAt + k, (float) (sums[0] / divisor));
        }
    }

    static void argExtreme(Launches l) {
        ArgExtreme a = l.attributes(ArgExtreme.class);
        Operand x = l.in(0), indices = l.out(0);
        AxisSizes s = AxisSizes.of(x.shape(), a.axis());
        float sign = a.largest() ? 1f : -1f;
        l.tasks().forEach(l.name(), s.outer() * s.inner(), (graph, id) -> graph.task(id, TornadoReductions::argKernel, l.context,
                l.floats(), l.ints(), x.at(), indices.at(), s.outer() * s.inner(), s.axis(), s.inner(), sign));
    }

    // The first largest of sign * x along the axis, or the first NaN
    static void argKernel(KernelContext context, FloatArray floats, IntArray ints, int xAt, int indicesAt, int lines, int axis, int inner,
            float sign) {
        int line = context.globalIdx;
        if (line < lines) {
            int start = xAt + line / inner * axis * inner + line % inner;
            int best = 0;
            float largest = sign * floats.get(start);
            for (int i = 1; i < axis; i++) {
                float value = sign * floats.get(start + i * inner);
                int greater = value > largest ? 1 : 0;
                int isNaN = value != value ? 1 : 0;
                int largestNaN = largest != largest ? 1 : 0;
                int taken = (1 - largestNaN) * (isNaN + greater);
                best = taken > 0 ? i : best;
                largest = taken > 0 ? value : largest;
            }
            ints.set(indicesAt + line, best);
        }
    }

    static void topK(Launches l) {
        TopK a = l.attributes(TopK.class);
        Operand x = l.in(0), values = l.out(0), indices = l.out(1);
        AxisSizes s = AxisSizes.of(x.shape(), a.axis());
        l.tasks().forEach(l.name(), s.outer() * s.inner(), (graph, id) -> graph.task(id, TornadoReductions::topKernel, l.context,
                l.floats(), l.ints(), x.at(), values.at(), indices.at(), s.outer() * s.inner(), s.axis(), s.inner(), a.k()));
    }

    // Rank r is the first element, in the order of values (NaN above all) and indices, that comes behind rank r - 1
    static void topKernel(KernelContext context, FloatArray floats, IntArray ints, int xAt, int valuesAt, int indicesAt, int lines,
            int axis, int inner, int k) {
        int line = context.globalIdx;
        if (line < lines) {
            int start = xAt + line / inner * axis * inner + line % inner;
            int target = line / inner * k * inner + line % inner;
            int lastIndex = -1;
            float last = Float.POSITIVE_INFINITY;
            int lastNaN = 1;
            for (int r = 0; r < k; r++) {
                int best = -1;
                float largest = 0f;
                int bestNaN = 0;
                for (int i = 0; i < axis; i++) {
                    float value = floats.get(start + i * inner);
                    int isNaN = value != value ? 1 : 0;
                    int equal = value == last ? 1 : 0;
                    int less = value < last ? 1 : 0;
                    int later = i > lastIndex ? 1 : 0;
                    int greater = value > largest ? 1 : 0;
                    int none = best < 0 ? 1 : 0;
                    int below = (1 - isNaN) * (lastNaN + (1 - lastNaN) * less);
                    int same = isNaN * lastNaN + (1 - lastNaN) * equal;
                    int open = below + same * later;
                    int taken = open * (none + (1 - none) * (1 - bestNaN) * (isNaN + greater));
                    best = taken == 1 ? i : best;
                    largest = taken == 1 ? value : largest;
                    bestNaN = taken == 1 ? isNaN : bestNaN;
                }
                floats.set(valuesAt + target + r * inner, largest);
                ints.set(indicesAt + target + r * inner, best);
                last = largest;
                lastIndex = best;
                lastNaN = bestNaN;
            }
        }
    }

    static void softmax(Launches l) {
        Softmax a = l.attributes(Softmax.class);
        Operand x = l.in(0), y = l.out(0);
        AxisSizes s = AxisSizes.of(x.shape(), a.axis());
        int logarithm = a.logarithm() ? 1 : 0;
        int axis = l.table(List.of(s.axis()));
        l.tasks().forEach(l.name(), s.outer() * s.inner(), (graph, id) -> graph.task(id, TornadoReductions::softmaxKernel, l.context,
                l.floats(), l.ints(), x.at(), y.at(), s.outer() * s.inner(), l.tableAt() + axis, s.inner(), logarithm));
    }

    // y = exp(x - max) / sum of exp(x - max), or x - max - log(sum of exp(x - max))
    static void softmaxKernel(KernelContext context, FloatArray floats, IntArray ints, int xAt, int yAt, int lines, int axisAt, int inner,
            int logarithm) {
        int line = context.globalIdx;
        if (line < lines) {
            int axis = ints.get(axisAt); // not a constant: loops that are unrolled whole do not compile here
            int start = line / inner * axis * inner + line % inner;
            double largest = Float.NEGATIVE_INFINITY;
            for (int i = 0; i < axis; i++) {
                float value = floats.get(xAt + start + i * inner);
                int above = value > largest ? 1 : 0;
                int isNaN = value != value ? 1 : 0;
                largest = above + isNaN > 0 ? value : largest;
            }
            double sum = 0.0;
            for (int i = 0; i < axis; i++) {
                sum = sum + TornadoMath.exp(floats.get(xAt + start + i * inner) - largest);
            }
            double logSum = TornadoMath.log(sum);
            for (int i = 0; i < axis; i++) {
                double distance = floats.get(xAt + start + i * inner) - largest;
                double value = TornadoMath.exp(distance) / sum;
                if (logarithm == 1) {
                    value = distance - logSum;
                }
                floats.set(yAt + start + i * inner, (float) value);
            }
        }
    }

    static void softmaxBackward(Launches l) {
        Softmax a = l.attributes(Softmax.class);
        Operand y = l.in(0), dOut = l.in(1), dx = l.out(0);
        AxisSizes s = AxisSizes.of(y.shape(), a.axis());
        int logarithm = a.logarithm() ? 1 : 0;
        l.tasks().forEach(l.name(), s.outer() * s.inner(),
                (graph, id) -> graph.task(id, TornadoReductions::softmaxBackwardKernel, l.context, l.floats(),
                        y.at(), dOut.at(), dx.at(), s.outer() * s.inner(), s.axis(), s.inner(), logarithm));
    }

    // softmax: dx = y * (dOut - sum of y * dOut); logarithm: dx = dOut - exp(y) * sum of dOut
    static void softmaxBackwardKernel(KernelContext context, FloatArray floats, int yAt, int dOutAt, int dxAt, int lines, int axis,
            int inner, int logarithm) {
        int line = context.globalIdx;
        if (line < lines) {
            int start = line / inner * axis * inner + line % inner;
            double sum = 0.0;
            for (int i = 0; i < axis; i++) {
                int at = start + i * inner;
                double weight = floats.get(yAt + at);
                if (logarithm == 1) {
                    weight = 1.0;
                }
                sum = sum + weight * floats.get(dOutAt + at);
            }
            for (int i = 0; i < axis; i++) {
                int at = start + i * inner;
                double value = floats.get(yAt + at);
                double gradient = floats.get(dOutAt + at);
                double result = value * (gradient - sum);
                if (logarithm == 1) {
                    result = gradient - TornadoMath.exp(value) * sum;
                }
                floats.set(dxAt + at, (float) result);
            }
        }
    }
}
