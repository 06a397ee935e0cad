package dev.normlab.lip.spectral;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FourierTransformTest {

    private static double[] gaussian(Random random, int n) {
        return random.doubles(n).map(x -> 2 * x - 1).toArray();
    }

    /// `{re, im}` by the definition.
    private static double[][] naive(double[] re, double[] im) {
        int n = re.length;
        double[][] out = new double[2][n];
        for (int k = 0; k < n; k++) {
            for (int j = 0; j < n; j++) {
                double angle = -2 * Math.PI * ((long) j * k % n) / n;
                out[0][k] += re[j] * Math.cos(angle) - im[j] * Math.sin(angle);
                out[1][k] += re[j] * Math.sin(angle) + im[j] * Math.cos(angle);
            }
        }
        return out;
    }

    private static void checkAgainstTheDefinition(int n) {
        Random random = new Random(n);
        double[] re = gaussian(random, n);
        double[] im = gaussian(random, n);
        double[][] expected = naive(re, im);
        double[] x = re.clone();
        double[] y = im.clone();
        FourierTransform transform = new FourierTransform(n);
        transform.forward(x, y);
        assertArrayEquals(expected[0], x, 1e-12 * n, "size " + n);
        assertArrayEquals(expected[1], y, 1e-12 * n, "size " + n);
        transform.inverse(x, y);
        assertArrayEquals(re, x, 1e-13 * n, "size " + n + " and back");
        assertArrayEquals(im, y, 1e-13 * n, "size " + n + " and back");
    }

    @Test
    void everySizeUpTo130EqualsTheDefinition() {
        for (int n = 1; n <= 130; n++) {
            checkAgainstTheDefinition(n);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {224, 256, 37 * 37, 2 * 3 * 5 * 7 * 11, 997, 1009, 2 * 641})
    void largeSizesAndLargePrimesEqualTheDefinition(int n) {
        checkAgainstTheDefinition(n);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 7, 36})
    void anImageIsTransformedAlongBothAxes(int w) {
        int h = 6;
        Random random = new Random(w);
        double[] re = gaussian(random, h * w);
        double[] im = gaussian(random, h * w);
        double[] x = re.clone();
        double[] y = im.clone();
        FourierTransform alongColumns = new FourierTransform(h);
        FourierTransform alongRows = new FourierTransform(w);
        FourierTransform.forward2d(alongColumns, alongRows, x, y);
        for (int f = 0; f < h; f++) {
            for (int g = 0; g < w; g++) {
                double sumRe = 0;
                double sumIm = 0;
                for (int i = 0; i < h; i++) {
                    for (int j = 0; j < w; j++) {
                        double angle = -2 * Math.PI * ((double) f * i / h + (double) g * j / w);
                        sumRe += re[i * w + j] * Math.cos(angle) - im[i * w + j] * Math.sin(angle);
                        sumIm += re[i * w + j] * Math.sin(angle) + im[i * w + j] * Math.cos(angle);
                    }
                }
                assertEquals(sumRe, x[f * w + g], 1e-11);
                assertEquals(sumIm, y[f * w + g], 1e-11);
            }
        }
        FourierTransform.inverse2d(alongColumns, alongRows, x, y);
        assertArrayEquals(re, x, 1e-12);
        assertArrayEquals(im, y, 1e-12);
    }

    @Test
    void anEmptyTransformIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new FourierTransform(0));
    }
}
