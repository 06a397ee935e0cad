package dev.normlab.nn.layer;

/// Batch normalisation of `[n, c]`; see [BatchNormalization].
public final class BatchNorm1d extends BatchNormalization {

    /// With PyTorch's defaults.
    public BatchNorm1d(int channels) {
        this(channels, Options.DEFAULT);
    }

    /// With other options.
    ///
    /// @throws IllegalArgumentException if there is not at least one channel
    public BatchNorm1d(int channels, Options options) {
        super(2, channels, options);
    }
}
