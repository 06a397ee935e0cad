package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Shape;

/// All sizes of a 2-D convolution (cross-correlation) with zero padding, declared once.
///
/// Input `[n, c, h, w]`, weight `[o, c/groups, kh, kw]`, output `[n, o, oh, ow]`. Output row `ioh` reads through tap `t` the input row
/// `ioh * strideH + t * dilationH - padTop` when that lies in `[0, h)`; columns likewise.
public record Conv2dSizes(int n, int c, int h, int w, int o, int kh, int kw, int strideH, int strideW, int padTop, int padBottom,
        int padLeft, int padRight, int dilationH, int dilationW, int groups, int oh, int ow) {

    /// `[n, c, h, w]`.
    public Shape inputShape() {
        return Shape.of(n, c, h, w);
    }

    /// `[o, c/groups, kh, kw]`.
    public Shape weightShape() {
        return Shape.of(o, c / groups, kh, kw);
    }

    /// `[n, o, oh, ow]`.
    public Shape outputShape() {
        return Shape.of(n, o, oh, ow);
    }

    /// Input channels of one group.
    public int groupInputs() {
        return c / groups;
    }

    /// Output channels of one group.
    public int groupOutputs() {
        return o / groups;
    }
}
