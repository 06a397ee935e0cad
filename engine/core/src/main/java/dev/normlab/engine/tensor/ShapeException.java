package dev.normlab.engine.tensor;

/// Shapes that do not fit an operation. The message names the operation, what it expected with named sizes, what it got, and the dimension
/// at fault.
public final class ShapeException extends IllegalArgumentException {

    private static final long serialVersionUID = 1L;

    /// An error with its message.
    ///
    /// @param message a whole sentence for the person who passed the shapes
    public ShapeException(String message) {
        super(message);
    }
}
