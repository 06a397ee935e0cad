package dev.normlab.engine.autograd;

import dev.normlab.engine.kernel.Pool2dSizes;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;

/// The windows of a pooling.
///
/// @param ceilMode        whether the number of windows is rounded up; a window that would start in the right padding is dropped
/// @param countIncludePad for averages: whether padding counts in the divisor
/// @param divisorOverride for averages: the divisor of every window, or 0 for the usual one
public record Pool2dGeometry(int kh, int kw, int strideH, int strideW, int padH, int padW, int dilationH, int dilationW, boolean ceilMode,
        boolean countIncludePad, int divisorOverride) {

    /// Checks the values.
    ///
    /// @throws ShapeException if a size is below 1 or the padding exceeds half of the kernel
    public Pool2dGeometry {
        if (kh < 1 || kw < 1 || strideH < 1 || strideW < 1 || dilationH < 1 || dilationW < 1 || divisorOverride < 0) {
            throw new ShapeException(
                    "pool2d: kernel, stride and dilation are at least 1, but got kernel [" + kh + ", " + kw + "], stride [" + strideH + ", "
                            + strideW + "], dilation [" + dilationH + ", " + dilationW + "], divisor " + divisorOverride);
        }
        if (padH < 0 || padW < 0 || padH > (dilationH * (kh - 1) + 1) / 2 || padW > (dilationW * (kw - 1) + 1) / 2) {
            throw new ShapeException(
                    "pool2d: padding is at most half of the kernel, but got padding [" + padH + ", " + padW + "] for kernel [" + kh + ", "
                            + kw + "]");
        }
    }

    /// Square windows, padding that counts in averages, sizes rounded down.
    public static Pool2dGeometry of(int kernel, int stride, int padding) {
        return new Pool2dGeometry(kernel, kernel, stride, stride, padding, padding, 1, 1, false, true, 0);
    }

    /// All sizes for an input `[n, c, h, w]`.
    ///
    /// @throws ShapeException if it is not 4-D or no window fits
    Pool2dSizes sizes(Shape input) {
        if (input.rank() != 4) {
            throw new ShapeException("pool2d: expected input [n, c, h, w], but got " + input);
        }
        int oh = windows(input.size(2), kh, strideH, padH, dilationH);
        int ow = windows(input.size(3), kw, strideW, padW, dilationW);
        if (oh < 1 || ow < 1) {
            throw new ShapeException(
                    "pool2d: no window [" + kh + ", " + kw + "] fits into input " + input + " with padding [" + padH + ", " + padW + "]");
        }
        return new Pool2dSizes(input.size(0), input.size(1), input.size(2), input.size(3), kh, kw, strideH, strideW, padH, padW, dilationH,
                dilationW, oh, ow, countIncludePad, divisorOverride);
    }

    private int windows(int size, int kernel, int stride, int pad, int dilation) {
        int room = size + 2 * pad - dilation * (kernel - 1) - 1;
        if (room < 0) {
            return 0;
        }
        int count = (room + (ceilMode ? stride - 1 : 0)) / stride + 1;
        return ceilMode && (count - 1) * stride >= size + pad ? count - 1 : count;
    }
}
