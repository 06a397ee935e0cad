package dev.normlab.engine.tensor;

/// How the elements of a storage lie in memory.
///
/// [#PLAIN] is row-major. A *channel-blocked* layout of block `v` keeps a 4-D tensor `[n, c, h, w]` as `[n, ceil(c/v), h, w, v]`, so that
/// one vector register holds `v` neighbouring channels of one pixel (oneDNN calls it nChw16c for `v = 16`). The lanes of channels beyond
/// `c` are *padding* and are always zero: whoever writes a blocked storage writes zeros there.
///
/// @param block channels per block; 1 for the plain layout
public record Layout(int block) {

    /// Row-major.
    public static final Layout PLAIN = new Layout(1);

    /// Checks the block.
    ///
    /// @throws IllegalArgumentException if it is below 1
    public Layout {
        if (block < 1) {
            throw new IllegalArgumentException("a layout has at least one channel per block, but got " + block);
        }
    }

    /// The channel-blocked layout with `v` channels per block.
    public static Layout blocked(int v) {
        return v == 1 ? PLAIN : new Layout(v);
    }

    /// Whether channels are blocked.
    public boolean isBlocked() {
        return block > 1;
    }

    /// Array elements that a tensor of this shape needs, padding included.
    ///
    /// @throws ShapeException if the layout is blocked and the shape is not 4-D
    public int length(Shape shape) {
        if (!isBlocked()) {
            return shape.elements();
        }
        requireImages(shape);
        return Math.multiplyExact(Math.multiplyExact(shape.size(0), blocks(shape.size(1)) * block), shape.size(2) * shape.size(3));
    }

    /// The number of channel blocks that hold `channels` channels.
    public int blocks(int channels) {
        return (channels + block - 1) / block;
    }

    /// Copies a row-major array into this layout and writes zeros into the padding.
    public void pack(Shape shape, float[] plain, float[] packed) {
        if (!isBlocked()) {
            System.arraycopy(plain, 0, packed, 0, shape.elements());
            return;
        }
        requireImages(shape);
        int n = shape.size(0), c = shape.size(1), pixels = shape.size(2) * shape.size(3), blocks = blocks(c);
        for (int in = 0; in < n; in++) {
            for (int ib = 0; ib < blocks; ib++) {
                for (int lane = 0; lane < block; lane++) {
                    int ic = ib * block + lane;
                    int to = (in * blocks + ib) * pixels * block + lane;
                    int from = (in * c + ic) * pixels;
                    for (int p = 0; p < pixels; p++) {
                        packed[to + p * block] = ic < c ? plain[from + p] : 0f;
                    }
                }
            }
        }
    }

    /// Copies an array of this layout into row-major order and drops the padding.
    public void unpack(Shape shape, float[] packed, float[] plain) {
        if (!isBlocked()) {
            System.arraycopy(packed, 0, plain, 0, shape.elements());
            return;
        }
        requireImages(shape);
        int n = shape.size(0), c = shape.size(1), pixels = shape.size(2) * shape.size(3), blocks = blocks(c);
        for (int in = 0; in < n; in++) {
            for (int ic = 0; ic < c; ic++) {
                int from = (in * blocks + ic / block) * pixels * block + ic % block;
                int to = (in * c + ic) * pixels;
                for (int p = 0; p < pixels; p++) {
                    plain[to + p] = packed[from + p * block];
                }
            }
        }
    }

    private static void requireImages(Shape shape) {
        if (shape.rank() != 4) {
            throw new ShapeException("only [n, c, h, w] tensors can be channel-blocked, but got " + shape);
        }
    }
}
