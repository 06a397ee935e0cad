package dev.normlab.engine.kernel;

/// Along what an attack steps, and so in which ball it stays.
public enum StepDirection {
    /// The signs of the gradient, in the linf ball.
    SIGN,
    /// The gradient divided by its Euclidean length, in the l2 ball.
    UNIT
}
