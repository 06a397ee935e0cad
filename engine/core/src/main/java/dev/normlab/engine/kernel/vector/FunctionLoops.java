package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.all;
import static dev.normlab.engine.kernel.vector.Lanes.first;
import static dev.normlab.engine.kernel.vector.Lanes.load;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/// Loops of [VectorElementwise] over functions of [VectorMath] and over derivatives, for the elements `from .. to - 1` of their arrays. The
/// last elements are a vector under a mask, so that an element's result does not depend on its place.
final class FunctionLoops {

    private FunctionLoops() {}

    static void exp(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            VectorMath.exp(load(x, i)).intoArray(y, i);
        }
        if (i < to) {
            VectorMask<Float> rest = first(to - i);
            VectorMath.exp(load(x, i, rest)).intoArray(y, i, rest);
        }
    }

    static void log(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            VectorMath.log(load(x, i)).intoArray(y, i);
        }
        if (i < to) {
            VectorMask<Float> rest = first(to - i);
            VectorMath.log(load(x, i, rest)).intoArray(y, i, rest);
        }
    }

    static void timesLog(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            VectorMath.timesLog(load(x, i)).intoArray(y, i);
        }
        if (i < to) {
            VectorMask<Float> rest = first(to - i);
            VectorMath.timesLog(load(x, i, rest)).intoArray(y, i, rest);
        }
    }

    static void sigmoid(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            VectorMath.sigmoid(load(x, i)).intoArray(y, i);
        }
        if (i < to) {
            VectorMask<Float> rest = first(to - i);
            VectorMath.sigmoid(load(x, i, rest)).intoArray(y, i, rest);
        }
    }

    private static FloatVector silu(FloatVector x) {
        return x.mul(VectorMath.sigmoid(x));
    }

    static void silu(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            silu(load(x, i)).intoArray(y, i);
        }
        if (i < to) {
            VectorMask<Float> rest = first(to - i);
            silu(load(x, i, rest)).intoArray(y, i, rest);
        }
    }

    static void sign(float[] x, float[] y, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            AttackLoops.sign(load(x, i)).intoArray(y, i);
        }
        if (i < to) {
            VectorMask<Float> rest = first(to - i);
            AttackLoops.sign(load(x, i, rest)).intoArray(y, i, rest);
        }
    }

    // dOut * y * (1 - y), from the output
    private static FloatVector sigmoidGradient(FloatVector y, FloatVector dOut) {
        return dOut.mul(y.mul(all(1f).sub(y)));
    }

    static void sigmoidBackward(float[] x, float[] dOut, float[] dx, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            sigmoidGradient(load(x, i), load(dOut, i)).intoArray(dx, i);
        }
        if (i < to) {
            VectorMask<Float> rest = first(to - i);
            sigmoidGradient(load(x, i, rest), load(dOut, i, rest)).intoArray(dx, i, rest);
        }
    }

    // dOut * s * (1 + x * t) with s = sigmoid(x) and t = 1 - s = sigmoid(-x), which does not cancel: one of them is 1 / (1 + e), the other
    // e / (1 + e)
    private static FloatVector siluGradient(FloatVector x, FloatVector dOut) {
        FloatVector e = VectorMath.exp(x.abs().neg());
        FloatVector larger = all(1f).div(e.add(1f));
        FloatVector smaller = e.mul(larger);
        VectorMask<Float> negative = x.compare(VectorOperators.LT, 0f);
        FloatVector slope = x.fma(smaller.blend(larger, negative), all(1f));
        return dOut.mul(larger.blend(smaller, negative)).mul(slope);
    }

    static void siluBackward(float[] x, float[] dOut, float[] dx, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            siluGradient(load(x, i), load(dOut, i)).intoArray(dx, i);
        }
        if (i < to) {
            VectorMask<Float> rest = first(to - i);
            siluGradient(load(x, i, rest), load(dOut, i, rest)).intoArray(dx, i, rest);
        }
    }

    // dOut * (ln x + 1), 0 at 0
    private static FloatVector timesLogGradient(FloatVector x, FloatVector dOut) {
        return dOut.mul(VectorMath.log(x).add(1f)).blend(0f, x.compare(VectorOperators.EQ, 0f));
    }

    static void timesLogBackward(float[] x, float[] dOut, float[] dx, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            timesLogGradient(load(x, i), load(dOut, i)).intoArray(dx, i);
        }
        if (i < to) {
            VectorMask<Float> rest = first(to - i);
            timesLogGradient(load(x, i, rest), load(dOut, i, rest)).intoArray(dx, i, rest);
        }
    }

    // dOut / (2 y), from the output
    private static FloatVector sqrtGradient(FloatVector y, FloatVector dOut) {
        return dOut.div(y.mul(2f));
    }

    static void sqrtBackward(float[] x, float[] dOut, float[] dx, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            sqrtGradient(load(x, i), load(dOut, i)).intoArray(dx, i);
        }
        if (i < to) {
            VectorMask<Float> rest = first(to - i);
            sqrtGradient(load(x, i, rest), load(dOut, i, rest)).intoArray(dx, i, rest);
        }
    }

    // dOut * sign(x)
    private static FloatVector absGradient(FloatVector x, FloatVector dOut) {
        return dOut.mul(AttackLoops.sign(x));
    }

    static void absBackward(float[] x, float[] dOut, float[] dx, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            absGradient(load(x, i), load(dOut, i)).intoArray(dx, i);
        }
        if (i < to) {
            VectorMask<Float> rest = first(to - i);
            absGradient(load(x, i, rest), load(dOut, i, rest)).intoArray(dx, i, rest);
        }
    }

    // 2 x dOut
    private static FloatVector squareGradient(FloatVector x, FloatVector dOut) {
        return x.mul(2f).mul(dOut);
    }

    static void squareBackward(float[] x, float[] dOut, float[] dx, int from, int to) {
        int i = from;
        for (; i <= to - V; i += V) {
            squareGradient(load(x, i), load(dOut, i)).intoArray(dx, i);
        }
        if (i < to) {
            VectorMask<Float> rest = first(to - i);
            squareGradient(load(x, i, rest), load(dOut, i, rest)).intoArray(dx, i, rest);
        }
    }
}
