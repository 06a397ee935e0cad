package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.RandomFill;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.program.Attributes.ClampRange;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tornado.Launches.Operand;
import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Functions of single elements. Functions are numbers to a kernel, which is compiled for one of them.
final class TornadoElementwise {

    private static final int FIRST = 100;

    /// Dimensions over which operands may stretch.
    private static final int RANK = 4;

    private TornadoElementwise() {}

    static void unary(Launches l) {
        int f = l.attributes(UnaryFunction.class).ordinal();
        Operand x = l.in(0), y = l.out(0);
        l.tasks().forEach(l.name(), y.elements(),
                (graph, id) -> graph.task(id, TornadoElementwise::unaryKernel, l.context, l.floats(), x.at(),
                        y.at(), y.elements(), f));
    }

    // y = f(x); the numbers are those of UnaryFunction
    static void unaryKernel(KernelContext context, FloatArray floats, int xAt, int yAt, int n, int f) {
        int i = context.globalIdx;
        if (i < n) {
            float v = floats.get(xAt + i);
            float result = 0f;
            if (f == 0) {
                result = v > 0f ? v : v != v ? v : 0f;
            } else if (f == 1) {
                result = (float) (1.0 / (1.0 + TornadoMath.exp(-(double) v)));
            } else if (f == 2) {
                result = (float) (v / (1.0 + TornadoMath.exp(-(double) v)));
            } else if (f == 3) {
                result = (float) TornadoMath.exp((double) v);
            } else if (f == 4) {
                result = (float) TornadoMath.log((double) v);
            } else if (f == 5) {
                result = TornadoMath.sqrt(v);
            } else if (f == 6) {
                result = TornadoMath.abs(v);
            } else if (f == 7) {
                result = v > 0f ? 1f : v < 0f ? -1f : v;
            } else if (f == 8) {
                result = -v;
            } else if (f == 9) {
                result = v * v;
            } else {
                result = v == 0f ? 0f : (float) (v * TornadoMath.log((double) v));
            }
            floats.set(yAt + i, result);
        }
    }

    static void unaryBackward(Launches l) {
        int f = l.attributes(UnaryFunction.class).ordinal();
        Operand x = l.in(0), dOut = l.in(1), dx = l.out(0);
        l.tasks().forEach(l.name(), dx.elements(), (graph, id) -> graph.task(id, TornadoElementwise::unaryBackwardKernel, l.context,
                l.floats(), x.at(), dOut.at(), dx.at(), dx.elements(), f));
    }

    // dx = f'(x) * dOut; v is x, or y where the derivative is written in the output
    static void unaryBackwardKernel(KernelContext context, FloatArray floats, int xAt, int dOutAt, int dxAt, int n, int f) {
        int i = context.globalIdx;
        if (i < n) {
            float v = floats.get(xAt + i);
            float g = floats.get(dOutAt + i);
            float result = 0f;
            if (f == 0) {
                result = v > 0f ? g : v != v ? g : 0f;
            } else if (f == 1) {
                result = (float) (g * (v * (1.0 - v)));
            } else if (f == 2) {
                double sigmoid = 1.0 / (1.0 + TornadoMath.exp(-(double) v));
                result = (float) (g * sigmoid * (1.0 + v * (1.0 - sigmoid)));
            } else if (f == 3) {
                result = g * v;
            } else if (f == 4) {
                result = g / v;
            } else if (f == 5) {
                result = g / (2f * v);
            } else if (f == 6) {
                result = v > 0f ? g : v < 0f ? -g : g * v;
            } else if (f == 7) {
                result = 0f;
            } else if (f == 8) {
                result = -g;
            } else if (f == 9) {
                result = 2f * v * g;
            } else {
                result = v == 0f ? 0f : (float) (g * (TornadoMath.log((double) v) + 1.0));
            }
            floats.set(dxAt + i, result);
        }
    }

    static void binary(Launches l) {
        BroadcastSizes s = l.attributes(BroadcastSizes.class);
        broadcasting(l, s.function().ordinal(), s.a(), s.b(), s.out(), l.in(0), l.in(1), l.out(0));
    }

    static void addRelu(Launches l) {
        Operand a = l.in(0), b = l.in(1), y = l.out(0);
        l.tasks().forEach(l.name(), y.elements(), (graph, id) -> graph.task(id, TornadoElementwise::addReluKernel, l.context, l.floats(),
                a.at(), b.at(), y.at(), y.elements()));
    }

    // y = a + b, and not below 0
    static void addReluKernel(KernelContext context, FloatArray floats, int aAt, int bAt, int yAt, int n) {
        int i = context.globalIdx;
        if (i < n) {
            float sum = floats.get(aAt + i) + floats.get(bAt + i);
            floats.set(yAt + i, sum > 0f ? sum : sum != sum ? sum : 0f);
        }
    }

