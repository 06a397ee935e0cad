package dev.normlab.lip.norm;

import java.util.Locale;

/// Which vector norm induces the norm of a layer's linear part.
public enum Norm {
    /// The largest absolute column sum of the layer's matrix.
    L1,
    /// The largest absolute row sum of the layer's matrix.
    LINF;

    /// The name on the command line: `l1`, `linf`.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// The norm of a name.
    ///
    /// @throws IllegalArgumentException if there is no such norm
    public static Norm parse(String label) {
        for (Norm norm : values()) {
            if (norm.label().equals(label.toLowerCase(Locale.ROOT))) {
                return norm;
            }
        }
        throw new IllegalArgumentException("there is no norm '" + label + "'; known norms: l1, linf");
    }
}
