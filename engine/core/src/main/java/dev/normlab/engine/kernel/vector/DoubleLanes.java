package dev.normlab.engine.kernel.vector;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/// Vectors of doubles, and the floats they come from and are rounded to: half as many as [Lanes#V].
///
/// These floats are the lower half of a vector of [Lanes#SPECIES], never a vector of half the length: a second class of float vectors in the
/// profile of the JDK's methods keeps the compiler from seeing through the loops of the convolutions, which then run ten times slower.
final class DoubleLanes {

    /// The preferred species of doubles.
    static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;

    /// Doubles per vector.
    static final int D = DOUBLES.length();

    /// The lanes of a vector of floats that have a double.
    private static final VectorMask<Float> LOWER = Lanes.SPECIES.indexInRange(0, D);

    private DoubleLanes() {}

    /// `D` floats from `at` on, in the lower lanes.
    static FloatVector floats(float[] a, int at) {
        return FloatVector.fromArray(Lanes.SPECIES, a, at, LOWER);
    }

    /// Writes the lower `D` lanes to `at` and beyond.
    static void store(FloatVector v, float[] a, int at) {
        v.intoArray(a, at, LOWER);
    }

    /// `D` floats from `at` on, widened.
    static DoubleVector doubles(float[] a, int at) {
        return widened(floats(a, at));
    }

    /// The lower `D` lanes, widened.
    static DoubleVector widened(FloatVector v) {
        return (DoubleVector) v.convertShape(VectorOperators.F2D, DOUBLES, 0);
    }

    /// Rounded to the nearest floats, in the lower lanes.
    static FloatVector rounded(DoubleVector v) {
        return (FloatVector) v.convertShape(VectorOperators.D2F, Lanes.SPECIES, 0);
    }

    /// The sum of all lanes, in their order.
    ///
    /// @param lanes scratch memory
    static double sum(DoubleVector v, double[] lanes) {
        v.intoArray(lanes, 0);
        double sum = 0;
        for (int i = 0; i < D; i++) {
            sum += lanes[i];
        }
        return sum;
    }
}
