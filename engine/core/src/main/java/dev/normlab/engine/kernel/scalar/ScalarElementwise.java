package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.kernel.BinaryFunction;
import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.ElementwiseKernels;
import dev.normlab.engine.kernel.RandomFill;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;

/// Functions of single elements, on any layout. Exponentials and logarithms are those of [StrictMath], the same bits on every machine.
final class ScalarElementwise implements ElementwiseKernels {

    private static final long STEPS_OF_EXPONENTIAL = 16;

    @Override
    public void unary(UnaryFunction f, Storage x, Storage y, Workspace workspace) {
        float[] xs = x.floats();
        float[] ys = y.floats();
        Chunks.run(workspace, y.layout().length(y.shape()), steps(f), (from, to, _) -> {
            for (int i = from; i < to; i++) {
                ys[i] = value(f, xs[i]);
            }
        });
        Padding.clear(y);
    }

    private static float value(UnaryFunction f, float x) {
        return switch (f) {
            case RELU -> Math.max(0f, x);
            case SIGMOID -> (float) sigmoid(x);
            case SILU -> (float) (x / (1 + StrictMath.exp(-x)));
            case EXP -> (float) StrictMath.exp(x);
            case LOG -> (float) StrictMath.log(x);
            case SQRT -> (float) Math.sqrt(x);
            case ABS -> Math.abs(x);
            case SIGN -> Math.signum(x);
            case NEGATE -> -x;
            case SQUARE -> x * x;
            case X_LOG_X -> x == 0 ? 0f : (float) (x * StrictMath.log(x));
        };
    }

    @Override
    public void unaryBackward(UnaryFunction f, Storage xOrY, Storage dOut, Storage dx, Workspace workspace) {
        float[] xsOrYs = xOrY.floats();
        float[] dOuts = dOut.floats();
        float[] dxs = dx.floats();
        Chunks.run(workspace, dx.layout().length(dx.shape()), steps(f), (from, to, _) -> {
            for (int i = from; i < to; i++) {
                dxs[i] = gradient(f, xsOrYs[i], dOuts[i]);
            }
        });
        Padding.clear(dx);
    }

    // f'(x) * dOut; `v` is x, or y = f(x) where the derivative is written in the output
    private static float gradient(UnaryFunction f, float v, float dOut) {
        return switch (f) {
            case RELU -> v <= 0 ? 0f : dOut;
            case SIGMOID -> (float) (dOut * (v * (1.0 - v)));
            case SILU -> (float) (dOut * sigmoid(v) * (1 + v * (1 - sigmoid(v))));
            case EXP -> dOut * v;
            case LOG -> dOut / v;
            case SQRT -> dOut / (2 * v);
            case ABS -> dOut * Math.signum(v);
            case SIGN -> 0f;
            case NEGATE -> -dOut;
            case SQUARE -> 2 * v * dOut;
            case X_LOG_X -> v == 0 ? 0f : (float) (dOut * (StrictMath.log(v) + 1));
        };
    }

    private static double sigmoid(double x) {
        return 1 / (1 + StrictMath.exp(-x));
    }

    private static long steps(UnaryFunction f) {
        return switch (f) {
            case SIGMOID, SILU, EXP, LOG, X_LOG_X -> STEPS_OF_EXPONENTIAL;
            case RELU, SQRT, ABS, SIGN, NEGATE, SQUARE -> 1;
        };
    }

    // a and b stretch to y; a blocked tensor is walked as [n, blocks, h, w, block]
    @Override
    public void binary(BroadcastSizes s, Storage a, Storage b, Storage y, Workspace workspace) {
        float[] as = a.floats();
        float[] bs = b.floats();
        float[] ys = y.floats();
        Shape out = Strides.arrayShape(y);
        if (Strides.arrayShape(a).equals(out) && Strides.arrayShape(b).equals(out)) {
            Chunks.run(workspace, out.elements(), 1,
                    (from, to, _) -> row(s.function(), as, from, 1, bs, from, 1, ys, from, to - from));
        } else {
            Strides ofA = Strides.broadcast(Strides.arrayShape(a), out);
            Strides ofB = Strides.broadcast(Strides.arrayShape(b), out);
            int length = ofA.rowLength();
            Chunks.run(workspace, ofA.rows(), length, (from, to, _) -> {
                for (int row = from; row < to; row++) {
                    row(s.function(), as, ofA.rowOffset(row), ofA.rowStep(), bs, ofB.rowOffset(row), ofB.rowStep(), ys, row * length,
                            length);
                }
            });
        }
        Padding.clear(y);
    }

    // y[iy + i] = f(a[ia + i*stepA], b[ib + i*stepB])
    private static void row(BinaryFunction f, float[] a, int ia, int stepA, float[] b, int ib, int stepB, float[] y, int iy, int length) {
        for (int i = 0; i < length; i++) {
            y[iy + i] = value(f, a[ia + i * stepA], b[ib + i * stepB]);
        }
    }

