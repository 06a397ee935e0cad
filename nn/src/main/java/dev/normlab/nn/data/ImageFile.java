package dev.normlab.nn.data;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/// Reads PNG, JPEG, BMP and GIF files (a GIF's first picture) as red, green and blue. Grey images get three equal channels, transparency is
/// ignored, and rotations noted in a JPEG's metadata are not applied.
final class ImageFile {

    private static final Set<String> SUFFIXES = Set.of("png", "jpg", "jpeg", "bmp", "gif");
    private static final long MAX_PIXELS = 100_000_000;

    private ImageFile() {}

    /// Whether a file's name has the suffix of an image that can be read here.
    static boolean hasImageName(Path file) {
        String name = file.getFileName().toString();
        return SUFFIXES.contains(name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT));
    }

    /// Reads an image and scales it, whatever its proportions, to a shape of three channels.
    ///
    /// @param target receives the image as bytes, `[3, h, w]`
    /// @param offset where in `target` it starts
    /// @return whether the image was of another size
    /// @throws DataException if the file is no readable image or has more than 100 million pixels
    static boolean read(Path file, ImageShape shape, byte[] target, int offset) {
        BufferedImage image;
        try {
            image = decode(file);
        } catch (IOException | RuntimeException e) {
            if (e instanceof DataException known) {
                throw known;
            }
            String reason = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
            throw new DataException("The image " + file + " is damaged or of a kind that is not read here (" + reason + ").", e);
        }
        float[][] planes = planes(image);
        int plane = shape.height() * shape.width();
        for (int c = 0; c < planes.length; c++) {
            float[] scaled = ImageScaler.scale(planes[c], image.getHeight(), image.getWidth(), shape.height(), shape.width());
            for (int p = 0; p < plane; p++) {
                target[offset + c * plane + p] = (byte) Math.round(Math.clamp(scaled[p], 0f, 255f));
            }
        }
        return image.getHeight() != shape.height() || image.getWidth() != shape.width();
    }

    private static BufferedImage decode(Path file) throws IOException {
        try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
            if (in == null) {
                throw new DataException("The image " + file + " cannot be opened.");
            }
            Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
            if (!readers.hasNext()) {
                throw new DataException("The file " + file + " is no PNG, JPEG, BMP or GIF image, or it is damaged.");
            }
            ImageReader reader = readers.next();
            try {
                reader.setInput(in, true, true);
                long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
                if (pixels > MAX_PIXELS) {
                    throw new DataException("The image " + file + " has " + pixels + " pixels; at most " + MAX_PIXELS + " are read.");
                }
                List<String> warnings = new ArrayList<>();
                reader.addIIOReadWarningListener((_, warning) -> warnings.add(warning));
                BufferedImage image = reader.read(0);
                // The JPEG reader fills the rest of a truncated image with grey and only warns.
                for (String warning : warnings) {
                    if (warning.contains("Premature") || warning.contains("Truncated")) {
                        throw new DataException("The image " + file + " is truncated.");
                    }
                }
                return image;
            } finally {
                reader.dispose();
            }
        }
    }

    /// Red, green and blue, 0 to 255. The levels of grey images are taken as they are stored: asked for colours, Java would take them for
    /// linear light and brighten them.
    private static float[][] planes(BufferedImage image) {
        int width = image.getWidth();
        int height = image.getHeight();
        float[][] planes = new float[3][height * width];
        boolean grey = image.getColorModel().getColorSpace().getType() == ColorSpace.TYPE_GRAY
                && !(image.getColorModel() instanceof IndexColorModel);
        float greyScale = 255f / ((1 << image.getColorModel().getComponentSize(0)) - 1);
        int[] row = new int[width];
        for (int y = 0; y < height; y++) {
            if (!grey) {
                image.getRGB(0, y, width, 1, row, 0, width);
            } else {
                image.getRaster().getSamples(0, y, width, 1, 0, row);
            }
            for (int x = 0; x < width; x++) {
                for (int c = 0; c < 3; c++) {
                    planes[c][y * width + x] = grey ? row[x] * greyScale : row[x] >> 16 - 8 * c & 0xFF;
                }
            }
        }
        return planes;
    }
}
