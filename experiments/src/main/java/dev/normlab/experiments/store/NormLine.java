package dev.normlab.experiments.store;

/// One line of `norms.jsonl`: the norms of one layer after an epoch, in module order.
///
/// @param epoch the number of completed epochs; 0 before training
/// @param layer the layer's name in the state dictionary, without the parameter: `features.0`
/// @param kind `conv`, `linear` or `bn`
/// @param l1 the layer's l1 norm
/// @param linf the layer's linf norm
public record NormLine(int epoch, String layer, String kind, double l1, double linf) implements EpochLine {}
