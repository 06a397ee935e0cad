package dev.normlab.engine.autograd;

import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.ShapeException;

/// Where the taps of a convolution lie: strides, padding on each side, dilation, groups, and what stands outside the image.
public record Conv2dGeometry(int strideH, int strideW, int padTop, int padBottom, int padLeft, int padRight, int dilationH, int dilationW,
        int groups, PadMode mode) {

    /// Checks the values.
    ///
    /// @throws ShapeException if a stride, dilation or the group count is below 1 or a padding is negative
    public Conv2dGeometry {
        if (strideH < 1 || strideW < 1 || dilationH < 1 || dilationW < 1 || groups < 1) {
            throw new ShapeException(
                    "conv2d: stride, dilation and groups are at least 1, but got stride [" + strideH + ", " + strideW + "], dilation ["
                            + dilationH + ", " + dilationW + "], groups " + groups);
        }
        if (padTop < 0 || padBottom < 0 || padLeft < 0 || padRight < 0) {
            throw new ShapeException(
                    "conv2d: padding is not negative, but got top " + padTop + ", bottom " + padBottom + ", left " + padLeft + ", right "
                            + padRight);
        }
    }

    /// The same stride and zero padding on both axes, no dilation, one group.
    public static Conv2dGeometry of(int stride, int padding) {
        return of(stride, padding, 1);
    }

    /// The same stride and zero padding on both axes, no dilation.
    public static Conv2dGeometry of(int stride, int padding, int groups) {
        return new Conv2dGeometry(stride, stride, padding, padding, padding, padding, 1, 1, groups, PadMode.ZERO);
    }

    /// This geometry with another padding mode.
    public Conv2dGeometry withMode(PadMode newMode) {
        return new Conv2dGeometry(strideH, strideW, padTop, padBottom, padLeft, padRight, dilationH, dilationW, groups, newMode);
    }

    /// This geometry without padding, for an image that was padded already.
    public Conv2dGeometry unpadded() {
        return new Conv2dGeometry(strideH, strideW, 0, 0, 0, 0, dilationH, dilationW, groups, PadMode.ZERO);
    }

    /// Whether any side is padded.
    public boolean isPadded() {
        return padTop + padBottom + padLeft + padRight > 0;
    }

    /// Output rows for `h` input rows and `kh` taps; not positive if the kernel does not fit.
    public int outputRows(int h, int kh) {
        return Math.floorDiv(h + padTop + padBottom - dilationH * (kh - 1) - 1, strideH) + 1;
    }

    /// Output columns for `w` input columns and `kw` taps; not positive if the kernel does not fit.
    public int outputColumns(int w, int kw) {
        return Math.floorDiv(w + padLeft + padRight - dilationW * (kw - 1) - 1, strideW) + 1;
    }
}
