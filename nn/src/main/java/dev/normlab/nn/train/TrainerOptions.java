package dev.normlab.nn.train;

import dev.normlab.nn.optim.Schedule;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// How a run is trained.
///
/// @param epochs         passes over the training images
/// @param schedule       of the learning rate, which starts from the optimiser's
/// @param evaluateEvery  epochs from one evaluation to the next; the last epoch is always evaluated
/// @param evaluationSize images evaluated at a time
/// @param checkpoint     where to write a checkpoint after every epoch and when asked to stop, or null for none
/// @param metadata       strings to keep in the checkpoint, for example the model's specification
/// @param estimateOn     training images on which batch norm's running statistics are estimated anew at the end of every epoch
///                       ([BatchNormEstimate]), for hooks that change weights there; 0 to leave them as training made them
public record TrainerOptions(int epochs, Schedule schedule, int evaluateEvery, int evaluationSize, @Nullable Path checkpoint,
        Map<String, String> metadata, int estimateOn) {

    /// Checks the values.
    ///
    /// @throws IllegalArgumentException if a number is below 1 (epochs, images to estimate on: below 0)
    public TrainerOptions {
        if (epochs < 0 || evaluateEvery < 1 || evaluationSize < 1 || estimateOn < 0) {
            throw new IllegalArgumentException(
                    "expected at least 0 epochs, an evaluation at least every 1 epochs, 1 image at a time and 0 to estimate on, but got "
                            + epochs + ", " + evaluateEvery + ", " + evaluationSize + " and " + estimateOn);
        }
        metadata = Map.copyOf(metadata);
    }

    /// Evaluates after every epoch, 256 images at a time, and writes no checkpoint.
    public static TrainerOptions of(int epochs, Schedule schedule) {
        return new TrainerOptions(epochs, schedule, 1, 256, null, Map.of(), 0);
    }

    /// These options with a checkpoint.
    public TrainerOptions withCheckpoint(Path file, Map<String, String> strings) {
        return new TrainerOptions(epochs, schedule, evaluateEvery, evaluationSize, file, strings, estimateOn);
    }

    /// These options with batch norm's statistics estimated anew on so many images.
    public TrainerOptions withStatisticsOf(int images) {
        return new TrainerOptions(epochs, schedule, evaluateEvery, evaluationSize, checkpoint, metadata, images);
    }
}
