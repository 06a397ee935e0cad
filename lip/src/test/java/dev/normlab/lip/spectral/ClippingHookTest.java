package dev.normlab.lip.spectral;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.NormedLayer;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.TrainingHook;
import dev.normlab.nn.train.TrainingStep;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ClippingHookTest {

    private static final int STEPS = 12;

    private static Layer network() {
        return new Sequential(new Conv2d(3, 6, 3, 1, 1, true), new BatchNorm2d(6), new ReLU(), new Conv2d(6, 8, 3, 2, 1, false), new ReLU(),
                new Conv2d(8, 8, 3, 2, 1, false), new Flatten(), new Linear(8 * 3 * 3, 4, true)).initialize(3);
    }

    /// Trains on noise with a large learning rate, on images of 10 x 10: the last convolution sees 5 x 5 pixels, which its stride does not
    /// divide.
    private static Layer trained(List<? extends TrainingHook> hooks, Layer model, int threads) {
        RandomStream random = RandomStream.of(1, "noise");
        float[] images = new float[8 * 3 * 10 * 10];
        try (Device device = Device.cpu(threads);
                TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.2, 0.9, 0)), hooks,
                        device)) {
            for (int i = 0; i < STEPS; i++) {
                random.fillUniform(images, 0, 1);
                int[] labels = new int[8];
                for (int j = 0; j < labels.length; j++) {
                    labels[j] = random.nextInt(4);
                }
                step.run(Tensor.of(Shape.of(8, 3, 10, 10), images), Tensor.ofInts(Shape.of(8), labels));
            }
        }
        return model;
    }

    /// The largest circular norm of the convolutions that have one, or the bound of the others and the linear layer.
    private static double largestNorm(Layer model) {
        double largest = 0;
        try (Device device = Device.scalar(1)) {
            for (NormedLayer layer : NormedLayer.of(model)) {
                if (layer.kind() == LayerKind.BN) {
                    continue;
                }
                float[] weight = layer.weight().orElseThrow().tensor().toArray();
                double norm = layer.convolution().map(s -> CircularConvolution.exists(s)
                        ? ConvolutionSpectrum.largest(CircularConvolution.of(s), weight, device.workers())
                        : L2Bound.ofConvolution(s, weight, device.workers()).value())
                        .orElseGet(() -> L2Bound.ofMatrix(4, weight.length / 4, weight).value());
                largest = Math.max(largest, norm);
            }
        }
        return largest;
    }

    @Test
    void everyNetworkThatIsEvaluatedIsWithinTheLimit() {
        Layer model = network();
        assertTrue(largestNorm(trained(List.of(), network(), 1)) > 1.2, "without clipping the norms grow");
        double norm = largestNorm(trained(ClippingHook.both(model, 1, SvdMethod.GRAM, ClippingHook.CLIP_FREQUENCY, 6), model, 1));
        assertTrue(norm <= 1 + 1e-3, "the largest norm is " + norm);
    }

    /// In the reference the weights that are evaluated have had many updates since the last clipping.
    @Test
    void clippingEveryFewStepsAloneLeavesTheEvaluatedNetworkAboveTheLimit() {
        Layer model = network();
        ClippingHook everyFewSteps = ClippingHook.everyFewSteps(model, 1, Set.of(LayerKind.CONV), SvdMethod.GRAM, 5);
        assertTrue(largestNorm(trained(List.of(everyFewSteps), model, 1)) > 1.01);
    }

    @Test
    void clippedTrainingIsBitwiseTheSameForAnyNumberOfThreads() {
        Layer one = network();
        Layer two = network();
        trained(ClippingHook.both(one, 0.8, SvdMethod.GRAM, ClippingHook.CLIP_FREQUENCY, 5), one, 1);
        trained(ClippingHook.both(two, 0.8, SvdMethod.GRAM, ClippingHook.CLIP_FREQUENCY, 5), two, 2);
        for (Map.Entry<String, Tensor> entry : one.stateDict().entrySet()) {
            assertArrayEquals(entry.getValue().toArray(), two.stateDict().get(entry.getKey()).toArray(), entry.getKey());
        }
    }

    @ParameterizedTest
    @EnumSource(SvdMethod.class)
    void everyWayToSingularValuesClipsToTheSameNetwork(SvdMethod method) {
        Layer expected = network();
        Layer model = network();
        trained(ClippingHook.both(expected, 0.8, SvdMethod.GRAM, 5, 6), expected, 1);
        trained(ClippingHook.both(model, 0.8, method, 5, 6), model, 1);
        for (Map.Entry<String, Tensor> entry : expected.stateDict().entrySet()) {
            assertArrayEquals(entry.getValue().toArray(), model.stateDict().get(entry.getKey()).toArray(), 1e-3f, entry.getKey());
        }
        assertTrue(largestNorm(model) <= 0.8 * (1 + 1e-3));
    }

    @Test
    void aFrozenLayerIsLeftAlone() {
        Layer model = network();
        float[] large = new float[6 * 3 * 9];
        Arrays.fill(large, 2f);
        model.namedParameters().get("0.weight").set(large);
        model.namedParameters().get("0.weight").frozen(true);
        trained(ClippingHook.both(model, 1, SvdMethod.GRAM, ClippingHook.CLIP_FREQUENCY, 6), model, 1);
        assertArrayEquals(large, model.namedParameters().get("0.weight").tensor().toArray());
        assertEquals(STEPS % 6, 0, "the run ends at the end of an epoch");
    }

    /// An accelerator takes all other steps as one program.
    @Test
    void onlyTheStepsThatClipAreTheHosts() {
        List<ClippingHook> hooks = ClippingHook.both(network(), 1, SvdMethod.GRAM, 4, 6);
        for (int step = 0; step < 13; step++) {
            for (ClippingHook hook : hooks) {
                hook.beforeStep(step);
            }
            assertEquals(List.of(step % 4 == 1, step % 6 == 5), hooks.stream().map(ClippingHook::actsOnHost).toList(), "step " + step);
        }
    }
}
