package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Shape;

/// Sizes of 2-D pooling: input `[n, c, h, w]`, output `[n, c, oh, ow]`.
///
/// @param countIncludePad whether zero padding counts in the divisor of an average (padding that ceil mode adds beyond `padH`, `padW` never
///     counts)
/// @param divisorOverride the divisor of every average, or 0 for the usual one
public record Pool2dSizes(int n, int c, int h, int w, int kh, int kw, int strideH, int strideW, int padH, int padW, int dilationH,
        int dilationW, int oh, int ow, boolean countIncludePad, int divisorOverride) {

    /// The largest number of pixels of a plane in which the position of a maximum is known: up to here floats hold every integer.
    public static final int MAX_POSITIONS = 1 << 24;

    /// `[n, c, h, w]`.
    public Shape inputShape() {
        return Shape.of(n, c, h, w);
    }

    /// `[n, c, oh, ow]`.
    public Shape outputShape() {
        return Shape.of(n, c, oh, ow);
    }
}
