package dev.normlab.engine.kernel;

/// Elementwise functions of two arguments. Comparisons give 1 or 0.
public enum BinaryFunction {
    /// `a + b`.
    ADD,
    /// `a - b`.
    SUBTRACT,
    /// `a · b`.
    MULTIPLY,
    /// `a / b`.
    DIVIDE,
    /// The smaller one; NaN if either is NaN.
    MINIMUM,
    /// The larger one; NaN if either is NaN.
    MAXIMUM,
    /// `a > b`.
    GREATER,
    /// `a >= b`.
    GREATER_OR_EQUAL,
    /// `a == b`.
    EQUAL
}
