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

    /// Reads channels, height and width as in `3x32x32`.
    ///
    /// @throws DataException if the text is something else, or a size is out of range
    public static ImageShape parse(String text) {
        String[] parts = text.split("x", -1);
        try {
            if (parts.length == 3) {
                return new ImageShape(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new DataException("expected channels x height x width such as 3x32x32, but got '" + text + "'");
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
