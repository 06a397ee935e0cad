package dev.normlab.engine.io;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// A file whose content is not what its format demands. The message names the file, what was expected and what came.
public final class FormatException extends IOException {

    private static final long serialVersionUID = 1L;

    /// An error of a file.
    ///
    /// @param source the file, as the user named it
    /// @param problem what was expected and what came instead
    public FormatException(String source, String problem) {
        super(source + ": " + problem);
    }

    /// An error of a file.
    ///
    /// @param source the file, as the user named it
    /// @param problem what was expected and what came instead
    /// @param cause what found it
    public FormatException(String source, String problem, @Nullable Throwable cause) {
        super(source + ": " + problem, cause);
    }
}
