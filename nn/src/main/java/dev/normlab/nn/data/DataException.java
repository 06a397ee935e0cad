package dev.normlab.nn.data;

import org.jspecify.annotations.Nullable;

/// Data that is missing, damaged or not what was asked for. The message is a sentence for the user: it names the file or the option, says
/// what was expected and what came.
public final class DataException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /// An error with its message.
    ///
    /// @param message a whole sentence for the user
    public DataException(String message) {
        super(message);
    }

    /// An error with its message.
    ///
    /// @param message a whole sentence for the user
    /// @param cause what found it
    public DataException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
