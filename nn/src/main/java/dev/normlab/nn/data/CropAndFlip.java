package dev.normlab.nn.data;

import dev.normlab.engine.tensor.RandomStream;
import java.util.Arrays;

/// The usual variation of small images in training: a random crop after padding with zeros, and a horizontal flip of half of the images.
///
/// @param padding rows and columns of zeros on every side before the crop; 0 for no crop
/// @param flip true to mirror half of the images
public record CropAndFlip(int padding, boolean flip) implements Augmentation {

    private static final int MAX_PADDING = 1 << 12;

    /// Checks the values.
    ///
    /// @throws DataException if the padding is negative or absurd
    public CropAndFlip {
        if (padding < 0 || padding > MAX_PADDING) {
            throw new DataException("The padding of the random crop must be from 0 to " + MAX_PADDING + ", but it is " + padding + ".");
        }
    }

    @Override
    public void apply(float[] image, ImageShape shape, RandomStream stream, float[] target, int offset) {
        int down = stream.nextInt(2 * padding + 1) - padding;
        int right = stream.nextInt(2 * padding + 1) - padding;
        boolean mirrored = flip && (stream.nextBits() & 1) == 1;
        shift(image, shape, down, right, mirrored, target, offset);
    }

    /// `target[y][x] = image[y + down][x + right]`, zero outside the image, mirrored afterwards if asked for.
    static void shift(float[] image, ImageShape shape, int down, int right, boolean mirrored, float[] target, int offset) {
        int h = shape.height();
        int w = shape.width();
        int firstColumn = Math.min(w, Math.max(0, -right));
        int endColumn = Math.max(firstColumn, Math.min(w, w - right));
        for (int row = 0; row < shape.channels() * h; row++) {
            int to = offset + row * w;
            int y = row % h + down;
            if (y < 0 || y >= h || firstColumn == endColumn) {
                Arrays.fill(target, to, to + w, 0);
                continue;
            }
            int from = (row - row % h + y) * w + right;
            Arrays.fill(target, to, to + firstColumn, 0);
            System.arraycopy(image, from + firstColumn, target, to + firstColumn, endColumn - firstColumn);
            Arrays.fill(target, to + endColumn, to + w, 0);
            if (mirrored) {
                mirror(target, to, w);
            }
        }
    }

    private static void mirror(float[] values, int start, int length) {
        for (int left = start, right = start + length - 1; left < right; left++, right--) {
            float swapped = values[left];
            values[left] = values[right];
            values[right] = swapped;
        }
    }
}
