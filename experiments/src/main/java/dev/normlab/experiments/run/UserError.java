package dev.normlab.experiments.run;

/// A mistake that the person at the command line can mend. The message says what was expected, what came, and what to do; no stack trace is
/// shown.
public final class UserError extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /// Whether the options were wrong.
    private final boolean usage;

    private UserError(String message, boolean usage) {
        super(message);
        this.usage = usage;
    }

    /// A mistake in the options themselves: exit code 2.
    public static UserError usage(String message) {
        return new UserError(message, true);
    }

    /// Something outside the options is not as needed (a file, a folder): exit code 1.
    public static UserError failure(String message) {
        return new UserError(message, false);
    }

    /// Whether the options themselves are wrong.
    public boolean isUsage() {
        return usage;
    }
}
