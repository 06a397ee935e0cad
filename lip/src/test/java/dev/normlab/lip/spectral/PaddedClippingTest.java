package dev.normlab.lip.spectral;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
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

class PaddedClippingTest {

    private static double distance(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += Math.pow((double) a[i] - b[i], 2);
        }
        return Math.sqrt(sum);
    }

    /// How far plain scaling moves the weights.
    private static double scalingDistance(float[] weight, double norm, double limit) {
        float[] zero = new float[weight.length];
        return (1 - limit / norm) * distance(weight, zero);
    }

    @Test
    void smallStridedAndPaddedLayersEndWithinTheLimitAndNearerThanByScaling() {
        Random random = new Random(200);
        int clipped = 0;
        double share = 0;
        try (Device device = Device.scalar(1)) {
            for (int trial = 0; trial < 200; trial++) {
                Conv2dSizes s = DenseJudge.randomPadded(random);
                float[] weight = DenseJudge.gaussian(random, s.weightShape().elements());
                double limit = 0.5 + random.nextDouble();
                double before = DenseJudge.singularValues(DenseJudge.padded(s, weight))[0];
                SingularValueClipping.Result result = PaddedClipping.clip(s, PadMode.ZERO, weight, limit, device,
                        RandomStream.of(trial, "test"));
                double norm = DenseJudge.singularValues(DenseJudge.padded(s, result.weight()))[0];
                String message = "trial " + trial + " " + s;
                assertTrue(norm <= limit, message + ": " + norm + " above " + limit);
                assertTrue(result.after() >= norm * (1 - 1e-12), message);
                if (before > 1.01 * limit) {
                    double byScaling = scalingDistance(weight, before, limit);
                    double moved = distance(weight, result.weight());
                    assertTrue(moved <= byScaling * (1 + 1e-3), message + ": moved by " + moved + ", scaling " + byScaling);
                    share += moved / byScaling;
                    clipped++;
                }
            }
        }
        assertTrue(clipped > 100, clipped + " layers were clipped");
        assertTrue(share / clipped < 0.9, "on average clipping moves weights by " + share / clipped + " of what scaling does");
    }

    @Test
    void aLayerWithinTheLimitKeepsItsBits() {
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 3, 5, 5), Shape.of(4, 3, 3, 3), Conv2dGeometry.of(2, 1));
        float[] weight = DenseJudge.gaussian(new Random(1), s.weightShape().elements());
        double norm = DenseJudge.singularValues(DenseJudge.padded(s, weight))[0];
        try (Device device = Device.scalar(1)) {
            assertArrayEquals(weight,
                    PaddedClipping.clip(s, PadMode.ZERO, weight, norm * 1.000001, device, RandomStream.of(1, "test")).weight());
        }
    }

    @Test
    void aLargerLayerIsClippedOnTheTorusAroundItUpToItsOwnNorm() {
        Random random = new Random(5);
        try (Device device = Device.cpu(2)) {
            for (int stride = 1; stride <= 2; stride++) {
                Conv2dSizes s = Convolution.sizes(Shape.of(1, 8, 7 * stride, 7 * stride), Shape.of(8, 8, 3, 3),
                        Conv2dGeometry.of(stride, 1));
                float[] weight = DenseJudge.gaussian(random, s.weightShape().elements());
                double before = DenseJudge.singularValues(DenseJudge.padded(s, weight))[0];
                double limit = before / 2;
                SingularValueClipping.Result result = PaddedClipping.clip(s, PadMode.ZERO, weight, limit, device,
                        RandomStream.of(1, "test"));
                double norm = DenseJudge.singularValues(DenseJudge.padded(s, result.weight()))[0];
                assertTrue(result.passes() > 0, "clipped, not scaled");
                assertTrue(norm <= limit && norm > 0.9 * limit, "stride " + stride + ": " + norm + " of " + limit);
                assertTrue(distance(weight, result.weight()) < 0.9 * scalingDistance(weight, before, limit), "nearer than by scaling");
            }
        }
    }

    @Test
    void layersWithOtherBordersAreScaledWithinAGuaranteedBound() {
        Random random = new Random(9);
        try (Device device = Device.scalar(1)) {
            for (PadMode mode : new PadMode[] {PadMode.CIRCULAR, PadMode.REFLECT, PadMode.REPLICATE}) {
                Conv2dSizes s = Convolution.sizes(Shape.of(1, 3, 6, 5), Shape.of(4, 3, 3, 3), Conv2dGeometry.of(1, 1));
                float[] weight = DenseJudge.gaussian(random, s.weightShape().elements());
                float[] clipped = PaddedClipping.clip(s, mode, weight, 1, device, RandomStream.of(1, "test")).weight();
                double norm = LargestSingularValue.estimate(new ConvolutionOperator(s, mode, clipped, device), RandomStream.of(1, "start"),
                        LargestSingularValue.Options.ACCURATE, device.workers()).value();
                assertTrue(norm <= 1 + 1e-6 && norm > 0.2, mode + ": " + norm);
            }
        }
    }
}
