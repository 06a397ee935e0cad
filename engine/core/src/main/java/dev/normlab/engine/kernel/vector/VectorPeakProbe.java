package dev.normlab.engine.kernel.vector;

import dev.normlab.engine.kernel.PeakProbe;

/// Loads no class of the Vector API before it is known to be there; the loops are in [PeakLoops].
public final class VectorPeakProbe implements PeakProbe {

    @Override
    public boolean available() {
        return new VectorProvider().obstacle().isEmpty();
    }

    @Override
    public int operationsPerRound() {
        return PeakLoops.OPERATIONS;
    }

    @Override
    public float multiplyAdd(int rounds) {
        return PeakLoops.multiplyAdd(rounds);
    }

    @Override
    public float read(float[] a, int from, int to) {
        return PeakLoops.read(a, from, to);
    }

    @Override
    public void scaleInPlace(float[] a, int from, int to) {
        PeakLoops.scaleInPlace(a, from, to);
    }

    @Override
    public void copy(float[] a, float[] b, int from, int to) {
        PeakLoops.copy(a, b, from, to);
    }

    @Override
    public void triad(float[] a, float[] b, float[] c, int from, int to) {
        PeakLoops.triad(a, b, c, from, to);
    }
}