    static void broadcast(Launches l) {
        Operand x = l.in(0), y = l.out(0);
        broadcasting(l, FIRST, x.shape(), x.shape(), y.shape(), x, x, y);
    }

    private static void broadcasting(Launches l, int f, Shape a, Shape b, Shape out, Operand x, Operand z, Operand y) {
        int[] sizes = out.toArray();
        Walk walk = Walk.of(sizes, Walk.broadcast(a.toArray(), sizes), Walk.broadcast(b.toArray(), sizes)).within(RANK, l.name());
        l.tasks().forEach(l.name(), y.elements(),
                (graph, id) -> graph.task(id, TornadoElementwise::binaryKernel, l.context, l.floats(), x.at(),
                        z.at(), y.at(), y.elements(), f, walk.size(0), walk.size(1), walk.size(2), walk.step(0, 0),
                        walk.step(0, 1), walk.step(0, 2), walk.step(0, 3), walk.step(1, 0), walk.step(1, 1), walk.step(1, 2),
                        walk.step(1, 3)));
    }

    // y[i3, i2, i1, i0] = f(a[sum of ik * ak], b[sum of ik * bk]); s0, s1, s2 are the sizes of the last three dimensions
    static void binaryKernel(KernelContext context, FloatArray floats, int aAt, int bAt, int yAt, int n, int f, int s0, int s1, int s2,
            int a0, int a1, int a2, int a3, int b0, int b1, int b2, int b3) {
        int i = context.globalIdx;
        if (i < n) {
            int i0 = i % s0;
            int rest = i / s0;
            int i1 = rest % s1;
            rest = rest / s1;
            int i2 = rest % s2;
            int i3 = rest / s2;
            float u = floats.get(aAt + i0 * a0 + i1 * a1 + i2 * a2 + i3 * a3);
            float v = floats.get(bAt + i0 * b0 + i1 * b1 + i2 * b2 + i3 * b3);
            float result = u;
            if (f == 0) {
                result = u + v;
            } else if (f == 1) {
                result = u - v;
            } else if (f == 2) {
                result = u * v;
            } else if (f == 3) {
                result = u / v;
            } else if (f == 4) {
                result = u != u ? u : v != v ? v : u < v ? u : v;
            } else if (f == 5) {
                result = u != u ? u : v != v ? v : u > v ? u : v;
            } else if (f == 6) {
                result = u > v ? 1f : 0f;
            } else if (f == 7) {
                result = u > v ? 1f : u == v ? 1f : 0f;
            } else if (f == 8) {
                result = u == v ? 1f : 0f;
            }
            floats.set(yAt + i, result);
        }
    }

    static void clamp(Launches l) {
        ClampRange range = l.attributes(ClampRange.class);
        Operand x = l.in(0), y = l.out(0);
        l.tasks().forEach(l.name(), y.elements(),
                (graph, id) -> graph.task(id, TornadoElementwise::clampKernel, l.context, l.floats(), x.at(),
                        y.at(), y.elements(), range.low(), range.high()));
    }

    // y = min(max(x, low), high); NaN stays NaN
    static void clampKernel(KernelContext context, FloatArray floats, int xAt, int yAt, int n, float low, float high) {
        int i = context.globalIdx;
        if (i < n) {
            float v = floats.get(xAt + i);
            floats.set(yAt + i, v < low ? low : v > high ? high : v);
        }
    }

    static void clampBackward(Launches l) {
        ClampRange range = l.attributes(ClampRange.class);
        Operand x = l.in(0), dOut = l.in(1), dx = l.out(0);
        l.tasks().forEach(l.name(), dx.elements(), (graph, id) -> graph.task(id, TornadoElementwise::clampBackwardKernel, l.context,
                l.floats(), x.at(), dOut.at(), dx.at(), dx.elements(), range.low(), range.high()));
    }

    // dx = dOut where low <= x <= high, else 0
    static void clampBackwardKernel(KernelContext context, FloatArray floats, int xAt, int dOutAt, int dxAt, int n, float low, float high) {
        int i = context.globalIdx;
        if (i < n) {
            float v = floats.get(xAt + i);
            float result = v > high ? 0f : floats.get(dOutAt + i);
            result = v < low ? 0f : result;
            floats.set(dxAt + i, v != v ? 0f : result);
        }
    }

    static void scale(Launches l) {
        float factor = l.attributes(Float.class);
        Operand x = l.in(0), y = l.out(0);
        if (Float.isNaN(factor)) { // no constant of a kernel
            int zero = l.table(List.of(0));
            l.tasks().forEach(l.name(), y.elements(), (graph, id) -> graph.task(id, TornadoElementwise::nanKernel, l.context, l.floats(),
                    l.ints(), l.tableAt() + zero, y.at(), y.elements()));
            return;
        }
        l.tasks().forEach(l.name(), y.elements(),
                (graph, id) -> graph.task(id, TornadoElementwise::scaleKernel, l.context, l.floats(), x.at(),
                        y.at(), y.elements(), factor));
    }

