package dev.normlab.lip.bound;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.lip.norm.DenseMatrix;
import dev.normlab.lip.spectral.CircularConvolution;
import dev.normlab.lip.spectral.GramIteration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SpectralBoundTest {

    /// The largest singular value by power iteration, from below.
    static double largestSingularValue(double[][] m) {
        double[] x = new double[m[0].length];
        Random random = new Random(1);
        for (int i = 0; i < x.length; i++) {
            x[i] = random.nextGaussian();
        }
        double value = 0;
        for (int step = 0; step < 400; step++) {
            double[] next = new double[x.length];
            for (double[] row : m) {
                double y = 0;
                for (int i = 0; i < x.length; i++) {
                    y += row[i] * x[i];
                }
                for (int i = 0; i < x.length; i++) {
                    next[i] += row[i] * y;
                }
            }
            double norm = Math.sqrt(Arrays.stream(next).map(v -> v * v).sum());
            value = Math.sqrt(norm);
            if (norm == 0) {
                return 0;
            }
            x = Arrays.stream(next).map(v -> v / norm).toArray();
        }
        return value;
    }

    @ParameterizedTest
    @EnumSource(PadMode.class)
    void theGuaranteeHoldsOnRandomConfigurationsOfEveryPaddingMode(PadMode mode) {
        Random random = new Random(1605);
        try (Device device = Device.scalar(1)) {
            SpectralBound guaranteed = SpectralBound.guaranteed(device.workers());
            for (int trial = 0; trial < 60; trial++) {
                Conv2dSizes s = DenseMatrix.randomSizes(random, mode);
                float[] weight = DenseMatrix.randomWeight(random, s);
                double bound = guaranteed.of(s, mode, weight);
                double truth = largestSingularValue(DenseMatrix.of(s, mode, weight).rows());
                String message = "trial " + trial + " " + mode + " " + s;
                assertTrue(bound >= truth * (1 - 1e-9), message + ": " + bound + " < " + truth);
                assertTrue(bound <= SpectralBound.byExactNorms(s, mode, weight) * (1 + 1e-9), message);
            }
        }
    }

    @Test
    void aConvolutionThatGoesAroundTheTorusIsBoundedTightly() {
        Random random = new Random(4);
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 3, 8, 8), Shape.of(4, 3, 3, 3), Conv2dGeometry.of(2, 1).withMode(PadMode.CIRCULAR));
        float[] weight = DenseMatrix.randomWeight(random, s);
        try (Device device = Device.scalar(1)) {
            double bound = SpectralBound.guaranteed(device.workers()).of(s, PadMode.CIRCULAR, weight);
            double truth = largestSingularValue(DenseMatrix.of(s, PadMode.CIRCULAR, weight).rows());
            assertEquals(truth, bound, 1e-2 * truth);
            assertTrue(bound < 0.9 * SpectralBound.byExactNorms(s, PadMode.CIRCULAR, weight), "and far below the exact norms' product");
        }
    }

    /// The norm of a layer of one weight is known to the last bit, and so is whether a bound is below it.
    @Test
    void noBoundOfASingleWeightIsBelowItByAsMuchAsABit() {
        Random random = new Random(1);
        try (Device device = Device.scalar(1)) {
            SpectralBound guaranteed = SpectralBound.guaranteed(device.workers());
            for (int trial = 0; trial < 2000; trial++) {
                float weight = trial == 0 ? 1e-30f : Math.scalb((float) random.nextGaussian(), random.nextInt(250) - 125);
                float[] weights = {weight};
                double truth = Math.abs(weight);
                for (PadMode mode : PadMode.values()) {
                    Conv2dSizes s = Convolution.sizes(Shape.of(1, 1, 3, 2), Shape.of(1, 1, 1, 1), Conv2dGeometry.of(1, 0).withMode(mode));
                    assertBetween(truth, guaranteed.of(s, mode, weights), mode + " " + weight);
                }
                for (int iterations = 1; iterations <= 8; iterations++) {
                    CircularConvolution torus = new CircularConvolution(1, 1, 1, 1, 1, 2, 2, 1, 1, 1, 1);
                    assertBetween(truth, GramIteration.bound(torus, weights, iterations, device.workers()), iterations + " " + weight);
                }
            }
        }
    }

    private static void assertBetween(double truth, double bound, String message) {
        assertTrue(bound >= truth && bound <= truth * (1 + 1e-12), message + ": " + bound + " for " + truth);
    }

    @Test
    void weightsThatAreNotFiniteHaveNoFiniteBound() {
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 1, 4, 4), Shape.of(1, 1, 1, 2), Conv2dGeometry.of(1, 0));
        try (Device device = Device.scalar(1)) {
            SpectralBound guaranteed = SpectralBound.guaranteed(device.workers());
            assertTrue(Double.isNaN(guaranteed.of(s, PadMode.ZERO, new float[] {1, Float.NaN})));
            assertEquals(Double.POSITIVE_INFINITY, guaranteed.of(s, PadMode.ZERO, new float[] {1, Float.POSITIVE_INFINITY}));
        }
    }
}
