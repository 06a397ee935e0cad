package dev.normlab.lip.spectral;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/// Which linear map of a convolution has its singular values limited before a network is evaluated.
public enum ClippedOperator {
    /// The layer's weights and strides on a torus of its input's size, whatever its borders are: the paper's. It is not the layer, and its
    /// norm is no bound of the layer's. Where the kernel wraps around a small map (`(k - 1)·dilation` is at least its size, as for 3x3
    /// kernels on the 2x2 maps of VGG11), taps that meet on the torus may cancel there, and what cancels is never limited.
    CIRCULAR,
    /// The layer with its own borders ([PaddedClipping]), whose l2 norm then is at most the limit, by a guaranteed bound. It takes longer.
    LAYER;

    /// The name on the command line: `circular`, `layer`.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// The operator of a name.
    ///
    /// @throws IllegalArgumentException if there is none
    public static ClippedOperator parse(String label) {
        return Arrays.stream(values()).filter(operator -> operator.label().equals(label.toLowerCase(Locale.ROOT))).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("convolutions are not clipped as '" + label + "'; known: "
                        + Arrays.stream(values()).map(ClippedOperator::label).collect(Collectors.joining(", "))));
    }
}
