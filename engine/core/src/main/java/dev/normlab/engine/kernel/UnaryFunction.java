package dev.normlab.engine.kernel;

/// Elementwise functions of one argument, with what their derivative is computed from. NaN stays NaN.
public enum UnaryFunction {
    /// `max(0, x)`; derivative 0 at 0, from the output.
    RELU(true),
    /// `1 / (1 + e^-x)`, from the output.
    SIGMOID(true),
    /// `x * sigmoid(x)`, from the input.
    SILU(false),
    /// `e^x`, from the output.
    EXP(true),
    /// Natural logarithm, from the input.
    LOG(false),
    /// Square root, from the output.
    SQRT(true),
    /// `|x|`; derivative 0 at 0, from the input.
    ABS(false),
    /// -1, 0 or 1; derivative 0.
    SIGN(false),
    /// `-x`.
    NEGATE(false),
    /// `x * x`, from the input.
    SQUARE(false),
    /// `x * ln(x)`, 0 at 0; derivative `ln(x) + 1`, 0 at 0, from the input.
    X_LOG_X(false);

    private final boolean fromOutput;

    UnaryFunction(boolean fromOutput) {
        this.fromOutput = fromOutput;
    }

    /// Whether the backward kernel wants the output `y` rather than the input `x`.
    public boolean derivativeFromOutput() {
        return fromOutput;
    }
}
