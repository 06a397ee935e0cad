package dev.normlab.nn.train;

/// What was summed over the batches of an epoch so far.
///
/// @param lossSum the batches' mean losses, each times the size of its batch
/// @param correct images whose label had the largest logit
/// @param count   images
/// @param robustCorrect images that the objective had changed and whose label had the largest logit
/// @param robustCount   images that the objective had changed, such as those of adversarial training
public record EpochTotals(double lossSum, long correct, long count, long robustCorrect, long robustCount) {

    /// Before the first batch.
    public static final EpochTotals NONE = new EpochTotals(0, 0, 0, 0, 0);

    /// These totals and one more batch.
    public EpochTotals plus(StepResult result) {
        int changed = result.robustCorrect().isPresent() ? result.count() : 0;
        return new EpochTotals(lossSum + (double) result.loss() * result.count(), correct + result.correct(), count + result.count(),
                robustCorrect + result.robustCorrect().orElse(0), robustCount + changed);
    }

    /// The mean loss; NaN before the first batch.
    public double loss() {
        return lossSum / count;
    }

    /// The fraction of correct images, in [0, 1]; NaN before the first batch.
    public double accuracy() {
        return (double) correct / count;
    }

    /// The fraction of correct images among those that the objective had changed, in [0, 1]; NaN if there are none.
    public double robustAccuracy() {
        return (double) robustCorrect / robustCount;
    }
}
