package dev.normlab.engine.kernel.vector;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/// Vectors of doubles: half as many as the floats of a vector of [Lanes#SPECIES], which widen to two of them.
///
/// Floats are always loaded as whole vectors, never as vectors of half the length: a second class of float vectors in the profile of the
/// JDK's methods keeps the compiler from seeing through the loops of the convolutions, which then run ten times slower.
final class DoubleLanes {

    /// The preferred species of doubles.
    static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;

    /// Doubles per vector.
    static final int D = DOUBLES.length();

    private static final VectorShuffle<Float> SWAP_HALVES = VectorShuffle.fromOp(Lanes.SPECIES, lane -> (lane + D) % Lanes.V);

    private DoubleLanes() {}

    /// The lower half of the lanes, widened.
    static DoubleVector lower(FloatVector v) {
        return (DoubleVector) v.convertShape(VectorOperators.F2D, DOUBLES, 0);
    }

    /// The upper half of the lanes, widened. (`convertShape` with part 1 is many times slower.)
    static DoubleVector upper(FloatVector v) {
        return lower(v.rearrange(SWAP_HALVES));
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
