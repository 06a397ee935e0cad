package dev.normlab.nn.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.tensor.RandomStream;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CropAndFlipTest {

    private static final ImageShape SHAPE = new ImageShape(2, 5, 7);

    /// Every value tells its place and none is zero.
    private static float[] image(ImageShape shape) {
        float[] image = new float[shape.values()];
        for (int i = 0; i < image.length; i++) {
            image[i] = i + 1;
        }
        return image;
    }

    private static float[] expected(float[] image, ImageShape shape, int down, int right, boolean mirrored) {
        float[] shifted = new float[image.length];
        for (int c = 0; c < shape.channels(); c++) {
            for (int y = 0; y < shape.height(); y++) {
                for (int x = 0; x < shape.width(); x++) {
                    int fromY = y + down;
                    int fromX = (mirrored ? shape.width() - 1 - x : x) + right;
                    boolean inside = fromY >= 0 && fromY < shape.height() && fromX >= 0 && fromX < shape.width();
                    shifted[(c * shape.height() + y) * shape.width() + x] = inside
                            ? image[(c * shape.height() + fromY) * shape.width() + fromX]
                            : 0;
                }
            }
        }
        return shifted;
    }

    @Test
    void aShiftMovesEveryChannelAndFillsWithZeros() {
        float[] image = image(SHAPE);
        for (int down = -9; down <= 9; down++) {
            for (int right = -9; right <= 9; right++) {
                for (boolean mirrored : new boolean[] {false, true}) {
                    float[] target = new float[image.length + 3];
                    Arrays.fill(target, Float.NaN);
                    CropAndFlip.shift(image, SHAPE, down, right, mirrored, target, 2);
                    assertArrayEquals(expected(image, SHAPE, down, right, mirrored), Arrays.copyOfRange(target, 2, target.length - 1));
                    assertTrue(Float.isNaN(target[0]) && Float.isNaN(target[1]) && Float.isNaN(target[target.length - 1]));
                }
            }
        }
    }

    @Test
    void cropsAndFlipsAreEquallyLikely() {
        ImageShape shape = new ImageShape(1, 9, 9);
        float[] image = image(shape);
        Map<String, Integer> counts = new HashMap<>();
        for (int down = -4; down <= 4; down++) {
            for (int right = -4; right <= 4; right++) {
                counts.put(Arrays.toString(expected(image, shape, down, right, false)), 0);
                counts.put(Arrays.toString(expected(image, shape, down, right, true)), 0);
            }
        }
        assertEquals(162, counts.size());
        float[] target = new float[image.length];
        for (int i = 0; i < 16_200; i++) {
            Augmentation.cropAndFlip().apply(image, shape, RandomStream.of(3, "augmentation", 0, i), target, 0);
            String varied = Arrays.toString(target);
            assertTrue(counts.containsKey(varied));
            counts.merge(varied, 1, Integer::sum);
        }
        // Chi-squared with 161 degrees of freedom has mean 161 and deviation 18; the seed is fixed.
        double chiSquared = counts.values().stream().mapToDouble(count -> (count - 100) * (count - 100) / 100.0).sum();
        assertTrue(chiSquared < 161 + 4 * 18, () -> "chi-squared " + chiSquared);
    }

    @Test
    void theVariationDependsOnItsStreamAlone() {
        String first = variations(1, 2);
        assertEquals(first, variations(1, 2));
        assertNotEquals(first, variations(2, 2));
        assertNotEquals(first, variations(1, 3));
    }

    private static String variations(long seed, int epoch) {
        float[] image = image(SHAPE);
        float[] target = new float[image.length];
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < 20; i++) {
            new CropAndFlip(4, true).apply(image, SHAPE, RandomStream.of(seed, "augmentation", epoch, i), target, 0);
            all.append(Arrays.toString(target));
        }
        return all.toString();
    }

    @Test
    void withoutPaddingAndFlipNothingChanges() {
        float[] image = image(SHAPE);
        float[] target = new float[image.length];
        for (int i = 0; i < 20; i++) {
            new CropAndFlip(0, false).apply(image, SHAPE, RandomStream.of(1, "augmentation", i), target, 0);
            assertArrayEquals(image, target);
        }
    }

    @Test
    void anAbsurdPaddingIsAnError() {
        DataFixture.assertDataError(() -> new CropAndFlip(-1, true), "-1");
        DataFixture.assertDataError(() -> new CropAndFlip(Integer.MAX_VALUE, true), "4096");
    }
}
