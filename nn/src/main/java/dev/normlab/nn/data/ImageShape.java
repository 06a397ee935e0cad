package dev.normlab.nn.data;

/// The sizes of one image, channels first.
///
/// @param channels colour channels, 3 for red, green and blue
/// @param height rows
/// @param width columns
public record ImageShape(int channels, int height, int width) {

    /// Checks the values.
    ///
    /// @throws DataException unless all sizes are positive and an image has at most 2^28 values
    public ImageShape {
        if (channels < 1 || height < 1 || width < 1 || (double) channels * height * width > 1 << 28) {
            throw new DataException(
                    "An image has at least one channel, row and column and at most 2^28 values, but the sizes are " + channels + "x"
                            + height + "x" + width + ".");
        }
    }

    /// Values of one image.
    public int values() {
        return channels * height * width;
    }

    /// For example `3x32x32`.
    @Override
    public String toString() {
        return channels + "x" + height + "x" + width;
    }
}
