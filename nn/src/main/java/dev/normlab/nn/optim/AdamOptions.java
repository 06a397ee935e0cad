package dev.normlab.nn.optim;

/// How Adam updates.
///
/// @param learningRate the first learning rate
/// @param beta1        how much of the gradients' mean is kept from step to step
/// @param beta2        how much of the squared gradients' mean is kept from step to step
/// @param eps          added to the root of the latter
/// @param weightDecay  factor of the weight that is added to the gradient, or in AdamW taken off the weight times the learning rate
/// @param decoupled    true for AdamW
public record AdamOptions(double learningRate, double beta1, double beta2, double eps, double weightDecay, boolean decoupled) {

    /// Checks the values.
    ///
    /// @throws IllegalArgumentException if a value is out of range
    public AdamOptions {
        SgdOptions.requireRate("learning rate", learningRate);
        SgdOptions.requireRate("weight decay", weightDecay);
        SgdOptions.requireRate("eps", eps);
        if (!(beta1 >= 0 && beta1 < 1) || !(beta2 >= 0 && beta2 < 1)) {
            throw new IllegalArgumentException("Adam's betas lie in [0, 1), but got " + beta1 + " and " + beta2);
        }
    }

    /// Adam with PyTorch's defaults: betas 0.9 and 0.999, eps 1e-8, no weight decay.
    public static AdamOptions adam(double learningRate) {
        return new AdamOptions(learningRate, 0.9, 0.999, 1e-8, 0, false);
    }

    /// AdamW with PyTorch's defaults, weight decay included: 0.01.
    public static AdamOptions adamW(double learningRate) {
        return new AdamOptions(learningRate, 0.9, 0.999, 1e-8, 0.01, true);
    }
}