    // y = 0 / 0
    static void nanKernel(KernelContext context, FloatArray floats, IntArray ints, int zeroAt, int yAt, int n) {
        int i = context.globalIdx;
        if (i < n) {
            float zero = ints.get(zeroAt);
            floats.set(yAt + i, zero / zero);
        }
    }

    // y = factor * x
    static void scaleKernel(KernelContext context, FloatArray floats, int xAt, int yAt, int n, float factor) {
        int i = context.globalIdx;
        if (i < n) {
            floats.set(yAt + i, factor * floats.get(xAt + i));
        }
    }

    static void equalIndices(Launches l) {
        Operand a = l.in(0), b = l.in(1), y = l.out(0);
        l.tasks().forEach(l.name(), y.elements(),
                (graph, id) -> graph.task(id, TornadoElementwise::equalKernel, l.context, l.floats(), l.ints(), a.at(),
                        b.at(), y.at(), y.elements()));
    }

    // y = 1 where a and b agree, else 0
    static void equalKernel(KernelContext context, FloatArray floats, IntArray ints, int aAt, int bAt, int yAt, int n) {
        int i = context.globalIdx;
        if (i < n) {
            floats.set(yAt + i, ints.get(aAt + i) == ints.get(bAt + i) ? 1f : 0f);
        }
    }

    static void select(Launches l) {
        Operand mask = l.in(0), a = l.in(1), b = l.in(2), y = l.out(0);
        int each = mask.elements() == 0 ? 1 : Math.max(1, y.elements() / mask.elements());
        l.tasks().forEach(l.name(), y.elements(), (graph, id) -> graph.task(id, TornadoElementwise::selectKernel, l.context, l.floats(),
                mask.at(), a.at(), b.at(), y.at(), y.elements(), each));
    }

    // y[i, ..] = mask[i] != 0 ? a[i, ..] : b[i, ..]
    static void selectKernel(KernelContext context, FloatArray floats, int maskAt, int aAt, int bAt, int yAt, int n, int each) {
        int i = context.globalIdx;
        if (i < n) {
            float u = floats.get(aAt + i);
            float v = floats.get(bAt + i);
            floats.set(yAt + i, floats.get(maskAt + i / each) != 0f ? u : v);
        }
    }

    static void random(Launches l) {
        RandomFill fill = l.attributes(RandomFill.class);
        int kind = fill.kind().ordinal();
        Operand counter = l.in(0), y = l.out(0);
        l.tasks().forEach(l.name(), y.elements(), (graph, id) -> graph.task(id, TornadoElementwise::randomKernel, l.context, l.floats(),
                l.ints(), counter.at(), y.at(), y.elements(), kind, fill.keepProbability()));
    }

    // Philox 4x32-10 (Salmon et al. 2011); element i is lane i % 4 of the block at position + i / 4. Kinds are those of RandomFill.
    static void randomKernel(KernelContext context, FloatArray floats, IntArray ints, int counterAt, int yAt, int n, int kind, float keep) {
        int i = context.globalIdx;
        if (i < n) {
            long low = 0xFFFFFFFFL;
            int k0 = ints.get(counterAt);
            int k1 = ints.get(counterAt + 1);
            long position = (ints.get(counterAt + 3) & low) + i / 4;
            int c0 = (int) position;
            int c1 = (int) (position >> 32);
            int c2 = ints.get(counterAt + 2);
            int c3 = 0;
            for (int round = 0; round < 10; round++) {
                long product0 = 0xD2511F53L * (c0 & low);
                long product1 = 0xCD9E8D57L * (c2 & low);
                c0 = (int) (product1 >> 32) ^ c1 ^ k0;
                c1 = (int) product1;
                c2 = (int) (product0 >> 32) ^ c3 ^ k1;
                c3 = (int) product0;
                k0 = k0 + 0x9E3779B9;
                k1 = k1 + 0xBB67AE85;
            }
            int lane = i % 4;
            int first = lane < 2 ? c0 : c2;
            int second = lane < 2 ? c1 : c3;
            int odd = lane % 2;
            int word = odd == 0 ? first : second;
            float bits = (word >> 8) & 0xFFFFFF;
            float result = 0f;
            if (kind == 0) {
                result = bits * 0x1p-23f - 1f;
            } else if (kind == 1) {
                double radius = TornadoMath.sqrt(-2.0 * TornadoMath.log(((first & low) + 0.5) * 0x1p-32));
                double angle = 6.283185307179586 * ((second & low) * 0x1p-32);
                result = (float) (radius * (odd == 0 ? TornadoMath.cos(angle) : TornadoMath.sin(angle)));
            } else {
                result = bits * 0x1p-24f < keep ? 1f / keep : 0f;
            }
            floats.set(yAt + i, result);
        }
    }

}
