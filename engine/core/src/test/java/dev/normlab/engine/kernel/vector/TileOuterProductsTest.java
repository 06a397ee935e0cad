package dev.normlab.engine.kernel.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.tensor.RandomStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TileOuterProductsTest {

    private static final int V = Lanes.V;
    private static final int PIXELS = 90;

    // Segments of offsets into x (in pixels) and into d (in pixels): some overlap, some lie apart.
    private static final int[] PIXELS_OF_X = {0, 3, 17, 9};
    private static final int[] PIXELS_OF_D = {5, 0, 20, 11};

    /// Every tile against the sum that the class states, in double precision.
    @ParameterizedTest
    @CsvSource({"0, 4, 7", "1, 3, 16", "2, 3, 1", "0, 2, 20", "1, 4, 64", "0, 0, 5", "1, 4, 0"})
    void tilesAreSumsOverSegments(int from, int to, int length) {
        for (int vectors = 1; vectors <= 4; vectors++) {
            for (int wanted = 1; wanted <= TileOuterProducts.CHANNELS; wanted++) {
                check(vectors, TileOuterProducts.CHANNELS, wanted, 11, from, to, length);
            }
        }
        for (int vectors = 1; vectors <= 2; vectors++) {
            check(vectors, TileOuterProducts.FEW_CHANNELS, TileOuterProducts.FEW_CHANNELS, V, from, to, length);
        }
    }

    private static void check(int vectors, int channels, int wanted, int xStep, int from, int to, int length) {
        int xAt = 2, dAt = 3, at = 5, next = PIXELS * V + 7;
        float[] x = random(1, xAt + PIXELS * xStep + channels), d = random(2, dAt + vectors * next);
        float[] sums = random(3, at + channels * vectors * V + 1);
        float[] before = sums.clone();
        int[] segments = new int[2 * PIXELS_OF_X.length];
        for (int s = 0; s < PIXELS_OF_X.length; s++) {
            segments[2 * s] = PIXELS_OF_X[s] * xStep;
            segments[2 * s + 1] = PIXELS_OF_D[s] * V;
        }
        int written;
        if (channels == TileOuterProducts.FEW_CHANNELS) {
            written = TileOuterProducts.multiplyFew(vectors, x, d, next, segments, from, to, xAt, dAt, length, sums, at);
        } else {
            written = TileOuterProducts.multiply(wanted, vectors, x, xStep, d, next, segments, from, to, xAt, dAt, length, sums, at);
        }
        assertTrue(written >= wanted * vectors * V && written <= channels * vectors * V, written + " floats written");
        for (int j = 0; j < wanted; j++) {
            for (int b = 0; b < vectors; b++) {
                for (int lane = 0; lane < V; lane++) {
                    double sum = 0;
                    for (int s = from; s < to; s++) {
                        for (int k = 0; k < length; k++) {
                            sum += (double) x[xAt + segments[2 * s] + k * xStep + j]
                                    * d[dAt + segments[2 * s + 1] + k * V + b * next + lane];
                        }
                    }
                    assertEquals(sum, sums[at + (j * vectors + b) * V + lane], 1e-5, vectors + " vectors, channel " + j + ", vector " + b);
                }
            }
        }
        assertEquals(before[at - 1], sums[at - 1], "what lies before the tile");
        for (int i = at; i < at + written; i++) {
            assertNotEquals(before[i], sums[i], "what is said to be written");
        }
        for (int i = at + written; i < sums.length; i++) {
            assertEquals(before[i], sums[i], "what lies behind what is said to be written");
        }
    }

    private static float[] random(long seed, int length) {
        float[] values = new float[length];
        RandomStream.of(seed, "tile").fillUniform(values, -1f, 1f);
        return values;
    }
}
