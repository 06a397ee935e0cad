package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/// The loops of [VectorElementwise], one for each function, over the elements `from .. to - 1` of their arrays: whole vectors, then the
/// rest one by one. An operand of step 0 is one value for all, written into each place of an array as long as a vector.
final class ElementLoops {

    private ElementLoops() {}

    static void relu(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            load(x, i).max(0f).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = Math.max(0f, x[i]);
        }
    }

    static void reluBackward(float[] y, float[] dOut, float[] dx, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            load(dOut, i).blend(0f, load(y, i).compare(VectorOperators.LE, 0f)).intoArray(dx, i);
        }
        for (; i < to; i++) {
            dx[i] = y[i] <= 0 ? 0f : dOut[i];
        }
    }

    static void abs(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            load(x, i).abs().intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = Math.abs(x[i]);
        }
    }

    static void sqrt(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            load(x, i).sqrt().intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = (float) Math.sqrt(x[i]);
        }
    }

    static void scale(float factor, float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            load(x, i).mul(factor).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = factor * x[i];
        }
    }

    static void add(float[] a, int aStep, float[] b, int bStep, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            load(a, i * aStep).add(load(b, i * bStep)).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = a[i * aStep] + b[i * bStep];
        }
    }

    static void addRelu(float[] a, float[] b, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            load(a, i).add(load(b, i)).max(0f).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = Math.max(0f, a[i] + b[i]);
        }
    }

    static void subtract(float[] a, int aStep, float[] b, int bStep, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            load(a, i * aStep).sub(load(b, i * bStep)).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = a[i * aStep] - b[i * bStep];
        }
    }

    static void multiply(float[] a, int aStep, float[] b, int bStep, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            load(a, i * aStep).mul(load(b, i * bStep)).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = a[i * aStep] * b[i * bStep];
        }
    }

    static void divide(float[] a, int aStep, float[] b, int bStep, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            load(a, i * aStep).div(load(b, i * bStep)).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = a[i * aStep] / b[i * bStep];
        }
    }

    static void minimum(float[] a, int aStep, float[] b, int bStep, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            load(a, i * aStep).min(load(b, i * bStep)).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = Math.min(a[i * aStep], b[i * bStep]);
        }
    }

    static void maximum(float[] a, int aStep, float[] b, int bStep, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            load(a, i * aStep).max(load(b, i * bStep)).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = Math.max(a[i * aStep], b[i * bStep]);
        }
    }

    static void greater(float[] a, int aStep, float[] b, int bStep, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            one(load(a, i * aStep).compare(VectorOperators.GT, load(b, i * bStep))).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = a[i * aStep] > b[i * bStep] ? 1f : 0f;
        }
    }

    static void greaterOrEqual(float[] a, int aStep, float[] b, int bStep, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            one(load(a, i * aStep).compare(VectorOperators.GE, load(b, i * bStep))).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = a[i * aStep] >= b[i * bStep] ? 1f : 0f;
        }
    }

    static void equal(float[] a, int aStep, float[] b, int bStep, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            one(load(a, i * aStep).compare(VectorOperators.EQ, load(b, i * bStep))).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = a[i * aStep] == b[i * bStep] ? 1f : 0f;
        }
    }

    private static FloatVector one(VectorMask<Float> mask) {
        return zero().blend(1f, mask);
    }

    static void clamp(float low, float high, float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            load(x, i).max(low).min(high).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = Math.min(Math.max(x[i], low), high);
        }
    }

    static void clampBackward(float low, float high, float[] x, float[] dOut, float[] dx, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            FloatVector v = load(x, i);
            VectorMask<Float> inside = v.compare(VectorOperators.GE, low).and(v.compare(VectorOperators.LE, high));
            zero().blend(load(dOut, i), inside).intoArray(dx, i);
        }
        for (; i < to; i++) {
            dx[i] = low <= x[i] && x[i] <= high ? dOut[i] : 0f;
        }
    }

    // y = a + the one vector of b at `bAt`
    static void addVector(float[] a, float[] b, int bAt, float[] y, int from, int to) {
        FloatVector v = load(b, bAt);
        for (int i = from; i < to; i += V) {
            load(a, i).add(v).intoArray(y, i);
        }
    }

    // y = a * the one vector of b at `bAt`
    static void multiplyVector(float[] a, float[] b, int bAt, float[] y, int from, int to) {
        FloatVector v = load(b, bAt);
        for (int i = from; i < to; i += V) {
            load(a, i).mul(v).intoArray(y, i);
        }
    }

    // y += a, `length` elements from `yAt` and `aAt` on; whole vectors
    static void add(float[] y, int yAt, float[] a, int aAt, int length) {
        for (int i = 0; i < length; i += V) {
            load(y, yAt + i).add(load(a, aAt + i)).intoArray(y, yAt + i);
        }
    }
}
