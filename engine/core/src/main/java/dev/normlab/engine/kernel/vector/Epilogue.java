package dev.normlab.engine.kernel.vector;

/// What a convolution does with outputs that it has just written, while they are in the cache. Whoever computes the convolution calls it
/// once for every pixel of every channel block, when the sums of that pixel are complete.
interface Epilogue {

    /// The pixels `from .. to - 1` of an image and channel block are complete.
    void run(int image, int block, int from, int to);

    /// The same of a rectangle of pixels in an image of `width` columns.
    default void run(int image, int block, int row, int column, int rows, int columns, int width) {
        for (int i = row; i < row + rows; i++) {
            run(image, block, i * width + column, i * width + column + columns);
        }
    }
}
