package dev.normlab.lip.spectral;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
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
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.lip.norm.DenseMatrix;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.NormedLayer;
import dev.normlab.nn.layer.AdaptiveAvgPool2d;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.ConvTranspose2d;
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
import java.util.LinkedHashMap;
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
        return trained(hooks, model, threads, 0.2);
    }

    private static Layer trained(List<? extends TrainingHook> hooks, Layer model, int threads, double learningRate) {
        RandomStream random = RandomStream.of(1, "noise");
        float[] images = new float[8 * 3 * 10 * 10];
        try (Device device = Device.cpu(threads);
                TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(learningRate, 0.9, 0)),
                        hooks,
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
        double norm = largestNorm(
                trained(ClippingHook.both(model, 1, SvdMethod.GRAM, ClippedOperator.CIRCULAR, ClippingHook.CLIP_FREQUENCY, 6), model, 1));
        assertTrue(norm <= 1 + 1e-3, "the largest norm is " + norm);
    }

    /// In the reference the weights that are evaluated have had many updates since the last clipping.
    @Test
    void clippingEveryFewStepsAloneLeavesTheEvaluatedNetworkAboveTheLimit() {
        Layer model = network();
        ClippingHook everyFewSteps = ClippingHook.everyFewSteps(model, 1, Set.of(LayerKind.CONV), SvdMethod.GRAM, 5, 6);
        assertTrue(largestNorm(trained(List.of(everyFewSteps), model, 1)) > 1.01);
    }

    @Test
    void clippedTrainingIsBitwiseTheSameForAnyNumberOfThreads() {
        Layer one = network();
        Layer two = network();
        trained(ClippingHook.both(one, 0.8, SvdMethod.GRAM, ClippedOperator.CIRCULAR, ClippingHook.CLIP_FREQUENCY, 5), one, 1);
        trained(ClippingHook.both(two, 0.8, SvdMethod.GRAM, ClippedOperator.CIRCULAR, ClippingHook.CLIP_FREQUENCY, 5), two, 2);
        for (Map.Entry<String, Tensor> entry : one.stateDict().entrySet()) {
            assertArrayEquals(entry.getValue().toArray(), two.stateDict().get(entry.getKey()).toArray(), entry.getKey());
        }
    }

    @ParameterizedTest
    @EnumSource(value = SvdMethod.class, names = "EJML_VALUES", mode = EnumSource.Mode.EXCLUDE)
    void everyWayToSingularValuesClipsToTheSameNetwork(SvdMethod method) {
        Layer expected = network();
        Layer model = network();
        trained(ClippingHook.both(expected, 0.8, SvdMethod.GRAM, ClippedOperator.CIRCULAR, 5, 6), expected, 1);
        trained(ClippingHook.both(model, 0.8, method, ClippedOperator.CIRCULAR, 5, 6), model, 1);
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
        trained(ClippingHook.both(model, 1, SvdMethod.GRAM, ClippedOperator.CIRCULAR, ClippingHook.CLIP_FREQUENCY, 6), model, 1);
        assertArrayEquals(large, model.namedParameters().get("0.weight").tensor().toArray());
        assertEquals(STEPS % 6, 0, "the run ends at the end of an epoch");
    }

    /// The number of the batch counts within the epoch, as in the reference code. An accelerator takes all other steps as one program.
    @Test
    void onlyTheStepsThatClipAreTheHosts() {
        List<ClippingHook> hooks = ClippingHook.both(network(), 1, SvdMethod.GRAM, ClippedOperator.CIRCULAR, 4, 7);
        for (int step = 0; step < 21; step++) {
            for (ClippingHook hook : hooks) {
                hook.beforeStep(step);
            }
            int batch = step % 7;
            assertEquals(List.of(batch == 1 || batch == 5, batch == 6), hooks.stream().map(ClippingHook::actsOnHost).toList(),
                    "step " + step);
        }
        ClippingHook always = ClippingHook.everyFewSteps(network(), 1, Set.of(LayerKind.CONV), SvdMethod.GRAM, 1, 3);
        for (int step = 0; step < 6; step++) {
            always.beforeStep(step);
            assertTrue(always.actsOnHost(), "every batch, step " + step);
        }
    }

    /// On images of 10 x 10: a 3 x 3 kernel on 2 x 2 pixels, a layer with reflected borders, and one that is a circular convolution.
    private static Layer smallMaps() {
        Conv2d wrapping = new Conv2d(4, 4, 3, 1, 1, false);
        Layer model = new Sequential(new Conv2d(3, 4, 3, 3, Conv2dGeometry.of(1, 1).withMode(PadMode.REFLECT), true),
                new Conv2d(4, 4, 3, 3, Conv2dGeometry.of(1, 1).withMode(PadMode.CIRCULAR), true), new ConvTranspose2d(4, 4, 3, 1, 1, false),
                new Conv2d(4, 4, 3, 5, 1, true), new ReLU(), wrapping, new Flatten(), new Linear(4 * 4, 4, true)).initialize(3);
        float[] antisymmetric = new float[4 * 4 * 9];
        for (int i = 0; i < antisymmetric.length; i++) {
            antisymmetric[i] = 2 * (1 - i % 9 / 3);
        }
        wrapping.weight().set(antisymmetric);
        return model;
    }

    /// The norm of every convolution with its own borders, from its whole matrix.
    private static Map<String, Double> normsOfMatrices(Layer model) {
        Map<String, Double> norms = new LinkedHashMap<>();
        for (NormedLayer layer : NormedLayer.of(model)) {
            layer.convolution().ifPresent(s -> {
                PadMode mode = layer.layer() instanceof Conv2d conv ? conv.geometry().mode() : PadMode.ZERO;
                double[][] rows = DenseMatrix.of(s, mode, layer.weight().orElseThrow().tensor().toArray()).rows();
                norms.put(layer.name(), DenseJudge.singularValues(rows)[0]);
            });
        }
        return norms;
    }

    /// On the torus of 2 x 2 pixels the first and the last row of taps meet and cancel, so that the circular layer has norm 0.
    @Test
    void onlyClippingOfTheLayersThemselvesLimitsWhatCancelsOnTheTorus() {
        Layer circular = smallMaps();
        trained(ClippingHook.both(circular, 1, SvdMethod.GRAM, ClippedOperator.CIRCULAR, 4, 6), circular, 1, 1e-3);
        double left = normsOfMatrices(circular).get("5");
        assertTrue(left > 10, "as in the paper, nothing limits the layer's own norm: " + left);
        Layer model = smallMaps();
        trained(ClippingHook.both(model, 1, SvdMethod.GRAM, ClippedOperator.LAYER, 4, 6), model, 1, 1e-3);
        Map<String, Double> norms = normsOfMatrices(model);
        assertEquals(5, norms.size());
        norms.forEach((name, norm) -> assertTrue(norm <= 1 + 1e-4, "layer " + name + ": " + norm));
        assertTrue(norms.get("5") > 0.9, "clipped at the limit, not far below it: " + norms);
    }

    /// On images of one pixel a kernel is clipped at its centre tap, or at the sum of its taps. The third step is a replay.
    @ParameterizedTest
    @EnumSource(ClippedOperator.class)
    void imagesOfAnotherSizeAreClippedAsTheLayersTheyMeetInReplaysToo(ClippedOperator operator) {
        Conv2d conv = new Conv2d(1, 1, 3, 1, 1, false);
        Layer model = new Sequential(conv, new AdaptiveAvgPool2d(1, 1), new Flatten(), new Linear(1, 2, true)).initialize(1);
        Tensor labels = Tensor.ofInts(Shape.of(2), 0, 1);
        ClippingHook hook = ClippingHook.beforeEvaluation(model, 0.5, Set.of(LayerKind.CONV), SvdMethod.GRAM, operator, 1);
        try (Device device = Device.scalar(1);
                TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.1, 0, 0)),
                        List.of(hook), device)) {
            for (int size : new int[] {4, 1, 4}) {
                conv.weight().set(1, -1, 1, -1, 1, -1, 1, -1, 1);
                step.run(Tensor.full(0.5f, 2, 1, size, size), labels);
                float[] weight = conv.weight().tensor().toArray();
                Conv2dSizes s = Convolution.sizes(Shape.of(1, 1, size, size), Shape.of(1, 1, 3, 3), conv.geometry());
                double norm = DenseJudge.singularValues(operator == ClippedOperator.LAYER
                        ? DenseJudge.padded(s, weight)
                        : DenseJudge.circular(CircularConvolution.of(s), weight))[0];
                assertTrue(norm <= 0.5 * (1 + 1e-4) && norm > 0.3, "on images of " + size + ": " + norm);
            }
        }
    }

    @Test
    void operatorsGoByTheirNames() {
        assertEquals(ClippedOperator.LAYER, ClippedOperator.parse("layer"));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> ClippedOperator.parse("padded")).getMessage()
                .contains("known: circular, layer"));
    }
}
