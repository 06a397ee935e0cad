package dev.normlab.nn.train;

import dev.normlab.engine.tensor.Tensor;

/// Checks labels against a model's outputs before kernels use them as indices.
final class Labels {

    private Labels() {}

    /// Fails if a label has no logit. Negative labels are left to the loss, which may ignore some.
    ///
    /// @param labels  int `[n]`
    /// @param classes the number of logits of an image
    /// @throws IllegalArgumentException if a label is too large
    static void requireBelow(Tensor labels, int classes) {
        int[] values = labels.storage().ints();
        for (int i = 0; i < labels.shape().elements(); i++) {
            if (values[i] >= classes) {
                throw new IllegalArgumentException("image " + i + " of the batch has the label " + values[i] + ", but the model has only "
                        + classes
                        + " outputs, for the labels 0 to " + (classes - 1) + "; make the model with as many classes as the data has");
            }
        }
    }
}
