package dev.normlab.nn.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.StateDict;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.StepResult;
import dev.normlab.nn.train.TrainingHook;
import dev.normlab.nn.train.TrainingStep;
import dev.normlab.testkit.Samples;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Every model, with few channels: forward, backward, a step of training, out to a file and back.
class ZooTrainingTest {

    private static final String WIDTH = ":width=0.0625";
    private static final Tensor IMAGES = Samples.uniform(1, 0f, 1f, 2, 3, 32, 32);
    private static final Tensor LABELS = Samples.integers(2, 10, 2);
    // The reference's EfficientNet has these, too, and does not use them.
    private static final Set<String> UNUSED = new TreeSet<>(
            List.of("layers.0.conv1.weight", "layers.0.bn1.weight", "layers.0.bn1.bias"));

    private static List<String> names() {
        return Models.names();
    }

    /// Notes which parameters have no gradient, and whether gradients are finite and not all zero.
    private static final class Looker implements TrainingHook {

        private final Layer model;
        private final Set<String> without = new TreeSet<>();
        private boolean somethingElseThanZero;

        Looker(Layer model) {
            this.model = model;
        }

        @Override
        public Moment moment() {
            return Moment.AFTER_BACKWARD;
        }

        @Override
        public boolean hostSide() {
            return true;
        }

        @Override
        public void apply(Executor executor, Gradients gradients) {
            model.namedParameters().forEach((name, parameter) -> gradients.find(parameter.tensor()).ifPresentOrElse(gradient -> {
                for (float value : gradient.toArray()) {
                    assertTrue(Float.isFinite(value), name);
                    somethingElseThanZero |= value != 0;
                }
            }, () -> without.add(name)));
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void aStepChangesWhatHasAGradientAndAFileBringsItBack(String name, @TempDir Path folder) throws IOException {
        ModelSpec spec = ModelSpec.parse(name + WIDTH);
        Layer model = Models.create(spec, 3);
        Map<String, float[]> before = values(model);
        Looker looker = new Looker(model);
        try (Device device = Device.cpu(2);
                TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(1e-3, 0.9, 5e-4)),
                        List.of(looker), device)) {
            StepResult result = step.run(IMAGES, LABELS);
            assertTrue(Float.isFinite(result.loss()) && result.loss() > 0, "loss " + result.loss());
            assertTrue(looker.somethingElseThanZero);
            assertEquals(name.startsWith("efficientnet") ? UNUSED : Set.of(), looker.without);
            assertChanged(model, before, looker.without);

            Path file = folder.resolve("model.safetensors");
            StateDict.write(model, file, Map.of());
            Layer again = Models.build(spec);
            StateDict.read(again, file);
            model.eval();
            again.eval();
            assertArrayEquals(logits(model, device), logits(again, device));
        }
    }

    private static Map<String, float[]> values(Layer model) {
        Map<String, float[]> values = new LinkedHashMap<>();
        model.stateDict().forEach((name, tensor) -> values.put(name, tensor.toArray()));
        return values;
    }

    // Weights change; statistics of batch norms that are used, too. (Single biases may keep their values, shifts of zero stay zero.)
    private static void assertChanged(Layer model, Map<String, float[]> before, Set<String> without) {
        model.namedParameters().forEach((name, parameter) -> {
            boolean same = Arrays.equals(before.get(name), parameter.tensor().toArray());
            if (parameter.shape().rank() > 1) {
                assertEquals(without.contains(name), same, name);
            }
        });
        model.namedLayers().forEach((name, layer) -> {
            if (layer instanceof BatchNorm2d norm && !without.contains(name + ".weight")) {
                assertFalse(Arrays.equals(before.get(name + ".running_var"), norm.runningVar().orElseThrow().toArray()), name);
            }
        });
    }

    private static float[] logits(Layer model, Device device) {
        try (Tape tape = Tape.inference(device)) {
            float[] logits = model.forward(tape, IMAGES).toArray();
            assertEquals(20, logits.length);
            for (float value : logits) {
                assertTrue(Float.isFinite(value));
            }
            return logits;
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void everyWidthMakesAModel(String name) {
        try (Device device = Device.scalar(1)) {
            for (double width : new double[] {0.001, 0.07, 0.21}) {
                Layer model = Models.build(ModelSpec.parse(name + ":classes=3,width=" + width)).zero();
                LayerSummary last = Summary.of(model, 3, 32, 32, device).layers().getLast();
                assertEquals("Linear", last.kind());
                assertEquals("[1, 3]", last.output().toString());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"mobilenet", "densenet_cifar", "wrn28-10", "shufflenetv2", "googlenet"})
    void otherSizesOfImagesFit(String name) {
        try (Device device = Device.scalar(1)) {
            Layer model = Models.create(name + ":width=0.05", 1);
            assertEquals("[1, 10]", Summary.of(model, 3, 48, 64, device).layers().getLast().output().toString());
        }
    }

    @Test
    void leNetSaysThatOnlyImagesOf32By32Fit() {
        try (Device device = Device.scalar(1)) {
            Layer model = Models.create("lenet", 1);
            String message = assertThrows(ShapeException.class, () -> Summary.of(model, 3, 28, 28, device)).getMessage();
            assertTrue(String.valueOf(message).contains("expected images [n, 3, 32, 32], but got [2, 3, 28, 28]"), message);
        }
    }
}