    private static float value(BinaryFunction f, float a, float b) {
        return switch (f) {
            case ADD -> a + b;
            case SUBTRACT -> a - b;
            case MULTIPLY -> a * b;
            case DIVIDE -> a / b;
            case MINIMUM -> Math.min(a, b);
            case MAXIMUM -> Math.max(a, b);
            case GREATER -> a > b ? 1f : 0f;
            case GREATER_OR_EQUAL -> a >= b ? 1f : 0f;
            case EQUAL -> a == b ? 1f : 0f;
        };
    }

    @Override
    public void addRelu(Storage a, Storage b, Storage y, Workspace workspace) {
        float[] as = a.floats();
        float[] bs = b.floats();
        float[] ys = y.floats();
        Chunks.run(workspace, y.layout().length(y.shape()), 1, (from, to, _) -> {
            for (int i = from; i < to; i++) {
                ys[i] = Math.max(0f, as[i] + bs[i]);
            }
        });
    }

    @Override
    public void broadcast(Shape from, Shape to, Storage x, Storage y, Workspace workspace) {
        Strides strides = Strides.broadcast(from, to);
        float[] xs = x.floats();
        float[] ys = y.floats();
        int length = strides.rowLength();
        Chunks.run(workspace, strides.rows(), length, (first, end, _) -> {
            for (int row = first; row < end; row++) {
                int offset = strides.rowOffset(row);
                for (int i = 0; i < length; i++) {
                    ys[row * length + i] = xs[offset + i * strides.rowStep()];
                }
            }
        });
    }

    @Override
    public void clamp(float low, float high, Storage x, Storage y, Workspace workspace) {
        float[] xs = x.floats();
        float[] ys = y.floats();
        Chunks.run(workspace, y.layout().length(y.shape()), 1, (from, to, _) -> {
            for (int i = from; i < to; i++) {
                ys[i] = Math.min(Math.max(xs[i], low), high);
            }
        });
        Padding.clear(y);
    }

    @Override
    public void clampBackward(float low, float high, Storage x, Storage dOut, Storage dx, Workspace workspace) {
        float[] xs = x.floats();
        float[] dOuts = dOut.floats();
        float[] dxs = dx.floats();
        Chunks.run(workspace, dx.layout().length(dx.shape()), 1, (from, to, _) -> {
            for (int i = from; i < to; i++) {
                dxs[i] = low <= xs[i] && xs[i] <= high ? dOuts[i] : 0f;
            }
        });
        Padding.clear(dx);
    }

    @Override
    public void scale(float factor, Storage x, Storage y, Workspace workspace) {
        float[] xs = x.floats();
        float[] ys = y.floats();
        Chunks.run(workspace, y.layout().length(y.shape()), 1, (from, to, _) -> {
            for (int i = from; i < to; i++) {
                ys[i] = factor * xs[i];
            }
        });
        Padding.clear(y);
    }

    // counter [4]; elements 4*i .. 4*i + 3 of y come from block number position + i of the stream
    @Override
    public void equalIndices(Storage a, Storage b, Storage y, Workspace workspace) {
        int[] as = a.ints();
        int[] bs = b.ints();
        float[] ys = y.floats();
        for (int i = 0; i < y.shape().elements(); i++) {
            ys[i] = as[i] == bs[i] ? 1f : 0f;
        }
    }

    @Override
    public void random(RandomFill fill, Storage counter, Storage y, Workspace workspace) {
        int[] words = counter.ints();
        long key = Integer.toUnsignedLong(words[1]) << 32 | Integer.toUnsignedLong(words[0]);
        long stream = Integer.toUnsignedLong(words[2]);
        long position = Integer.toUnsignedLong(words[3]);
        int elements = y.shape().elements();
        float[] ys = y.floats();
        Chunks.run(workspace, (elements + 3) / 4, 4 * STEPS_OF_EXPONENTIAL, (from, to, _) -> {
            int[] block = new int[4];
            for (int i = from; i < to; i++) {
                RandomStream.philox(key, stream, position + i, block);
                for (int lane = 0; lane < 4 && 4 * i + lane < elements; lane++) {
                    ys[4 * i + lane] = number(fill, block, lane);
                }
            }
        });
    }

    private static float number(RandomFill fill, int[] block, int lane) {
        return switch (fill.kind()) {
            case UNIFORM -> (block[lane] >>> 8) * 0x1p-23f - 1f;
            case KEEP -> (block[lane] >>> 8) * 0x1p-24f < fill.keepProbability() ? 1f / fill.keepProbability() : 0f;
            case NORMAL -> normal(block[lane & 2], block[lane | 1], lane % 2 == 0);
        };
    }

    // Box and Muller 1958: sqrt(-2 ln u) * (cos, sin)(2 pi v), with u in (0, 1) and v in [0, 1)
    private static float normal(int first, int second, boolean cosine) {
        double radius = Math.sqrt(-2 * StrictMath.log((Integer.toUnsignedLong(first) + 0.5) * 0x1p-32));
        double angle = 2 * Math.PI * (Integer.toUnsignedLong(second) * 0x1p-32);
        return (float) (radius * (cosine ? StrictMath.cos(angle) : StrictMath.sin(angle)));
    }
}
