package dev.normlab.nn.layer;

/// Batch normalisation of `[n, c, h, w]`; see [BatchNormalization].
public final class BatchNorm2d extends BatchNormalization {

    /// With PyTorch's defaults.
    public BatchNorm2d(int channels) {
        this(channels, Options.DEFAULT);
    }

    /// With other options.
    ///
    /// @throws IllegalArgumentException if there is not at least one channel
    public BatchNorm2d(int channels, Options options) {
        super(4, channels, options);
    }
}
