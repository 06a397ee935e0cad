package dev.normlab.engine.kernel.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/// The machine's preferred vector length, and the few vector helpers that every kernel uses.
///
/// Species live in `static final` fields: anywhere else the compiler loses them and every operation allocates.
final class Lanes {

    /// The preferred species of floats.
    static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

    /// Floats per vector: 16 with AVX-512, 8 with AVX2, 4 with NEON or SSE. Also the channels per block of activations.
    static final int V = SPECIES.length();

    private Lanes() {}

    static FloatVector load(float[] a, int at) {
        return FloatVector.fromArray(SPECIES, a, at);
    }

    /// Zero where the mask is not set.
    static FloatVector load(float[] a, int at, VectorMask<Float> mask) {
        return FloatVector.fromArray(SPECIES, a, at, mask);
    }

    static FloatVector all(float value) {
        return FloatVector.broadcast(SPECIES, value);
    }

    static FloatVector zero() {
        return FloatVector.zero(SPECIES);
    }

    /// True in the first `count` lanes.
    static VectorMask<Float> first(int count) {
        return SPECIES.indexInRange(0, count);
    }

    /// Writes zeros into the lanes from `count` on of the vectors at `from, from + V, ..` below `to`.
    static void keepFirst(int count, float[] a, int from, int to) {
        VectorMask<Float> others = first(count).not();
        for (int i = from; i < to; i += V) {
            zero().intoArray(a, i, others);
        }
    }

    /// How many channels of block `block` exist when there are `channels` in all.
    static int channelsInBlock(int channels, int block) {
        return Math.min(V, channels - block * V);
    }

    /// The number of blocks of `V` channels that hold `channels` channels.
    static int blocks(int channels) {
        return (channels + V - 1) / V;
    }
}
