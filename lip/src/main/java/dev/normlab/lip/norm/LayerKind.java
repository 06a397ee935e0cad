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
}
