package dev.normlab.nn.optim;

/// How stochastic gradient descent updates.
///
/// @param learningRate the first learning rate
/// @param momentum     how much of the last update goes on; 0 for none
/// @param dampening    how much of the gradient is kept out of the momentum
/// @param weightDecay  factor of the weight that is added to the gradient
/// @param nesterov     whether the momentum looks ahead
public record SgdOptions(double learningRate, double momentum, double dampening, double weightDecay, boolean nesterov) {

    /// Checks the values.
    ///
    /// @throws IllegalArgumentException if a value is out of range
    public SgdOptions {
        requireRate("learning rate", learningRate);
        requireRate("momentum", momentum);
        requireRate("weight decay", weightDecay);
        if (!Double.isFinite(dampening)) {
            throw new IllegalArgumentException("the dampening is a finite number, but got " + dampening);
        }
        if (nesterov && (momentum == 0 || dampening != 0)) {
            throw new IllegalArgumentException(
                    "Nesterov momentum needs a momentum above 0 and no dampening, but got " + momentum + " and " + dampening);
        }
    }

    /// Plain momentum.
    public static SgdOptions of(double learningRate, double momentum, double weightDecay) {
        return new SgdOptions(learningRate, momentum, 0, weightDecay, false);
    }

    static void requireRate(String what, double value) {
        if (!(value >= 0) || Float.isInfinite((float) value)) {
            throw new IllegalArgumentException("the " + what + " is a finite number of at least 0, but got " + value);
        }
    }
}
