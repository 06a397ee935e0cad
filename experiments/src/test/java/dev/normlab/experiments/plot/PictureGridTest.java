package dev.normlab.experiments.plot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.plot.PictureGrid.Picture;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class PictureGridTest {

    private static BufferedImage paint(List<String> headers, List<List<Picture>> rows) throws IOException {
        return ImageIO.read(new ByteArrayInputStream(new PictureGrid(headers, rows).toPng()));
    }

    private static int colour(BufferedImage image, int x, int y) {
        return image.getRGB(x, y) & 0xffffff;
    }

    @Test
    void everyPixelOfAColouredImageIsASquareOfItsColour() throws IOException {
        // two by two pixels: red, green, blue, and a value outside
        float[] values = {1, 0, 0, 2, 0, 1, 0, -1, 0, 0, 1, .5f};
        BufferedImage image = paint(List.of("clean"), List.of(List.of(new Picture(values, 3, 2, 2, List.of("true: cat")))));
        int left = 16;
        int top = 44;
        assertEquals(0xff0000, colour(image, left, top));
        assertEquals(0xff0000, colour(image, left + 79, top + 79));
        assertEquals(0x00ff00, colour(image, left + 80, top + 79));
        assertEquals(0x0000ff, colour(image, left + 79, top + 80));
        assertEquals(0xff0080, colour(image, left + 159, top + 159));
        assertEquals(0xffffff, colour(image, left + 160, top), "the background");
        boolean text = false;
        for (int y = top + 160; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                text |= colour(image, x, y) == 0x1b1f24;
            }
        }
        assertTrue(text, "the caption is written");
    }

    @Test
    void greyNarrowAndLargeImagesAreShownWhole() throws IOException {
        Picture grey = new Picture(new float[] {0, .5f, 1}, 1, 1, 3, List.of());
        float[] large = new float[200 * 300];
        large[large.length - 1] = 1;
        Picture wide = new Picture(large, 1, 200, 300, List.of("one", "two"));
        BufferedImage image = paint(List.of("a", "b"), List.of(List.of(grey, wide)));
        assertEquals(16 + 2 * 316, image.getWidth());
        assertEquals(0x000000, colour(image, 16, 44));
        assertEquals(0x808080, colour(image, 16 + 150, 44));
        assertEquals(0xffffff, colour(image, 16 + 299, 44));
        assertEquals(0xffffff, colour(image, 16 + 316 + 299, 44 + 199), "the last pixel");
        assertEquals(0x000000, colour(image, 16 + 316 + 298, 44 + 199));
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Picture(new float[3], 1, 2, 2, List.of()));
        Picture one = new Picture(new float[4], 1, 2, 2, List.of());
        assertThrows(IllegalArgumentException.class, () -> new PictureGrid(List.of("a", "b"), List.of(List.of(one))));
        assertThrows(IllegalArgumentException.class, () -> new PictureGrid(List.of("a"), List.of()));
    }
}
