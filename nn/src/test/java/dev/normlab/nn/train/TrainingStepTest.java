package dev.normlab.nn.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.testkit.Samples;
import java.util.List;
import org.junit.jupiter.api.Test;

class TrainingStepTest {

    private static final Tensor IMAGES = Samples.uniform(1, 0f, 1f, 4, 3, 32, 32);
    private static final Tensor LABELS = Samples.integers(2, 10, 4);

    @Test
    void replayingThreeStepsIsBitwiseTheEagerResultWhileTheLearningRateChanges() {
        try (Device device = Device.scalar(1)) {
            Layer replayed = train("vgg11:width=0.0625", device, false);
            Layer eager = train("vgg11:width=0.0625", device, true);
            assertSameBits(eager, replayed);
        }
    }

    private static Layer train(String spec, Device device, boolean eagerly) {
        Layer model = Models.create(spec, 3);
        Sgd sgd = new Sgd(model, SgdOptions.of(0.1, 0.9, 5e-4));
        try (TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), sgd, List.of(), device)) {
            for (int i = 0; i < 3; i++) {
                sgd.learningRate(0.1 / (i + 1));
                StepResult result = eagerly ? step.runEagerly(IMAGES, LABELS) : step.run(IMAGES, LABELS);
                assertTrue(Float.isFinite(result.loss()));
                assertEquals(4, result.count());
            }
        }
        return model;
    }

    private static void assertSameBits(Layer expected, Layer actual) {
        expected.stateDict().forEach((name, tensor) -> assertArrayEquals(tensor.toArray(), actual.stateDict().get(name).toArray(), name));
    }
}
