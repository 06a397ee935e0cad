package dev.normlab.lip.bound;

/// The same quantity in l1, l2 and linf.
public record PNorms(double l1, double l2, double linf) {

    /// 1 in every norm.
    static final PNorms ONE = new PNorms(1, 1, 1);
    /// 0 in every norm.
    static final PNorms ZERO = new PNorms(0, 0, 0);

    /// Bounds of one map after another.
    PNorms times(PNorms other) {
        return new PNorms(l1 * other.l1, l2 * other.l2, linf * other.linf);
    }

    /// A bound times a number.
    PNorms times(double factor) {
        return new PNorms(l1 * factor, l2 * factor, linf * factor);
    }

    /// Bounds of a sum of maps.
    PNorms plus(PNorms other) {
        return new PNorms(l1 + other.l1, l2 + other.l2, linf + other.linf);
    }

    /// Bounds of maps whose outputs stand beside each other.
    PNorms beside(PNorms other) {
        return new PNorms(l1 + other.l1, Math.sqrt(l2 * l2 + other.l2 * other.l2), Math.max(linf, other.linf));
    }

    /// The norms of copying every value `copies` times.
    static PNorms copies(double copies) {
        return new PNorms(copies, Math.sqrt(copies), 1);
    }
}
