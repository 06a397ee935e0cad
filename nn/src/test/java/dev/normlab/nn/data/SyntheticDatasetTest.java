package dev.normlab.nn.data;

import static dev.normlab.nn.data.DataFixture.image;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SyntheticDatasetTest {

    private static DataSplits generate(int size, int train, int test, long seed, double difficulty) {
        return SyntheticDataset.generate(new SyntheticDataset.Config(size, train, test, seed, difficulty));
    }

    @Test
    void theSameConfigurationGivesTheSameBytesForEver() {
        DataSplits data = generate(32, 20, 10, 0, 1);
        assertEquals("6142fc5ecf6d9fc8ddedba6b0e663030c8f3bcf2d533f836afac4b948028d328", data.train().contentHash());
        assertEquals("718ae7ef1731d7d24181194a80c3136365f1ef46f63bfc509a2ee3a8226aea84", data.test().contentHash());
    }

    @Test
    void classesTakeTurnsAndHaveNames() {
        DataSplits data = generate(32, 25, 10, 1, 1);
        assertEquals(List.of(3, 3, 3, 3, 3, 2, 2, 2, 2, 2), DataSummary.of(data.train()).counts());
        assertEquals(4, data.train().label(14));
        assertEquals(10, data.train().classes());
        assertEquals("striped disk", data.train().classNames().getFirst());
        assertEquals("checked cross", data.train().classNames().getLast());
    }

    @Test
    void aLargerSetStartsWithTheSmallerOnesImages() {
        assertEquals(generate(32, 30, 10, 1, 1).train().contentHash(), generate(32, 50, 20, 1, 1).train().first(30).contentHash());
    }

    @Test
    void seedsSplitsAndImagesDiffer() {
        DataSplits data = generate(32, 20, 20, 1, 1);
        assertNotEquals(data.train().contentHash(), data.test().contentHash());
        assertNotEquals(data.train().contentHash(), generate(32, 20, 20, 2, 1).train().contentHash());
        assertNotEquals(data.train().subset(new int[] {0}).contentHash(), data.train().subset(new int[] {10}).contentHash());
    }

    @Test
    void imagesHaveContrastAndStayClearOfTheLimits() {
        DataSummary summary = DataSummary.of(generate(32, 500, 10, 1, 1).train());
        assertTrue(Collections.min(summary.mean()) > 0.3 && Collections.max(summary.mean()) < 0.7, () -> summary.mean().toString());
        assertTrue(Collections.min(summary.deviation()) > 0.1, () -> summary.deviation().toString());
    }

    @Test
    void otherSizesShowTheSameSceneAndDifficultyAddsNoise() {
        Dataset large = generate(64, 10, 1, 1, 0).train();
        Dataset small = generate(32, 10, 1, 1, 0).train();
        for (int i = 0; i < 10; i++) {
            // Without noise the large image, averaged over 2x2, is the small one but for the texture and edges.
            float[] reduced = image(large, i);
            float[] expected = image(small, i);
            double difference = 0;
            for (int c = 0; c < 3; c++) {
                float[] plane = Arrays.copyOfRange(reduced, c * 4096, (c + 1) * 4096);
                float[] scaled = ImageScaler.scale(plane, 64, 64, 32, 32);
                for (int p = 0; p < 1024; p++) {
                    difference += Math.abs(scaled[p] - expected[c * 1024 + p]) / 3072;
                }
            }
            assertTrue(difference < 0.05, "image " + i + " differs by " + difference);
        }
        assertTrue(roughness(generate(32, 20, 1, 1, 3).train()) > 1.5 * roughness(generate(32, 20, 1, 1, 1).train()));
    }

    /// Mean absolute difference of horizontal neighbours.
    private static double roughness(Dataset data) {
        double sum = 0;
        for (int i = 0; i < data.size(); i++) {
            float[] image = image(data, i);
            for (int v = 1; v < image.length; v++) {
                sum += Math.abs(image[v] - image[v - 1]) / image.length;
            }
        }
        return sum;
    }

    /// A linear classifier on pixels must fail: nearest class mean.
    @Test
    void theMeanImageOfAClassDoesNotTellTheTexture() {
        DataSplits data = generate(32, 2000, 500, 1, 1);
        double[][] means = new double[10][3072];
        float[] image = new float[3072];
        for (int i = 0; i < data.train().size(); i++) {
            data.train().image(i, image, 0);
            for (int v = 0; v < image.length; v++) {
                means[data.train().label(i)][v] += image[v] / 200;
            }
        }
        int correctTexture = 0;
        for (int i = 0; i < data.test().size(); i++) {
            data.test().image(i, image, 0);
            correctTexture += nearest(means, image) % 2 == data.test().label(i) % 2 ? 1 : 0;
        }
        assertTrue(correctTexture < 0.6 * data.test().size(),
                "textures told by mean images: " + correctTexture + " of " + data.test().size());
    }

    private static int nearest(double[][] means, float[] image) {
        int nearest = 0;
        double least = Double.POSITIVE_INFINITY;
        for (int c = 0; c < means.length; c++) {
            double distance = 0;
            for (int v = 0; v < image.length; v++) {
                distance += (means[c][v] - image[v]) * (means[c][v] - image[v]);
            }
            if (distance < least) {
                least = distance;
                nearest = c;
            }
        }
        return nearest;
    }

    @Test
    void aGridOfSamplesIsAPictureWithARowForEachClass(@TempDir Path folder) throws IOException {
        Dataset data = generate(32, 40, 1, 1, 1).train();
        Path file = folder.resolve("grid.png");
        SampleGrid.writePng(file, data, 3, 2);
        BufferedImage picture = ImageIO.read(file.toFile());
        assertEquals(3 * 66 + 2, picture.getWidth());
        assertEquals(10 * 66 + 2, picture.getHeight());
        assertEquals(0xFFFFFFFF, picture.getRGB(0, 0));
        // The second image of class 7 is image 17; its last pixel is at column 31, row 31.
        float[] image = image(data, 17);
        int expected = 0xFF000000 | Math.round(255 * image[1023]) << 16 | Math.round(255 * image[2047]) << 8
                | Math.round(255 * image[3071]);
        assertEquals(expected, picture.getRGB(2 + 66 + 63, 2 + 7 * 66 + 63));
        DataFixture.assertDataError(() -> SampleGrid.writePng(file, data, 0, 1), "at least 1");
        DataFixture.assertDataError(() -> SampleGrid.writePng(file, data, 1_000_000, 1000), "at most");
    }
}
