package dev.normlab.nn.loss;

import dev.normlab.engine.autograd.CrossEntropyOptions;
import dev.normlab.engine.autograd.Losses;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import java.util.Optional;

/// What a training step minimises: the forward pass of the model and a loss.
@FunctionalInterface
public interface Objective {

    /// Computes the loss of one batch. Uses operations of the tape only, so that the step can be recorded.
    ///
    /// @param images `[n, c, h, w]`
    /// @param labels int `[n]`
    Outcome evaluate(Tape tape, Layer model, Tensor images, Tensor labels);

    /// Called before every step, recorded or not: brings the scalars that [#evaluate]'s operations read up to date, such as the counter of
    /// random numbers.
    ///
    /// @param step the number of the step, from 0
    default void beforeStep(long step) {}

    /// What an objective computes.
    ///
    /// @param loss          one element, differentiated by the step
    /// @param logits        `[n, classes]`, for the accuracy
    /// @param changedLogits `[n, classes]` of versions of the images that the objective made to be hard, for a second accuracy; empty if it
    ///                      makes none
    record Outcome(Tensor loss, Tensor logits, Optional<Tensor> changedLogits) {

        /// The outcome of an objective that takes the images as they are.
        public Outcome(Tensor loss, Tensor logits) {
            this(loss, logits, Optional.empty());
        }
    }

    /// The mean cross entropy of the model's logits.
    static Objective crossEntropy() {
        return (tape, model, images, labels) -> {
            Tensor logits = model.forward(tape, images);
            return new Outcome(Losses.crossEntropy(tape, logits, labels), logits);
        };
    }

    /// The cross entropy with label smoothing, ignored labels or class weights.
    static Objective crossEntropy(CrossEntropyOptions options) {
        return (tape, model, images, labels) -> {
            Tensor logits = model.forward(tape, images);
            return new Outcome(Losses.crossEntropy(tape, logits, labels, options), logits);
        };
    }
}
