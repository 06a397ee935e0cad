package dev.normlab.experiments.plot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class PngTest {

    private static BufferedImage read(byte[] png) throws IOException {
        return ImageIO.read(new ByteArrayInputStream(png));
    }

    /// How many pixels are of a colour, a little anti-aliasing allowed.
    private static int count(BufferedImage image, String colour) {
        int wanted = Integer.parseInt(colour.substring(1), 16);
        int count = 0;
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                count += (image.getRGB(x, y) & 0xffffff) == wanted ? 1 : 0;
            }
        }
        return count;
    }

    @Test
    void everyKindOfFigureIsPaintedInItsColours() throws IOException {
        for (Figure figure : List.of(SampleFigures.lines(3, 12, Axis.log("norm"), 1e4), SampleFigures.bars(3, 5, Axis.linear("norm")))) {
            BufferedImage image = read(figure.toPng(640, 1));
            assertEquals(668, image.getWidth());
            for (int slot = 0; slot < 3; slot++) {
                assertTrue(count(image, Palette.LIGHT.get(slot)) > 50, figure.title() + " lacks the colour of series " + slot);
            }
            assertTrue(count(image, Palette.BACKGROUND.getFirst()) > image.getWidth() * image.getHeight() / 3);
        }
        for (Figure figure : SampleFigures.all().subList(0, 20)) {
            assertTrue(figure.toPng(320, 0.5).length > 100, figure.title());
        }
    }

    @Test
    void aScaleOfTwoDoublesThePixels() throws IOException {
        Figure figure = SampleFigures.bars(1, 2, Axis.log("norm"));
        BufferedImage once = read(figure.toPng(300, 1));
        BufferedImage twice = read(figure.toPng(300, 2));
        assertEquals(2 * once.getWidth(), twice.getWidth());
        assertEquals(2 * once.getHeight(), twice.getHeight(), 1);
        assertThrows(IllegalArgumentException.class, () -> figure.toPng(300, 100));
    }

    @Test
    void markersHaveTheBoundsThatTheirPathsDescribe() {
        Rectangle2D circle = SvgPath.parse(Symbols.path(0, 10, 20)).getBounds2D();
        assertEquals(6.3, circle.getMinX(), 0.01);
        assertEquals(7.4, circle.getHeight(), 0.01);
        Rectangle2D square = SvgPath.parse(Symbols.path(1, 10, 20)).getBounds2D();
        assertEquals(6.7, square.getMinX(), 1e-9);
        assertEquals(23.3, square.getMaxY(), 1e-9);
        assertThrows(IllegalArgumentException.class, () -> SvgPath.parse("M0 0Q1 1 2 2"));
    }
}
