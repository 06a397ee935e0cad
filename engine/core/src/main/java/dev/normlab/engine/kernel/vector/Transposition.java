package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.SPECIES;
import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/// Transposes tiles of V by V floats by interleaving row `i` with row `i + V/2` as often as V can be halved.
final class Transposition {

    /// Floats of scratch memory.
    static final int SCRATCH = 2 * V * V;

    private static final VectorShuffle<Float> LOWER = VectorShuffle.fromOp(SPECIES, i -> i / 2);
    private static final VectorShuffle<Float> UPPER = VectorShuffle.fromOp(SPECIES, i -> V / 2 + i / 2);
    private static final VectorMask<Float> ODD = VectorMask.fromLong(SPECIES, 0xAAAAAAAAAAAAAAAAL);

    private Transposition() {}

    /// `to[toAt + i * toStep + j] = from[fromAt + j * fromStep + i]`.
    static void tile(float[] from, int fromAt, int fromStep, float[] to, int toAt, int toStep, float[] scratch) {
        int here = 0, there = V * V;
        interleave(from, fromAt, fromStep, scratch, here, V);
        for (int rows = V; rows > 4; rows /= 2) {
            interleave(scratch, here, V, scratch, there, V);
            int next = here;
            here = there;
            there = next;
        }
        interleave(scratch, here, V, to, toAt, toStep);
    }

    private static void interleave(float[] from, int fromAt, int fromStep, float[] to, int toAt, int toStep) {
        for (int i = 0; i < V / 2; i++) {
            FloatVector a = load(from, fromAt + i * fromStep), b = load(from, fromAt + (i + V / 2) * fromStep);
            a.rearrange(LOWER).blend(b.rearrange(LOWER), ODD).intoArray(to, toAt + 2 * i * toStep);
            a.rearrange(UPPER).blend(b.rearrange(UPPER), ODD).intoArray(to, toAt + (2 * i + 1) * toStep);
        }
    }
}
