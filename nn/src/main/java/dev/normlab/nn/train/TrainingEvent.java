package dev.normlab.nn.train;

import java.nio.file.Path;
import java.util.Optional;

/// What a [Trainer] tells its listeners.
public sealed interface TrainingEvent {

    /// The run begins, or goes on after a checkpoint.
    ///
    /// @param epoch      the epoch in which it begins, from 0
    /// @param batch      the batch in that epoch with which it begins, from 0
    /// @param epochs     epochs of the whole run
    /// @param batches    batches of an epoch
    /// @param images     training images
    /// @param parameters values of the model's parameters
    record RunStarted(int epoch, int batch, int epochs, int batches, int images, long parameters) implements TrainingEvent {}

    /// An epoch begins, or goes on.
    ///
    /// @param epoch        from 0
    /// @param learningRate of its steps
    record EpochStarted(int epoch, double learningRate) implements TrainingEvent {}

    /// A step was taken.
    ///
    /// @param epoch           from 0
    /// @param batch           the batch in its epoch, from 0
    /// @param batches         batches of an epoch
    /// @param step            the step in the run, from 0
    /// @param result          of this batch
    /// @param totals          of the epoch so far
    /// @param imagesPerSecond since this process began or resumed the epoch
    record StepFinished(int epoch, int batch, int batches, long step, StepResult result, EpochTotals totals, double imagesPerSecond)
            implements
                TrainingEvent {}

    /// An epoch is over and was evaluated.
    ///
    /// @param epoch           from 0
    /// @param learningRate    of its steps
    /// @param train           over the epoch's steps, in training mode, while the model changed
    /// @param test            on the test images after the epoch, in evaluation mode, if there are any and it was due
    /// @param imagesPerSecond of training
    /// @param seconds         of training and evaluation in this process
    record EpochFinished(int epoch, double learningRate, EpochTotals train, Optional<Evaluation> test, double imagesPerSecond,
            double seconds)
            implements
                TrainingEvent {}

    /// A checkpoint was written.
    ///
    /// @param epoch the epoch with which a resumed run goes on
    /// @param batch the batch with which it goes on
    record CheckpointWritten(Path file, int epoch, int batch) implements TrainingEvent {}

    /// A step met NaN or infinity; the trainer throws the exception next.
    ///
    /// @param epoch from 0
    /// @param batch the batch in its epoch, from 0
    record Diverged(int epoch, int batch, DivergenceException exception) implements TrainingEvent {}

    /// The run is over.
    ///
    /// @param completed whether all epochs were trained; false if it was asked to stop before
    /// @param steps     taken in the whole run
    /// @param seconds   of this process
    record RunFinished(boolean completed, long steps, double seconds) implements TrainingEvent {}
}
