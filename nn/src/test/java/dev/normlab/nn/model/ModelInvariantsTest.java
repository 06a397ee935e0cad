package dev.normlab.nn.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.CrossEntropyOptions;
import dev.normlab.engine.autograd.Losses;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.TrainingStep;
import dev.normlab.testkit.Samples;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What must hold of whole models on the fastest backend, whatever the kernels do inside.
class ModelInvariantsTest {

    private static final int N = 5;

    @ParameterizedTest
    @ValueSource(strings = {"vgg11:width=0.0625", "resnet18:width=0.125", "resnet50:width=0.0625", "senet18:width=0.25",
        "regnetx200mf:width=0.25",
        "regnety400mf:width=0.25", "resnext29_32x4d:width=0.25", "densenet_cifar:width=0.25", "dpn26:width=0.03",
        "googlenet:width=0.0625", "pnasnetb:width=0.25", "mobilenetv2:width=0.125", "shufflenetg2:width=0.2",
        "shufflenetv2_0.5:width=0.25", "efficientnetb0:width=0.125", "wrn28-10:width=0.0625"})
    void anImagesLogitsAndInputGradientDoNotDependOnItsBatch(String spec) {
        try (Device device = Device.cpu(2)) {
            Layer model = Models.create(spec, 4);
            model.eval();
            Tensor images = Samples.uniform(5, 0f, 1f, N, 3, 32, 32);
            Tensor labels = Samples.integers(6, 10, N);
            float[][] together = logitsAndGradient(model, images, labels, device);
            int pixels = 3 * 32 * 32;
            for (int i = 0; i < N; i++) {
                Tensor image = Tensor.of(Shape.of(1, 3, 32, 32), Arrays.copyOfRange(images.toArray(), i * pixels, (i + 1) * pixels));
                Tensor label = Tensor.ofInts(Shape.of(1), labels.toIntArray()[i]);
                float[][] alone = logitsAndGradient(model, image, label, device);
                assertArrayEquals(Arrays.copyOfRange(together[0], i * 10, (i + 1) * 10), alone[0], spec + ": logits of image " + i);
                assertArrayEquals(Arrays.copyOfRange(together[1], i * pixels, (i + 1) * pixels), alone[1],
                        spec + ": gradient of image " + i);
            }
        }
    }

    private static float[][] logitsAndGradient(Layer model, Tensor images, Tensor labels, Device device) {
        try (Tape tape = Tape.eager(device, List.of(images))) {
            Tensor logits = model.forward(tape, images);
            Tensor losses = Losses.crossEntropy(tape, logits, labels, CrossEntropyOptions.of(Reduction.NONE));
            Tensor gradient = tape.backward(Reductions.sum(tape, losses, false)).of(images);
            return new float[][] {logits.toArray(), gradient.toArray()};
        }
    }

    @Test
    void aGradientOfTheImageNeedsNoGradientOfAWeight() {
        try (Device device = Device.cpu(1)) {
            Layer model = Models.create("resnet18:width=0.0625", 4);
            model.eval();
            logitsAndGradient(model, Samples.uniform(5, 0f, 1f, 2, 3, 32, 32), Samples.integers(6, 10, 2), device);
            assertEquals(0, device.calls("CONV2D_BACKWARD_WEIGHT"));
            assertEquals(0, device.calls("BATCH_NORM_BACKWARD_PARAMETERS"));
            assertEquals(20, device.calls("CONV2D_BACKWARD_INPUT"));
        }
    }

    @Test
    void aResNetStepRepacksActivationsOnlyAtTheInputAndBeforeTheLinearLayer() {
        long shallow = repacksOfAStep("resnet18:width=0.25");
        assertTrue(shallow > 0 && shallow <= 4,
                "the images for the first convolution's forward and backward pass, the last activation and its gradient; "
                        + "but there were " + shallow + " repacks");
        assertEquals(shallow, repacksOfAStep("resnet34:width=0.25"), "the depth does not matter");
    }

    private static long repacksOfAStep(String spec) {
        try (Device device = Device.cpu(2)) {
            Layer model = Models.create(spec, 4);
            Tensor images = Samples.uniform(5, 0f, 1f, 2, 3, 32, 32);
            Tensor labels = Samples.integers(6, 10, 2);
            try (TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.1, 0.9, 0)),
                    List.of(), device)) {
                step.run(images, labels);
                long before = device.repacks();
                step.run(images, labels);
                return device.repacks() - before;
            }
        }
    }
}
