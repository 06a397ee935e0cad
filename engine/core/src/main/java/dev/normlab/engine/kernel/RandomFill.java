package dev.normlab.engine.kernel;

/// How a tensor is filled with random numbers.
///
/// @param kind  the distribution
/// @param keepProbability for [Kind#KEEP] the probability of a one; otherwise unused
public record RandomFill(Kind kind, float keepProbability) {

    /// Distributions.
    public enum Kind {
        /// Uniform in [-1, 1).
        UNIFORM,
        /// Standard normal.
        NORMAL,
        /// `1 / keepProbability` with probability `keepProbability`, else 0: the mask of (inverted) dropout.
        KEEP
    }
}
