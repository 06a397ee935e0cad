package dev.normlab.engine.kernel;

/// Sizes of batch normalisation over `[n, c, pixels]`: statistics per channel over `n * pixels` values. A 2-D input `[n, c]` has one pixel.
///
/// @param eps added to the variance before the square root
public record BatchNormSizes(int n, int c, int pixels, float eps) {

    /// Values per channel.
    public int count() {
        return n * pixels;
    }
}
