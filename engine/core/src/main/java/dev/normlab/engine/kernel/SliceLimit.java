package dev.normlab.engine.kernel;

/// How large the slices of a weight may be: the sum of absolute weights of every slice is at most a radius, and of batch norm
/// `|weight| / sqrt(var + eps)` of every channel.
///
/// @param slices the slices; those of one channel are projected together
/// @param radius the largest sum allowed, at least 0 and finite
/// @param eps    what batch norm adds to a variance
public record SliceLimit(SliceNormSizes slices, double radius, float eps) {

    /// Checks the radius.
    ///
    /// @throws IllegalArgumentException if it is negative, NaN or infinite
    public SliceLimit {
        if (!(radius >= 0 && radius < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("slices: the radius is a number of at least 0, but got " + radius);
        }
    }

    /// The slices of a weight that no variance scales.
    ///
    /// @throws IllegalArgumentException if the radius is negative, NaN or infinite
    public static SliceLimit of(SliceNormSizes slices, double radius) {
        return new SliceLimit(slices, radius, 0f);
    }

    /// The largest sum of a channel with this running variance.
    public double radius(float var) {
        return radius * Math.sqrt((double) var + eps);
    }
}
