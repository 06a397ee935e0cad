package dev.normlab.nn.train;

import java.util.OptionalInt;

/// What a training step found on its batch, before the update.
///
/// @param loss    the objective's value
/// @param correct how many images got their label as the largest logit
/// @param count   how many images the batch has
/// @param robustCorrect how many of the images that the objective changed got their label as the largest logit; empty if it changed none
public record StepResult(float loss, int correct, int count, OptionalInt robustCorrect) {

    /// The result of an objective that takes the images as they are.
    public StepResult(float loss, int correct, int count) {
        this(loss, correct, count, OptionalInt.empty());
    }
}
