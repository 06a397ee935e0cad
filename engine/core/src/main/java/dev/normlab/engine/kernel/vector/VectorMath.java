package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.DoubleLanes.DOUBLES;
import static dev.normlab.engine.kernel.vector.Lanes.all;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;

/// Exponentials and logarithms of vectors, from additions, products and fused products only: the same bits on every machine, interpreted or
/// compiled, whatever lane a value lies in. Floats are within about two units in the last place, doubles within two as well. NaN stays NaN,
/// overflow gives infinity, and results below the normal numbers are rounded to subnormal ones.
final class VectorMath {

    private static final float LOG2_E = 1.442695041f;
    // ln 2 in two parts; the first has few bits, so that its products with small integers are exact
    private static final float LN2_HIGH = 0x1.62ep-1f;
    private static final float LN2_LOW = 0x1.0bfbe8e8p-15f;
    // adding it leaves the nearest integer in the low bits
    private static final float TO_INTEGER = 0x1.8p23f;

    private static final double LOG2_E_DOUBLE = 1.4426950408889634;
    private static final double LN2_HIGH_DOUBLE = 0x1.62e42fep-1;
    private static final double LN2_LOW_DOUBLE = 0x1.f473de6af278fp-30;
    private static final double TO_INTEGER_DOUBLE = 0x1.8p52;

    private VectorMath() {}

    /// `e^x`: with `x = n ln 2 + r`, `|r| <= ln 2 / 2`, Taylor's polynomial of `e^r` to the seventh power, times `2^n`.
    static FloatVector exp(FloatVector x) {
        FloatVector bounded = x.max(-104f).min(89f);
        FloatVector shifted = bounded.fma(all(LOG2_E), all(TO_INTEGER));
        FloatVector n = shifted.sub(TO_INTEGER);
        FloatVector r = n.fma(all(-LN2_LOW), n.fma(all(-LN2_HIGH), bounded));
        FloatVector p = r.fma(all(1 / 5040f), all(1 / 720f));
        p = p.fma(r, all(1 / 120f));
        p = p.fma(r, all(1 / 24f));
        p = p.fma(r, all(1 / 6f));
        p = p.fma(r, all(0.5f));
        p = p.fma(r, all(1f));
        p = p.fma(r, all(1f));
        // two factors, since one alone is no float at both ends
        IntVector power = shifted.reinterpretAsInts().sub(Float.floatToRawIntBits(TO_INTEGER));
        IntVector half = power.lanewise(VectorOperators.ASHR, 1);
        return p.mul(powerOfTwo(half)).mul(powerOfTwo(power.sub(half)));
    }

    private static FloatVector powerOfTwo(IntVector n) {
        return n.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
    }

    /// `1 / (1 + e^-x)`.
    static FloatVector sigmoid(FloatVector x) {
        // e^-|x| is at most 1 and never overflows; of negative x it is the numerator
        FloatVector e = exp(x.abs().neg());
        return all(1f).blend(e, x.compare(VectorOperators.LT, 0f)).div(e.add(1f));
    }

    /// The natural logarithm: with `x = 2^n m`, `m` between the square roots of 1/2 and 2, and `s = (m - 1) / (m + 1)`,
    /// `n ln 2 + 2 (s + s^3/3 + .. + s^9/9)`.
    static FloatVector log(FloatVector x) {
        var subnormal = x.compare(VectorOperators.LT, Float.MIN_NORMAL);
        IntVector bits = x.blend(x.mul(0x1p24f), subnormal).reinterpretAsInts();
        // the exponent counted from sqrt(1/2) on
        IntVector above = bits.sub(0x3f3504f3);
        IntVector exponent = above.lanewise(VectorOperators.ASHR, 23);
        FloatVector m = above.and(0x007fffff).add(0x3f3504f3).reinterpretAsFloats();
        FloatVector n = (FloatVector) exponent.convert(VectorOperators.I2F, 0);
        n = n.blend(n.sub(24f), subnormal);
        FloatVector f = m.sub(1f);
        FloatVector s = f.div(m.add(1f));
        FloatVector z = s.mul(s);
        FloatVector p = z.fma(all(2 / 9f), all(2 / 7f));
        p = p.fma(z, all(2 / 5f));
        p = p.fma(z, all(2 / 3f));
        // 2 s = f - s f: the large term is exact
        FloatVector small = p.mul(z).sub(f).mul(s);
        FloatVector y = n.fma(all(LN2_HIGH), n.fma(all(LN2_LOW), small).add(f));
        y = y.blend(x, x.compare(VectorOperators.EQ, Float.POSITIVE_INFINITY));
        y = y.blend(Float.NEGATIVE_INFINITY, x.compare(VectorOperators.EQ, 0f));
        return y.blend(Float.NaN, x.compare(VectorOperators.GE, 0f).not());
    }

    /// `x ln x`, 0 at 0.
    static FloatVector timesLog(FloatVector x) {
        return x.mul(log(x)).blend(0f, x.compare(VectorOperators.EQ, 0f));
    }

    /// `e^x` in double precision, for `x` up to 709: as for floats, to the thirteenth power.
    static DoubleVector exp(DoubleVector x) {
        DoubleVector bounded = x.max(-746.0);
        DoubleVector shifted = bounded.fma(broadcast(LOG2_E_DOUBLE), broadcast(TO_INTEGER_DOUBLE));
        DoubleVector n = shifted.sub(TO_INTEGER_DOUBLE);
        DoubleVector r = n.fma(broadcast(-LN2_LOW_DOUBLE), n.fma(broadcast(-LN2_HIGH_DOUBLE), bounded));
        DoubleVector p = r.fma(broadcast(1 / 6227020800.0), broadcast(1 / 479001600.0));
        p = p.fma(r, broadcast(1 / 39916800.0));
        p = p.fma(r, broadcast(1 / 3628800.0));
        p = p.fma(r, broadcast(1 / 362880.0));
        p = p.fma(r, broadcast(1 / 40320.0));
        p = p.fma(r, broadcast(1 / 5040.0));
        p = p.fma(r, broadcast(1 / 720.0));
        p = p.fma(r, broadcast(1 / 120.0));
        p = p.fma(r, broadcast(1 / 24.0));
        p = p.fma(r, broadcast(1 / 6.0));
        p = p.fma(r, broadcast(0.5));
        p = p.fma(r, broadcast(1.0));
        p = p.fma(r, broadcast(1.0));
        LongVector power = shifted.reinterpretAsLongs().sub(Double.doubleToRawLongBits(TO_INTEGER_DOUBLE));
        LongVector half = power.lanewise(VectorOperators.ASHR, 1);
        return p.mul(powerOfTwo(half)).mul(powerOfTwo(power.sub(half)));
    }

    private static DoubleVector broadcast(double value) {
        return DoubleVector.broadcast(DOUBLES, value);
    }

    private static DoubleVector powerOfTwo(LongVector n) {
        return n.add(1023).lanewise(VectorOperators.LSHL, 52).reinterpretAsDoubles();
    }
}
