package dev.normlab.lip.norm;

import java.util.Locale;

/// The kinds of layers that have norms.
public enum LayerKind {
    /// Convolutions, transposed ones included.
    CONV,
    /// Linear layers.
    LINEAR,
    /// Batch normalisation as it acts in eval mode: a diagonal.
    BN;

    /// The name in tables and JSON: `conv`, `linear`, `bn`.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// The kind of a name.
    ///
    /// @throws IllegalArgumentException if there is no such kind
    public static LayerKind parse(String label) {
        for (LayerKind kind : values()) {
            if (kind.label().equals(label.toLowerCase(Locale.ROOT))) {
                return kind;
            }
        }
        throw new IllegalArgumentException("there is no kind of layer '" + label + "'; known kinds: conv, linear, bn");
    }
}
