package dev.normlab.lip.spectral;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Workers;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConvolutionSpectrumTest {

    private static void assertSpectrum(double[] expected, double[] found, String message) {
        assertEquals(expected.length, found.length, message);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], found[i], 1e-6 * expected[0], "value " + i + " of " + message);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void theSpectrumEqualsTheDenseCirculantMatrix(int stride) {
        Random random = new Random(1805 + stride);
        try (Workers workers = new Workers(1)) {
            for (int trial = 0; trial < 120; trial++) {
                CircularConvolution s = DenseJudge.randomCircular(random, stride);
                float[] weight = DenseJudge.gaussian(random, DenseJudge.weights(s));
                double[] expected = DenseJudge.singularValues(DenseJudge.circular(s, weight));
                SvdMethod method = SvdMethod.values()[trial % 3];
                assertSpectrum(expected, ConvolutionSpectrum.values(s, weight, method, workers), method + " " + s);
                assertEquals(expected[0], ConvolutionSpectrum.largest(s, weight, workers), 1e-9 * expected[0], s.toString());
            }
        }
    }

    /// The reference takes a grouped kernel `[o, c/groups, kh, kw]` for a dense one of `c/groups` inputs.
    @Test
    void aDepthwiseKernelIsOneSpectrumForEachChannel() {
        CircularConvolution s = new CircularConvolution(2, 2, 1, 1, 2, 2, 2, 1, 1, 1, 1);
        try (Workers workers = new Workers(1)) {
            double[] values = ConvolutionSpectrum.values(s, new float[] {3, -4}, SvdMethod.JACOBI, workers);
            assertArrayEquals(new double[] {4, 4, 4, 4, 3, 3, 3, 3}, values, 1e-12, "as a dense 2 x 1 kernel all values would be 5");
        }
    }

    /// The reference takes the grid of stride 1 for every layer.
    @Test
    void aStridedLayerHasItsOwnSpectrumAndNotThatOfStrideOne() {
        CircularConvolution strided = new CircularConvolution(1, 1, 2, 2, 1, 4, 4, 2, 2, 1, 1);
        CircularConvolution dense = new CircularConvolution(1, 1, 2, 2, 1, 4, 4, 1, 1, 1, 1);
        float[] ones = {1, 1, 1, 1};
        try (Workers workers = new Workers(1)) {
            // the outputs read no pixel twice, so that every value is the length of (1, 1, 1, 1)
            assertArrayEquals(new double[] {2, 2, 2, 2}, ConvolutionSpectrum.values(strided, ones, SvdMethod.JACOBI, workers), 1e-12);
            assertEquals(4, ConvolutionSpectrum.largest(dense, ones, workers), 1e-12, "with stride 1 the layer would seem twice as large");
        }
    }

    /// Every kernel with many taps goes through the fast Fourier transform, also one larger than the image.
    @Test
    void aKernelOfManyTapsIsTransformedToTheSameSpectrum() {
        Random random = new Random(7);
        CircularConvolution s = new CircularConvolution(3, 2, 8, 7, 1, 8, 9, 1, 1, 1, 2);
        float[] weight = DenseJudge.gaussian(random, DenseJudge.weights(s));
        try (Workers workers = new Workers(2)) {
            double[] expected = DenseJudge.singularValues(DenseJudge.circular(s, weight));
            for (SvdMethod method : SvdMethod.values()) {
                assertSpectrum(expected, ConvolutionSpectrum.values(s, weight, method, workers), method.label());
            }
            assertEquals(expected[0], ConvolutionSpectrum.largest(s, weight, workers), 1e-9 * expected[0]);
        }
    }

    @Test
    void theSpectrumIsBitwiseTheSameForAnyNumberOfThreads() {
        CircularConvolution s = new CircularConvolution(20, 12, 3, 3, 2, 8, 8, 2, 2, 1, 1);
        float[] weight = DenseJudge.gaussian(new Random(2), DenseJudge.weights(s));
        try (Workers one = new Workers(1); Workers three = new Workers(3)) {
            assertArrayEquals(ConvolutionSpectrum.values(s, weight, SvdMethod.GRAM, one),
                    ConvolutionSpectrum.values(s, weight, SvdMethod.GRAM, three));
            assertEquals(ConvolutionSpectrum.largest(s, weight, one), ConvolutionSpectrum.largest(s, weight, three));
        }
    }

    @ParameterizedTest
    @EnumSource(SvdMethod.class)
    void theWaysAgreeOnAWiderLayer(SvdMethod method) {
        CircularConvolution s = new CircularConvolution(24, 40, 3, 3, 1, 6, 5, 1, 1, 1, 1);
        float[] weight = DenseJudge.gaussian(new Random(9), DenseJudge.weights(s));
        try (Workers workers = new Workers(2)) {
            double[] expected = ConvolutionSpectrum.values(s, weight, SvdMethod.JACOBI, workers);
            assertSpectrum(expected, ConvolutionSpectrum.values(s, weight, method, workers), method.label());
        }
    }

    @Test
    void aStrideThatDoesNotDivideTheImageIsRefusedWithAHint() {
        IllegalArgumentException refused = assertThrows(IllegalArgumentException.class,
                () -> new CircularConvolution(2, 2, 3, 3, 1, 5, 4, 2, 2, 1, 1));
        assertTrue(refused.getMessage().contains("does not divide"), refused.getMessage());
    }

    @Test
    void weightsThatAreNotFiniteAreRefused() {
        CircularConvolution s = new CircularConvolution(1, 1, 1, 2, 1, 4, 4, 1, 1, 1, 1);
        try (Workers workers = new Workers(1)) {
            assertThrows(ArithmeticException.class,
                    () -> ConvolutionSpectrum.values(s, new float[] {1, Float.NaN}, SvdMethod.GRAM, workers));
        }
    }
}
