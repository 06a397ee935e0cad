package dev.normlab.nn.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.testkit.Samples;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingStepTest {

    private static final Tensor IMAGES = Samples.uniform(1, 0f, 1f, 4, 3, 32, 32);
    private static final Tensor LABELS = Samples.integers(2, 10, 4);
    private static final Tensor TINY_IMAGES = Samples.uniform(3, 0f, 1f, 6, 3, 8, 8);
    private static final Tensor TINY_LABELS = Samples.integers(4, TinyTask.CLASSES, 6);

    /// Adds a multiple of the weights to the gradients: weight decay as a hook, with a state of its own.
    private static final class Decay implements TrainingHook {

        private final Layer model;
        private final boolean onHost;
        private final Tensor factor = Tensor.scalar(0f);
        private final Tensor calls = Tensor.scalar(0f);
        private final Tensor one = Tensor.scalar(1f);
        private int applied;

        Decay(Layer model, boolean onHost) {
            this.model = model;
            this.onHost = onHost;
        }

        @Override
        public Moment moment() {
            return Moment.AFTER_BACKWARD;
        }

        @Override
        public boolean hostSide() {
            return onHost;
        }

        @Override
        public void beforeStep(long step) {
            factor.set(0.01f * (step + 1));
        }

        @Override
        public void apply(Executor executor, Gradients gradients) {
            applied++;
            executor.update(Opcode.ADD_SCALED, null, List.of(calls), one, one);
            for (Parameter parameter : model.namedParameters().values()) {
                gradients.find(parameter.tensor()).ifPresent(
                        gradient -> executor.update(Opcode.ADD_SCALED, null, List.of(gradient), parameter.tensor(), factor));
            }
        }

        @Override
        public Map<String, Tensor> state() {
            return Map.of("calls", calls);
        }
    }

    /// Writes its name down when it runs.
    private record Marker(Moment moment, boolean hostSide, String name, List<String> log) implements TrainingHook {

        @Override
        public void apply(Executor executor, Gradients gradients) {
            log.add(name);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "scalar"})
    void replayingThreeVggStepsIsBitwiseTheEagerResultWhileTheLearningRateChanges(String name) {
        try (Device device = Device.open(name, 2)) {
            Layer replayed = trainVgg(device, false);
            Layer eager = trainVgg(device, true);
            TinyTask.assertSameBits(eager, replayed);
        }
    }

    private static Layer trainVgg(Device device, boolean eagerly) {
        Layer model = Models.create("vgg11:width=0.0625", 3);
        Sgd sgd = new Sgd(model, SgdOptions.of(0.1, 0.9, 5e-4));
        try (TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), sgd, List.of(new Decay(model, false)), device)) {
            for (int i = 0; i < 3; i++) {
                sgd.learningRate(0.1 / (i + 1));
                StepResult result = eagerly ? step.runEagerly(IMAGES, LABELS) : step.run(IMAGES, LABELS);
                assertTrue(Float.isFinite(result.loss()));
                assertEquals(4, result.count());
            }
        }
        return model;
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "scalar"})
    void aHookOnTheHostGivesBitwiseWhatARecordedOneGives(String name) {
        try (Device device = Device.open(name, 1)) {
            TinyTask.assertSameBits(trainTiny(device, false, false), trainTiny(device, true, false));
            TinyTask.assertSameBits(trainTiny(device, false, true), trainTiny(device, true, false));
        }
    }

    private static Layer trainTiny(Device device, boolean onHost, boolean eagerly) {
        Layer model = TinyTask.model(5);
        Decay decay = new Decay(model, onHost);
        try (TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.1, 0.9, 0)),
                List.of(decay), device)) {
            for (int i = 0; i < 3; i++) {
                if (eagerly) {
                    step.runEagerly(TINY_IMAGES, TINY_LABELS);
                } else {
                    step.run(TINY_IMAGES, TINY_LABELS);
                }
            }
        }
        assertEquals(onHost || eagerly ? 3 : 1, decay.applied, "calls of apply");
        assertEquals(3f, decay.calls.item(), "the operations ran in every step");
        return model;
    }

    @Test
    void hooksRunAtTheirMomentsInTheOrderGiven() {
        try (Device device = Device.scalar(1)) {
            Layer model = TinyTask.model(5);
            List<String> log = new ArrayList<>();
            List<TrainingHook> hooks = List.of(new Marker(TrainingHook.Moment.AFTER_UPDATE, true, "projection", log),
                    new Marker(TrainingHook.Moment.BEFORE_UPDATE, true, "clipping", log),
                    new Marker(TrainingHook.Moment.AFTER_BACKWARD, false, "decay", log),
                    new Marker(TrainingHook.Moment.AFTER_BACKWARD, true, "second decay", log));
            try (TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.1, 0, 0)), hooks,
                    device)) {
                step.runEagerly(TINY_IMAGES, TINY_LABELS);
                assertEquals(List.of("decay", "second decay", "clipping", "projection"), log);
                log.clear();
                step.run(TINY_IMAGES, TINY_LABELS);
                assertEquals(List.of("decay", "second decay", "clipping", "projection"), log,
                        "the recorded one is called when it is recorded");
                log.clear();
                step.run(TINY_IMAGES, TINY_LABELS);
                assertEquals(List.of("second decay", "clipping", "projection"), log);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "scalar"})
    void trainingComputesNoGradientOfTheImages(String name) {
        try (Device device = Device.open(name, 1)) {
            Layer model = TinyTask.model(5);
            try (TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.1, 0, 0)), List.of(),
                    device)) {
                step.run(TINY_IMAGES, TINY_LABELS);
            }
            assertEquals(2, device.calls("CONV2D_BACKWARD_WEIGHT"));
            assertEquals(1, device.calls("CONV2D_BACKWARD_INPUT"), "only the second convolution passes a gradient on");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "scalar"})
    void frozenParametersStayAndNeedNoGradient(String name) {
        try (Device device = Device.open(name, 1)) {
            Layer model = TinyTask.model(5);
            Parameter first = model.namedParameters().get("0.weight");
            float[] before = first.tensor().toArray();
            float[] beforeLast = model.namedParameters().get("9.weight").tensor().toArray();
            try (TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.1, 0.9, 0.1)),
                    List.of(), device)) {
                first.frozen(true);
                step.run(TINY_IMAGES, TINY_LABELS);
                assertEquals(1, device.calls("CONV2D_BACKWARD_WEIGHT"));
                assertArrayEquals(before, first.tensor().toArray());
                first.frozen(false);
                step.run(TINY_IMAGES, TINY_LABELS);
                assertEquals(3, device.calls("CONV2D_BACKWARD_WEIGHT"));
            }
            assertFalse(Arrays.equals(before, first.tensor().toArray()));
            assertFalse(Arrays.equals(beforeLast, model.namedParameters().get("9.weight").tensor().toArray()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "scalar"})
    void aSteadyStepAllocatesNoTensorMemory(String name) {
        try (Device device = Device.open(name, 1)) {
            Layer model = TinyTask.model(5);
            try (TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.1, 0, 0)), List.of(),
                    device)) {
                step.run(TINY_IMAGES, TINY_LABELS);
                step.run(TINY_IMAGES, TINY_LABELS);
                long allocated = device.pool().allocatedBytes();
                step.run(TINY_IMAGES, TINY_LABELS);
                assertEquals(allocated, device.pool().allocatedBytes());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "scalar"})
    void aDivergingStepNamesTheFirstLayerAffectedAndChangesNoParameter(String name) {
        try (Device device = Device.open(name, 1)) {
            Layer model = TinyTask.model(5);
            float[] huge = model.namedParameters().get("4.weight").tensor().toArray();
            Arrays.fill(huge, 3e38f);
            model.namedParameters().get("4.weight").set(huge);
            float[] last = model.namedParameters().get("9.weight").tensor().toArray();
            DivergenceException thrown = assertThrows(DivergenceException.class, () -> step(model, device).run(TINY_IMAGES, TINY_LABELS));
            assertEquals("4", thrown.layer());
            assertTrue(thrown.getMessage().contains("step 1"), thrown.getMessage());
            assertTrue(thrown.getMessage().contains("4 (Conv2d): its output is not finite"), thrown.getMessage());
            assertArrayEquals(last, model.namedParameters().get("9.weight").tensor().toArray());
        }
    }

    @Test
    void weightsAndImagesThatAreNotFiniteAreNamed() {
        try (Device device = Device.scalar(1)) {
            Layer model = TinyTask.model(5);
            float[] weights = model.namedParameters().get("9.bias").tensor().toArray();
            weights[1] = Float.POSITIVE_INFINITY;
            model.namedParameters().get("9.bias").set(weights);
            assertEquals("9", assertThrows(DivergenceException.class, () -> step(model, device).run(TINY_IMAGES, TINY_LABELS)).layer());
            float[] images = TINY_IMAGES.toArray();
            images[7] = Float.NaN;
            Tensor broken = Tensor.of(TINY_IMAGES.shape(), images);
            Layer fresh = TinyTask.model(5);
            assertEquals("images", assertThrows(DivergenceException.class, () -> step(fresh, device).run(broken, TINY_LABELS)).layer());
        }
    }

    @Test
    void aGradientThatIsNotFiniteIsNamedAlthoughTheLossIsFine() {
        try (Device device = Device.scalar(1)) {
            Layer model = TinyTask.model(5);
            // The square root of 0 is finite, and its slope there is not.
            Objective root = (tape, layer, x, labels) -> {
                Tensor logits = layer.forward(tape, x);
                Tensor zero = Arithmetic.subtract(tape, logits, tape.detach(logits));
                return new Objective.Outcome(Reductions.sum(tape, Arithmetic.sqrt(tape, zero), false),
                        logits);
            };
            try (TrainingStep step = new TrainingStep(model, root, new Sgd(model, SgdOptions.of(0.1, 0, 0)), List.of(), device)) {
                DivergenceException thrown = assertThrows(DivergenceException.class, () -> step.run(TINY_IMAGES, TINY_LABELS));
                assertEquals("9", thrown.layer());
                assertTrue(thrown.getMessage().contains("the loss is finite, but the gradient of 9.bias is not"), thrown.getMessage());
            }
        }
    }

    private static TrainingStep step(Layer model, Device device) {
        return new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.1, 0, 0)), List.of(), device);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "scalar"})
    void aTinyBatchIsLearntByHeart(String name) {
        try (Device device = Device.open(name, 1)) {
            Layer model = TinyTask.model(5);
            try (TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.1, 0.9, 0)),
                    List.of(), device)) {
                StepResult result = step.run(TINY_IMAGES, TINY_LABELS);
                float first = result.loss();
                for (int i = 0; i < 60; i++) {
                    result = step.run(TINY_IMAGES, TINY_LABELS);
                }
                assertEquals(6, result.correct());
                assertTrue(result.loss() < 0.1 * first, first + " -> " + result.loss());
            }
        }
    }

    @Test
    void aLabelWithoutALogitIsRefusedBeforeAnythingChanges() {
        try (Device device = Device.scalar(1)) {
            Layer model = TinyTask.model(5);
            Tensor labels = Tensor.ofInts(TINY_LABELS.shape(), 0, 1, TinyTask.CLASSES, 0, 1, 2);
            String message = assertThrows(IllegalArgumentException.class, () -> step(model, device).run(TINY_IMAGES, labels)).getMessage();
            assertTrue(message.contains("image 2 of the batch has the label 3, but the model has only 3 outputs"), message);
            TinyTask.assertSameBits(TinyTask.model(5), model);
        }
    }

    @Test
    void trainingAModelWithoutTrainableParametersIsRefused() {
        try (Device device = Device.scalar(1)) {
            Layer model = TinyTask.model(5);
            model.namedParameters().values().forEach(parameter -> parameter.frozen(true));
            assertThrows(IllegalStateException.class, () -> step(model, device).run(TINY_IMAGES, TINY_LABELS));
        }
    }
}
