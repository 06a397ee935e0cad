package dev.normlab.engine.kernel;

/// Sizes and constants of a classification loss over logits or log-probabilities `[n, k]` with labels `[n]`.
///
/// @param smoothing   label smoothing in [0, 1]: the target is `(1 - smoothing) * onehot + smoothing / k`
/// @param ignoreIndex labels of this value contribute nothing
/// @param reduction   what becomes of the `n` losses
public record CrossEntropySizes(int n, int k, float smoothing, int ignoreIndex, Reduction reduction) {}
