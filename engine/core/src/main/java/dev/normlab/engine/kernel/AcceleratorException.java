package dev.normlab.engine.kernel;

/// An accelerator cannot do what it was asked to: the driver or the compiler failed, there is too little memory, or sizes are beyond what
/// its kernels take. The message says so in a sentence or two and names what to change.
public final class AcceleratorException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /// A failure that nothing else explains.
    ///
    /// @param message for the user
    public AcceleratorException(String message) {
        super(message);
    }

    /// A failure with what the driver or compiler said of it.
    ///
    /// @param message for the user
    /// @param cause   what the driver or compiler said
    public AcceleratorException(String message, Throwable cause) {
        super(message, cause);
    }
}
