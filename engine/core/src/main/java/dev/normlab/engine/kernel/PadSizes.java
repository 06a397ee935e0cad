package dev.normlab.engine.kernel;

/// Sizes of padding an image `[n, c, h, w]` to `[n, c, h + top + bottom, w + left + right]`.
public record PadSizes(int n, int c, int h, int w, int top, int bottom, int left, int right, PadMode mode) {

    /// Output rows.
    public int oh() {
        return h + top + bottom;
    }

    /// Output columns.
    public int ow() {
        return w + left + right;
    }
}
