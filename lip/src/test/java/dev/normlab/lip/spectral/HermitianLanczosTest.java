package dev.normlab.lip.spectral;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.lip.spectral.HermitianLanczos.Complex;
import dev.normlab.lip.spectral.HermitianLanczos.Pair;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HermitianLanczosTest {

    private static Complex gaussian(Random random, int n) {
        return new Complex(DenseJudge.gaussian(random, n), DenseJudge.gaussian(random, n));
    }

    /// `size·v·vᴴ` plus a diagonal matrix: real and imaginary part.
    private static float[][][] sum(Complex v, float size, float[] diagonal) {
        int n = v.re().length;
        float[][][] parts = new float[2][n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                parts[0][i][j] = size * (v.re()[i] * v.re()[j] + v.im()[i] * v.im()[j]) + (i == j ? diagonal[i] : 0);
                parts[1][i][j] = size * (v.im()[i] * v.re()[j] - v.re()[i] * v.im()[j]);
            }
        }
        return parts;
    }

    private static double square(Complex v) {
        double sum = 0;
        for (int i = 0; i < v.re().length; i++) {
            sum += (double) v.re()[i] * v.re()[i] + (double) v.im()[i] * v.im()[i];
        }
        return sum;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 8, 31})
    void aMatrixOfRankOneIsFoundWithItsVectorWhateverItsSize(int n) {
        Random random = new Random(n);
        Complex v = gaussian(random, n);
        float[][][] a = sum(v, 1, new float[n]);
        Pair found = new HermitianLanczos(n).run(a[0], a[1], gaussian(random, n), 40);
        assertEquals(square(v), found.value(), 1e-5 * square(v));
        assertEquals(1, square(found.vector()), 1e-5);
        double re = 0;
        double im = 0;
        for (int i = 0; i < n; i++) {
            re += v.re()[i] * found.vector().re()[i] + v.im()[i] * found.vector().im()[i];
            im += v.re()[i] * found.vector().im()[i] - v.im()[i] * found.vector().re()[i];
        }
        assertEquals(Math.sqrt(square(v)), Math.hypot(re, im), 1e-4 * Math.sqrt(square(v)));
    }

    @Test
    void valuesRiseWithTheStepsAndAShorterRunAfterALongerOneHasItsOwn() {
        int n = 20;
        float[] diagonal = new float[n];
        for (int i = 0; i < n; i++) {
            diagonal[i] = 1 + i;
        }
        float[][][] a = sum(new Complex(new float[n], new float[n]), 0, diagonal);
        Complex start = gaussian(new Random(2), n);
        HermitianLanczos lanczos = new HermitianLanczos(n);
        double before = 0;
        for (int steps : new int[] {1, 3, 6, 20, 100}) {
            double value = lanczos.run(a[0], a[1], start, steps).value();
            assertTrue(value > before || steps > n, steps + " steps: " + value);
            assertTrue(value <= 20 * (1 + 1e-5), steps + " steps: " + value);
            before = value;
        }
        assertEquals(20, before, 1e-3);
        Pair fresh = new HermitianLanczos(n).run(a[0], a[1], start, 3);
        Pair after = lanczos.run(a[0], a[1], start, 3);
        assertEquals(fresh.value(), after.value());
        assertArrayEquals(fresh.vector().re(), after.vector().re());
        assertArrayEquals(fresh.vector().im(), after.vector().im());
    }

    @ParameterizedTest
    @ValueSource(floats = {1e-36f, 1e-39f, 1e-41f, 1e-44f, 0f})
    void matricesBelowTheLeastNormalNumberHaveAFiniteValue(float size) {
        int n = 9;
        float[] diagonal = new float[n];
        for (int i = 0; i < n; i++) {
            diagonal[i] = size * (1 + i % 3);
        }
        Complex start = gaussian(new Random(4), n);
        float[][][] a = sum(new Complex(new float[n], new float[n]), 0, diagonal);
        Pair found = new HermitianLanczos(n).run(a[0], a[1], start, 8);
        assertTrue(found.value() >= 0 && found.value() <= 3.1 * size + n * Float.MIN_VALUE, size + ": " + found.value());
    }

    @Test
    void fromZerosTheValueIsZero() {
        float[][][] a = sum(new Complex(new float[4], new float[4]), 0, new float[] {1, 2, 3, 4});
        assertEquals(0, new HermitianLanczos(4).run(a[0], a[1], new Complex(new float[4], new float[4]), 3).value());
    }
}
