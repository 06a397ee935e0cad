package dev.normlab.lip.norm;

/// A norm that cannot be computed: the message names the layer, says why, and what to do.
public final class NormException extends IllegalStateException {

    private static final long serialVersionUID = 1L;

    /// An error with its message.
    ///
    /// @param message a whole sentence for the person who asked for the norm
    public NormException(String message) {
        super(message);
    }
}
