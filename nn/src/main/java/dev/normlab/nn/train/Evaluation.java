package dev.normlab.nn.train;

/// How a model does on a data set, in evaluation mode.
///
/// @param count   the number of images
/// @param correct how many got their label as the largest logit (the first one on ties)
/// @param loss    the mean cross entropy, in nats
public record Evaluation(int count, int correct, double loss) {

    /// The fraction that is correct, in [0, 1].
    public double accuracy() {
        return (double) correct / count;
    }
}
