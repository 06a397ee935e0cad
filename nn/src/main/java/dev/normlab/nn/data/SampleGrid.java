package dev.normlab.nn.data;

import dev.normlab.engine.io.AtomicFile;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import javax.imageio.ImageIO;

/// A picture of some images of a data set: one row for each class, the first images of the class side by side.
public final class SampleGrid {

    private static final int GAP = 2;
    private static final int WHITE = 0xFFFFFF;
    private static final int MAX_PIXELS = 1 << 26;

    private SampleGrid() {}

    /// Writes the picture as a PNG, atomically.
    ///
    /// @param file where to
    /// @param data images of one or three channels; of other numbers only the first channel is shown
    /// @param columns images of each class, at least 1
    /// @param zoom pixels of the picture for one pixel of an image, at least 1
    /// @throws IOException if the file cannot be written
    /// @throws DataException if the numbers are out of range
    public static void writePng(Path file, Dataset data, int columns, int zoom) throws IOException {
        ImageShape shape = data.shape();
        long width = (long) columns * (shape.width() * zoom + GAP) + GAP;
        long height = (long) data.classes() * (shape.height() * zoom + GAP) + GAP;
        if (columns < 1 || zoom < 1 || width * height > MAX_PIXELS) {
            throw new DataException("A picture of " + columns + " columns at zoom " + zoom + " would have " + width + "x" + height
                    + " pixels; both numbers must be at least 1 and the pixels at most " + MAX_PIXELS + ".");
        }
        BufferedImage picture = new BufferedImage((int) width, (int) height, BufferedImage.TYPE_INT_RGB);
        picture.setRGB(0, 0, picture.getWidth(), picture.getHeight(), filled(picture.getWidth() * picture.getHeight()), 0,
                picture.getWidth());
        int[] taken = new int[data.classes()];
        float[] image = new float[shape.values()];
        for (int i = 0; i < data.size(); i++) {
            int label = data.label(i);
            if (taken[label] < columns) {
                data.image(i, image, 0);
                int left = GAP + taken[label]++ * (shape.width() * zoom + GAP);
                draw(picture, image, shape, left, GAP + label * (shape.height() * zoom + GAP), zoom);
            }
        }
        AtomicFile.write(file, out -> ImageIO.write(picture, "png", out));
    }

    private static int[] filled(int count) {
        int[] colours = new int[count];
        Arrays.fill(colours, WHITE);
        return colours;
    }

    private static void draw(BufferedImage picture, float[] image, ImageShape shape, int left, int top, int zoom) {
        int plane = shape.height() * shape.width();
        int step = shape.channels() == 3 ? plane : 0;
        for (int y = 0; y < shape.height() * zoom; y++) {
            for (int x = 0; x < shape.width() * zoom; x++) {
                int at = y / zoom * shape.width() + x / zoom;
                int colour = level(image[at]) << 16 | level(image[at + step]) << 8 | level(image[at + 2 * step]);
                picture.setRGB(left + x, top + y, colour);
            }
        }
    }

    private static int level(float value) {
        return Math.round(255 * value);
    }
}
