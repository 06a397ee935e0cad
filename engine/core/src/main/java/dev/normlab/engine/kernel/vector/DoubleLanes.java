package dev.normlab.engine.kernel.vector;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// Vectors of doubles, and the floats they come from and are rounded to: half as many as [Lanes#V].
final class DoubleLanes {

    /// The preferred species of doubles.
    static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;

    /// Doubles per vector.
    static final int D = DOUBLES.length();

    /// As many floats as there are doubles in a vector.
    static final VectorSpecies<Float> FLOATS = VectorSpecies.of(float.class, VectorShape.forBitSize(DOUBLES.vectorBitSize() / 2));

    private DoubleLanes() {}

    /// `D` floats from `at` on, widened.
    static DoubleVector doubles(float[] a, int at) {
        return widened(FloatVector.fromArray(FLOATS, a, at));
    }

    static DoubleVector widened(FloatVector v) {
        return (DoubleVector) v.convertShape(VectorOperators.F2D, DOUBLES, 0);
    }

    /// Rounded to the nearest floats.
    static FloatVector rounded(DoubleVector v) {
        return (FloatVector) v.convertShape(VectorOperators.D2F, FLOATS, 0);
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
