package dev.normlab.engine.kernel;

import java.util.Optional;
import java.util.ServiceLoader;

/// The simplest loops that keep one core busy, to measure what a machine can do at most: the yardstick of kernels.
///
/// Found with `ServiceLoader`; there is none where the JVM has no vector instructions to offer. All methods run on the calling thread
/// alone.
public interface PeakProbe {

    /// Whether the probe can run in this JVM.
    boolean available();

    /// Floating-point operations of one round of [#multiplyAdd]: a multiplication and an addition each count.
    int operationsPerRound();

    /// Fused multiply-adds on registers only, in chains that do not wait for each other.
    ///
    /// @return a value that depends on every chain, so that no compiler leaves one out
    float multiplyAdd(int rounds);

    /// The sum of elements `from` to `to` (exclusive), in an order of the machine's.
    float read(float[] a, int from, int to);

    /// `a = -a` for elements `from` to `to` (exclusive).
    void scaleInPlace(float[] a, int from, int to);

    /// `b = a` for elements `from` to `to` (exclusive), with ordinary stores.
    void copy(float[] a, float[] b, int from, int to);

    /// `c = a + 3 * b` for elements `from` to `to` (exclusive).
    void triad(float[] a, float[] b, float[] c, int from, int to);

    /// The probe of this machine.
    static Optional<PeakProbe> find() {
        return ServiceLoader.load(PeakProbe.class, PeakProbe.class.getClassLoader()).stream().map(ServiceLoader.Provider::get)
                .filter(PeakProbe::available).findFirst();
    }
}
