package dev.normlab.nn.train;

/// What a training step found on its batch, before the update.
///
/// @param loss    the objective's value
/// @param correct how many images got their label as the largest logit
/// @param count   how many images the batch has
public record StepResult(float loss, int correct, int count) {}
