package dev.normlab.lip.spectral;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
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
