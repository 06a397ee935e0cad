package dev.normlab.engine.kernel;

/// Sizes of batch normalisation over `[n, c, pixels]`: statistics per channel over `n * pixels` values. A 2-D input `[n, c]` has one pixel.
///
/// @param eps added to the variance before the square root
public record BatchNormSizes(int n, int c, int pixels, float eps) {

    /// The sizes of the statistics of a convolution's result, with an eps of 0.
    public static BatchNormSizes behind(Conv2dSizes s) {
        return new BatchNormSizes(s.n(), s.o(), s.oh() * s.ow(), 0);
    }

    /// Values per channel.
    public int count() {
        return n * pixels;
    }
}
