package dev.normlab.experiments.run;

import dev.normlab.nn.layer.Layer;
import java.util.Locale;
import java.util.Optional;

/// Whether batch norm's running statistics have seen enough steps to judge a model in evaluation mode.
///
/// They begin at mean 0 and variance 1, and a step leaves nine tenths of what they were: after 44 steps a hundredth of the beginning is
/// left.
public final class RunningStatistics {

    private static final int ENOUGH_STEPS = 44;
    private static final double KEPT = 0.9;

    private RunningStatistics() {}

    /// A sentence for the user if a model was trained for too few steps; nothing if there were enough, or the model has no running
    /// statistics.
    public static Optional<String> remark(Layer model, long steps) {
        boolean running = model.namedBuffers().keySet().stream().anyMatch(name -> name.endsWith("running_mean"));
        if (!running || steps >= ENOUGH_STEPS) {
            return Optional.empty();
        }
        double left = StrictMath.pow(KEPT, steps);
        return Optional.of(String.format(Locale.ROOT,
                "batch norm's running statistics have seen %d training steps only and still are %.0f%% what they "
                        + "began with, so that accuracy in evaluation mode may be far from that in training; take more epochs or a smaller batch, or see with "
                        + "evaluate --bn-statistics 1024 what statistics that fit give",
                steps,
                100 * left));
    }
}
