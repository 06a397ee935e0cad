package dev.normlab.engine.kernel;

/// What becomes of the losses of a batch.
public enum Reduction {
    /// The (weighted) mean over the counted examples.
    MEAN,
    /// The sum.
    SUM,
    /// One loss per example.
    NONE
}
