package dev.normlab.attacks;

/// Passes of one image through a model. A gradient is a pass forward and one backward.
///
/// @param forward  passes
/// @param backward passes
public record Passes(long forward, long backward) {

    /// No pass at all.
    public static final Passes NONE = new Passes(0, 0);

    /// So many gradients.
    static Passes gradients(long count) {
        return new Passes(count, count);
    }

    /// These and others.
    public Passes plus(Passes other) {
        return new Passes(forward + other.forward, backward + other.backward);
    }

    /// These so many times.
    Passes times(long count) {
        return new Passes(count * forward, count * backward);
    }
}
