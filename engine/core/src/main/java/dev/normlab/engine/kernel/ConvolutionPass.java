package dev.normlab.engine.kernel;

import java.util.Locale;

/// The three computations of a convolution layer in training.
public enum ConvolutionPass {

    /// The output from the input.
    FORWARD,

    /// The input's gradient from the output's.
    BACKWARD_INPUT,

    /// The weight's gradient from the input and the output's gradient.
    BACKWARD_WEIGHT;

    /// The name in files.
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
