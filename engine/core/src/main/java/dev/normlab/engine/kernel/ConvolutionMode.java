package dev.normlab.engine.kernel;

import java.util.Locale;

/// How convolutions may be computed; chosen when a device is opened.
public enum ConvolutionMode {

    /// Every result is the sum of its definition's products, rounded as a float32 sum is.
    EXACT,

    /// Algorithms with fewer products where they are faster, with two to four times the rounding error; see `docs/performance.md`. Which
    /// algorithm computes a convolution follows from its sizes without the batch.
    FAST;

    /// The mode of this name, in any case.
    ///
    /// @throws IllegalArgumentException if there is none
    public static ConvolutionMode of(String name) {
        for (ConvolutionMode mode : values()) {
            if (mode.toString().equals(name.toLowerCase(Locale.ROOT))) {
                return mode;
            }
        }
        throw new IllegalArgumentException("there is no mode of convolutions '" + name + "'; known modes: exact, fast");
    }

    /// The name on the command line and in files.
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
