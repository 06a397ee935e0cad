package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.PadMode;

/// The sizes of a convolution on a torus: the image `h x w` continues on its other side, and every `stride`-th position has an output.
///
/// The linear map is the same for every shift of the image, so padding does not enter. Weights are `[o, c/groups, kh, kw]`; a kernel may be
/// larger than the image.
public record CircularConvolution(int o, int c, int kh, int kw, int groups, int h, int w, int strideH, int strideW, int dilationH,
        int dilationW) {

    /// Checks the values.
    ///
    /// @throws IllegalArgumentException if a size is below 1, channels are no multiple of the groups, or a stride does not divide the image
    public CircularConvolution {
        if (o < 1 || c < 1 || kh < 1 || kw < 1 || groups < 1 || h < 1 || w < 1 || strideH < 1 || strideW < 1 || dilationH < 1
                || dilationW < 1 || o % groups != 0 || c % groups != 0) {
            throw new IllegalArgumentException(
                    "a circular convolution has sizes of at least 1 and channels that are multiples of the groups, but got "
                            + "o=" + o + ", c=" + c + ", kernel " + kh + "x" + kw + ", groups=" + groups + ", image " + h + "x" + w
                            + ", stride [" + strideH
                            + ", " + strideW + "], dilation [" + dilationH + ", " + dilationW + "]");
        }
        if (h % strideH != 0 || w % strideW != 0) {
            throw new IllegalArgumentException("on an image of " + h + "x" + w + " a circular convolution of stride [" + strideH + ", "
                    + strideW
                    + "] does not repeat itself, because the stride does not divide the size: it has no spectrum by frequencies. Use the largest "
                    + "singular value of its operator instead");
        }
    }

    /// The circular convolution with the weights, strides and input size of a layer.
    ///
    /// @throws IllegalArgumentException if a stride does not divide the input size
    public static CircularConvolution of(Conv2dSizes s) {
        return new CircularConvolution(s.o(), s.c(), s.kh(), s.kw(), s.groups(), s.h(), s.w(), s.strideH(), s.strideW(), s.dilationH(),
                s.dilationW());
    }

    /// Whether a layer has a circular spectrum: its strides divide its input size.
    public static boolean exists(Conv2dSizes s) {
        return s.h() % s.strideH() == 0 && s.w() % s.strideW() == 0;
    }

    /// Whether a layer with these borders *is* that circular convolution: its outputs go all around the image.
    public static boolean is(Conv2dSizes s, PadMode mode) {
        return mode == PadMode.CIRCULAR && exists(s) && s.oh() * s.strideH() == s.h() && s.ow() * s.strideW() == s.w();
    }

    /// The smallest circular convolution that contains a zero-padded one as a part of its matrix: on a torus of `stride·ceil((n + max(p,
    /// q))/stride)` for an axis of `n` pixels with padding `p` and `q`, no output reads an input through the seam that the padded layer
    /// does not read.
    public static CircularConvolution around(Conv2dSizes s) {
        return new CircularConvolution(s.o(), s.c(), s.kh(), s.kw(), s.groups(), torus(s.h(), s.padTop(), s.padBottom(), s.strideH()),
                torus(s.w(), s.padLeft(), s.padRight(), s.strideW()), s.strideH(), s.strideW(), s.dilationH(), s.dilationW());
    }

    private static int torus(int n, int before, int after, int stride) {
        return (n + Math.max(before, after) + stride - 1) / stride * stride;
    }

    /// Rows of outputs.
    public int outputRows() {
        return h / strideH;
    }

    /// Columns of outputs.
    public int outputColumns() {
        return w / strideW;
    }

    /// The number of singular values: the smaller side of the matrix.
    public int singularValues() {
        return Math.min(o * outputRows() * outputColumns(), c * h * w);
    }
}
