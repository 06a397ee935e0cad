package dev.normlab.lip.spectral;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.ConvolutionKernels;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.Kernels;
import dev.normlab.engine.kernel.MatrixKernels;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WaveStartTest {

    private static final LargestSingularValue.Options ROUGH = new LargestSingularValue.Options(1e-3, 200);

    /// Layers with more and with fewer outputs than inputs, strides and groups.
    @ParameterizedTest
    @CsvSource({"64, 64, 3, 24, 1, 1, 1, 1", "64, 48, 3, 26, 1, 1, 1, 1", "64, 128, 3, 40, 2, 1, 1, 1", "48, 64, 5, 24, 1, 2, 1, 1",
        "96, 64, 3, 32, 1, 1, 1, 2"})
    void aWaveReachesTheValueOfARandomStartInFewerSteps(int c, int o, int k, int size, int stride, int padding, int dilation, int groups) {
        Conv2dGeometry geometry = new Conv2dGeometry(stride, stride, padding, padding, padding, padding, dilation, dilation, groups,
                PadMode.ZERO);
        Conv2dSizes s = Convolution.sizes(Shape.of(1, c, size, size), Shape.of(o, c / groups, k, k), geometry);
        assertTrue(WaveStart.suits(s), "the layer is large enough: " + s);
        float[] weight = DenseJudge.gaussian(new Random(c + o), s.weightShape().elements());
        try (Device device = Device.cpu(2)) {
            LargestSingularValue.Estimate wave = LargestSingularValue.ofConvolution(s, PadMode.ZERO, weight, RandomStream.of(1, "start"),
                    ROUGH,
                    device);
            LargestSingularValue.Estimate exact = LargestSingularValue.estimate(new ConvolutionOperator(s, weight, device),
                    RandomStream.of(1, "start"), new LargestSingularValue.Options(1e-5, 200), device.workers());
            assertEquals(exact.value(), wave.value(), 2e-3 * exact.value(), s.toString());
            assertTrue(2 * wave.steps() <= exact.steps(), wave.steps() + " and " + exact.steps() + " steps");
            assertTrue(wave.converged() && exact.converged());
            assertThrows(IllegalStateException.class, () -> wave.boundWithProbability(0.01));
        }
    }

    /// Kernels at which two of the best frequencies lead to one wave: added to itself with another phase, it nearly vanished, and 19 steps
    /// were needed.
    @ParameterizedTest
    @ValueSource(longs = {10, 11})
    void oneWaveThatIsFoundTwiceStartsOnce(long seed) {
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 64, 24, 24), Shape.of(64, 64, 3, 3), Conv2dGeometry.of(1, 1));
        float[] weight = new float[s.weightShape().elements()];
        RandomStream.of(seed, "w").fillNormal(weight, 0, 1);
        try (Device device = Device.cpu(2)) {
            LargestSingularValue.Estimate estimate = LargestSingularValue.ofConvolution(s, PadMode.ZERO, weight,
                    RandomStream.of(1, "start"),
                    ROUGH, device);
            assertTrue(estimate.converged() && estimate.steps() <= 9, estimate.steps() + " steps");
        }
    }

    /// Layers with parts of low rank on top of noise, several of which are amplified nearly alike: the search has to tell which of them
    /// wins on an image whose borders cost sharp maxima more than flat ones.
    @Test
    void theValueIsRightWhereSeveralWavesRival() {
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 64, 16, 16), Shape.of(128, 64, 3, 3), Conv2dGeometry.of(1, 1));
        assertTrue(WaveStart.suits(s));
        double sum = 0;
        try (Device device = Device.cpu(2)) {
            for (int trial = 0; trial < 10; trial++) {
                float[] weight = rivals(s, RandomStream.of(trial, "weights"), trial % 2 == 0 ? 0 : 6);
                double rough = LargestSingularValue.ofConvolution(s, PadMode.ZERO, weight, RandomStream.of(trial, "start"), ROUGH, device)
                        .value();
                double exact = LargestSingularValue.estimate(new ConvolutionOperator(s, weight, device), RandomStream.of(trial, "other"),
                        new LargestSingularValue.Options(1e-6, 300), device.workers()).value();
                assertTrue(rough <= exact * (1 + 1e-5) && rough >= exact * (1 - 2e-3), "trial " + trial + ": " + rough / exact);
                sum += 1 - rough / exact;
            }
        }
        assertTrue(sum / 10 <= 5e-4, "on average the value is low by " + sum / 10);
    }

    private static double found(Conv2dSizes s, float[] weight, Device device) {
        return LargestSingularValue.ofConvolution(s, PadMode.ZERO, weight, RandomStream.of(1, "start"), ROUGH, device).value();
    }

    private static double exact(Conv2dSizes s, float[] weight, Device device) {
        return LargestSingularValue.estimate(new ConvolutionOperator(s, weight, device), RandomStream.of(2, "start"),
                new LargestSingularValue.Options(1e-5, 200), device.workers()).value();
    }

    /// Kernels of one row, one column or one tap, a stride beyond the kernel, images with just enough room, and taps that read
    /// nothing but padding.
    @ParameterizedTest
    @CsvSource({"48, 48, 1, 7, 1, 1, 32, 44, 0, 1", "64, 48, 5, 1, 1, 1, 36, 32, 2, 1", "128, 128, 1, 1, 1, 1, 32, 34, 0, 1",
        "64, 96, 3, 3, 4, 4, 72, 72, 0, 1", "128, 128, 3, 3, 1, 1, 12, 12, 1, 1",
        "48, 48, 7, 7, 1, 1, 36, 36, 3, 4", "256, 128, 3, 3, 2, 2, 1, 60, 24, 1"})
    void theValueIsRightOnUnusualLayers(int c, int o, int kh, int kw, int strideH, int strideW, int h, int w, int padding, int groups) {
        Conv2dGeometry geometry = new Conv2dGeometry(strideH, strideW, padding, padding, padding, padding, 1, 1, groups, PadMode.ZERO);
        Conv2dSizes s = Convolution.sizes(Shape.of(1, c, h, w), Shape.of(o, c / groups, kh, kw), geometry);
        assertTrue(WaveStart.suits(s), "a wave starts: " + s);
        float[] weight = DenseJudge.gaussian(new Random(c + o), s.weightShape().elements());
        try (Device device = Device.cpu(2)) {
            double exact = exact(s, weight, device);
            double found = found(s, weight, device);
            assertTrue(found <= exact * (1 + 1e-4) && found >= exact * (1 - 2e-3), found + " of " + exact);
        }
    }

    /// Kernels of rank one whose maximum lies half-way between two lines of the grid, beside a flat ridge along one: the search took the
    /// ridge, and the value was up to 1.7% low.
    @ParameterizedTest
    @ValueSource(longs = {3667, 1060})
    void aMaximumBetweenTheLinesOfTheGridIsFound(long seed) {
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 54, 44, 55), Shape.of(64, 54, 5, 4), Conv2dGeometry.of(3, 0));
        assertTrue(WaveStart.suits(s));
        Random random = new Random(seed);
        float[] outputs = DenseJudge.gaussian(random, 64);
        float[] inputs = DenseJudge.gaussian(random, 54);
        float[] taps = DenseJudge.gaussian(random, 20);
        float[] weight = new float[s.weightShape().elements()];
        for (int i = 0; i < weight.length; i++) {
            weight[i] = outputs[i / (54 * 20)] * inputs[i / 20 % 54] * taps[i % 20];
        }
        try (Device device = Device.cpu(2)) {
            double exact = exact(s, weight, device);
            assertEquals(exact, found(s, weight, device), 2e-3 * exact);
        }
    }

    /// On so large an image the bound by the torus around it is nearly the truth.
    @Test
    void theValueIsRightWithOneInput() {
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 1, 172, 172), Shape.of(64, 1, 3, 3), Conv2dGeometry.of(1, 1));
        assertTrue(WaveStart.suits(s), "a wave starts: " + s);
        float[] weight = DenseJudge.gaussian(new Random(1), s.weightShape().elements());
        try (Device device = Device.cpu(2)) {
            double bound = L2Bound.ofTorus(s, weight, device.workers()).value();
            double found = found(s, weight, device);
            assertTrue(found <= bound && found >= bound * (1 - 2e-3), found + " of " + bound);
        }
    }

    /// With fewer outputs than inputs the search goes on from images of its vectors, which are zero then.
    @ParameterizedTest
    @CsvSource({"64, 48", "48, 64"})
    void weightsOfZeroHaveTheValueZeroAndAGroupOfZerosLeavesTheOtherOnes(int c, int o) {
        Conv2dSizes s = Convolution.sizes(Shape.of(1, c, 40, 40), Shape.of(o, c / 2, 3, 3), Conv2dGeometry.of(1, 1, 2));
        assertTrue(WaveStart.suits(s));
        float[] weight = new float[s.weightShape().elements()];
        try (Device device = Device.cpu(2)) {
            assertEquals(0, found(s, weight, device));
            // one tap: every frequency has the same value, which all peaks of the other group come behind
            for (int io = o / 2; io < o; io++) {
                weight[io * c / 2 * 9 + 4] = 1;
            }
            assertEquals(Math.sqrt(o / 2.0), found(s, weight, device), 1e-3);
            // a group whose Gram matrices are below the least normal number
            float[] rest = DenseJudge.gaussian(new Random(3), weight.length / 2);
            for (float size : new float[] {1e-19f, 1e-21f, 1e-22f}) {
                for (int i = 0; i < rest.length; i++) {
                    weight[i] = size * rest[i];
                }
                assertEquals(Math.sqrt(o / 2.0), found(s, weight, device), 1e-3, "beside weights of " + size);
            }
        }
    }

    /// The pool lends arrays with what their last users left, and some that are longer than asked for.
    @Test
    void whatThePoolsArraysHoldChangesNothingAndAllGoBack() {
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 60, 25, 24), Shape.of(52, 60, 3, 3), Conv2dGeometry.of(1, 1));
        assertTrue(WaveStart.suits(s));
        float[] weight = DenseJudge.gaussian(new Random(6), s.weightShape().elements());
        int vector = 64 * 25 * 24;
        int[] lengths = {weight.length, vector, 60, 52};
        double[] found = new double[4];
        for (int i = 0; i < found.length; i++) {
            try (Device device = Device.cpu(1 + i % 3)) {
                List<float[]> lent = new ArrayList<>();
                for (int k = 0; i > 0 && k < 10_000; k++) {
                    int length = lengths[k % lengths.length];
                    if (length < 100 || k < 100) {
                        lent.add(device.pool().takeFloats(length + (k % 2 == 0 ? 0 : length / 8), true));
                    }
                }
                lent.forEach(array -> Arrays.fill(array, Float.NaN));
                lent.forEach(device.pool()::giveBack);
                found[i] = found(s, weight, device);
                assertEquals(found[0], found[i], "run " + i);
                device.pool().clear();
                assertEquals(0, device.pool().heldBytes(), "bytes that are still lent");
            }
        }
    }

    /// A device whose products and convolutions fail after some calls.
    private static Device failing(Device device, int after) {
        int[] calls = {0};
        MatrixKernels matrices = failing(MatrixKernels.class, device.kernels().matrices(), after, calls);
        ConvolutionKernels convolutions = failing(ConvolutionKernels.class, device.kernels().convolutions(), after, calls);
        Kernels kernels = (Kernels) Proxy.newProxyInstance(Kernels.class.getClassLoader(), new Class<?>[] {Kernels.class},
                (_, method, arguments) -> switch (method.getName()) {
                    case "convolutions" -> convolutions;
                    case "matrices" -> matrices;
                    default -> method.invoke(device.kernels(), arguments);
                });
        return Device.of(kernels, 2, false);
    }

    private static <T> T failing(Class<T> kernels, T healthy, int after, int[] calls) {
        return kernels.cast(Proxy.newProxyInstance(Kernels.class.getClassLoader(), new Class<?>[] {kernels}, (_, method, arguments) -> {
            if (calls[0]++ >= after) {
                throw new IllegalStateException("no more calls");
            }
            return method.invoke(healthy, arguments);
        }));
    }

    /// A 3x3 kernel takes 45 products of taps; convolutions follow.
    @Test
    void whateverFailsAllMemoryGoesBackOnce() {
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 64, 24, 24), Shape.of(64, 64, 3, 3), Conv2dGeometry.of(1, 1));
        float[] weight = DenseJudge.gaussian(new Random(6), s.weightShape().elements());
        try (Device device = Device.cpu(1)) {
            for (int calls : new int[] {0, 3, 44, 45, 46, 48}) {
                try (Device failing = failing(device, calls)) {
                    assertThrows(IllegalStateException.class, () -> found(s, weight, failing), calls + " calls");
                    failing.pool().clear();
                    assertEquals(0, failing.pool().heldBytes(), "after " + calls + " calls");
                }
            }
        }
    }

    @Test
    void aTurnedVectorHasTheLongestRealPart() {
        float[] real = {3, 0, -4, 0, 12, 0};
        for (double angle : new double[] {0, 0.3, Math.PI / 2, 2, 5}) {
            float[] v = new float[6];
            for (int i = 0; i < 6; i += 2) {
                v[i] = (float) (real[i] * Math.cos(angle));
                v[i + 1] = (float) (real[i] * Math.sin(angle));
            }
            float[] turned = WaveStart.turned(v);
            float sign = Math.signum(turned[0]);
            for (int i = 0; i < 6; i++) {
                assertEquals(sign * real[i], turned[i], 1e-5, "after a turn by " + angle);
            }
        }
        float[] v = DenseJudge.gaussian(new Random(1), 20);
        float[] turned = WaveStart.turned(v);
        double re = 0;
        double im = 0;
        double length = 0;
        for (int i = 0; i < 20; i += 2) {
            re += turned[i] * turned[i] - turned[i + 1] * turned[i + 1];
            im += turned[i] * turned[i + 1];
            length += v[i] * v[i] + v[i + 1] * v[i + 1] - turned[i] * turned[i] - turned[i + 1] * turned[i + 1];
        }
        assertTrue(re > 0);
        assertEquals(0, im, 1e-5);
        assertEquals(0, length, 1e-5);
        assertArrayEquals(new float[4], WaveStart.turned(new float[4]));
    }

    /// A mean of neighbours amplifies the constant image most: the start is nearly the singular vector, and not a part of it.
    @Test
    void aWaveThatIsReallyConstantStartsAtItsFullLength() {
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 64, 24, 24), Shape.of(64, 64, 3, 3), Conv2dGeometry.of(1, 1));
        float[] weight = DenseJudge.gaussian(new Random(2), s.weightShape().elements());
        for (int i = 0; i < weight.length; i++) {
            weight[i] = weight[i - i % 9] * (1 + 0.1f * weight[i]);
        }
        try (Device device = Device.cpu(2)) {
            float[] image = new float[s.inputShape().elements()];
            Arrays.fill(image, Float.NaN);
            WaveStart.fill(s, Storage.ofFloats(s.weightShape(), Layout.PLAIN, weight), RandomStream.of(1, "start"), device, image);
            double square = 0;
            for (float value : image) {
                square += (double) value * value;
            }
            // the window's own length is 25/2
            assertEquals(12.5, Math.sqrt(square), 0.3);
        }
    }

    private static float[] rivals(Conv2dSizes s, RandomStream random, int parts) {
        float[] weight = new float[s.weightShape().elements()];
        random.fillNormal(weight, 0, 1);
        int area = s.kh() * s.kw();
        for (int part = 0; part < parts; part++) {
            float[] outputs = new float[s.o()];
            float[] inputs = new float[s.c()];
            float[] taps = new float[area];
            random.fillNormal(outputs, 0, 1);
            random.fillNormal(inputs, 0, 1);
            random.fillNormal(taps, 0, 1);
            for (int i = 0; i < weight.length; i++) {
                weight[i] += 0.35f / (1 + 0.1f * part) * outputs[i / (s.c() * area)] * inputs[i / area % s.c()] * taps[i % area];
            }
        }
        return weight;
    }
}
