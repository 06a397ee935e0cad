package dev.normlab.nn.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.KernelsProvider;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.AdaptiveAvgPool2d;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import dev.normlab.nn.layer.Sigmoid;
import dev.normlab.nn.layer.StateDict;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.StepResult;
import dev.normlab.nn.train.TrainingHook;
import dev.normlab.nn.train.TrainingStep;
import dev.normlab.testkit.GoldenCase;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// Small networks train as in PyTorch: three SGD steps with every gradient, the parameters and running statistics afterwards, logits in
/// evaluation mode.
class GoldenNetworksTest {

    @TestFactory
    Stream<DynamicTest> threeStepsAgreeWithPyTorchOnEveryBackend() {
        List<DynamicTest> tests = new ArrayList<>();
        for (KernelsProvider provider : Device.providers()) {
            if (provider.obstacle().isEmpty()) {
                for (String name : List.of("net_vgg11bn_w8", "net_resnet_tiny", "net_se_grouped_tiny")) {
                    tests.add(dynamicTest(name + " on " + provider.name(), () -> check(name, provider)));
                }
            }
        }
        assertTrue(tests.size() >= 3, "no backend was tested");
        return tests.stream();
    }

    private static void check(String name, KernelsProvider provider) {
        GoldenCase golden = GoldenCase.of("golden", name);
        Layer model = model(name);
        Map<String, NumberArray> initial = new LinkedHashMap<>();
        model.namedParameters().forEach((key, parameter) -> initial.put(key, floats(golden, "init/" + key)));
        model.namedBuffers().forEach((key, buffer) -> initial.put(key, floats(golden, "init/" + key)));
        StateDict.load(model, initial, name);
        Sgd sgd = new Sgd(model, SgdOptions.of(0.01, 0.9, 5e-4));
        GradientCheck gradients = new GradientCheck(golden, model);
        try (Device device = Device.of(provider.create(), 2, true);
                TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), sgd, List.of(gradients), device)) {
            for (int k = 0; k < 3; k++) {
                StepResult result = step.run(golden.array("x_" + k + ".npy"), golden.array("target_" + k + ".npy"));
                assertEquals(golden.array("loss_" + k + ".npy").item(), result.loss(), 1e-5, "loss of step " + k);
            }
            model.stateDict().forEach((key, tensor) -> assertClose("final " + key, golden.array("final/" + key + ".npy"), tensor, 1e-5));
            model.eval();
            try (Tape tape = Tape.inference(device)) {
                assertClose("eval logits", golden.array("eval_logits.npy"), model.forward(tape, golden.array("x_0.npy")), 5e-5);
            }
        }
        assertEquals(3 * model.namedParameters().size(), gradients.compared);
    }

    private static NumberArray floats(GoldenCase golden, String name) {
        Tensor tensor = golden.array(name + ".npy");
        return new NumberArray.Floats(tensor.shape(), tensor.toArray());
    }

    /// Within a tolerance relative to the largest magnitude, at least 1.
    private static void assertClose(String what, Tensor expected, Tensor actual, double tolerance) {
        assertEquals(expected.shape(), actual.shape(), what);
        float[] e = expected.toArray();
        float[] a = actual.toArray();
        double largest = 1;
        for (float value : e) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < e.length; i++) {
            assertEquals(e[i], a[i], tolerance * largest, what + " [" + i + "]");
        }
    }

    private static Layer model(String name) {
        return switch (name) {
            case "net_vgg11bn_w8" -> Models.build(ModelSpec.parse("vgg11:width=0.125"));
            case "net_resnet_tiny" -> new ResNet(ResNet.Block.BASIC, 8, List.of(8, 16, 32), List.of(1, 1, 1), 10);
            default -> new GroupedSeNet();
        };
    }

    /// Compares the gradients of every step with PyTorch's.
    private static final class GradientCheck implements TrainingHook {

        private final GoldenCase golden;
        private final Layer model;
        private long step;
        private int compared;

        GradientCheck(GoldenCase golden, Layer model) {
            this.golden = golden;
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
        public void beforeStep(long number) {
            step = number;
        }

        @Override
        public void apply(Executor executor, Gradients gradients) {
            model.namedParameters().forEach((key, parameter) -> {
                assertClose("gradient of " + key, golden.array("grad/" + step + "." + key + ".npy"), gradients.of(parameter.tensor()),
                        3e-5);
                compared++;
            });
        }
    }

    /// A grouped convolution with stride, squeeze and excitation, no shortcut.
    private static final class GroupedSeNet extends Layer {

        private final Conv2d conv1 = child("conv1", new Conv2d(3, 16, 3, 1, 1, false));
        private final BatchNorm2d bn1 = child("bn1", new BatchNorm2d(16));
        private final Sequential layer1 = child("layer1", new Sequential(new GroupedSeBlock()));
        private final Linear linear = child("linear", new Linear(16, 10, true));

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            Tensor y = layer1.forward(tape, new ReLU().forward(tape, bn1.forward(tape, conv1.forward(tape, x))));
            return linear.forward(tape, new Flatten().forward(tape, new AdaptiveAvgPool2d(1, 1).forward(tape, y)));
        }
    }

    private static final class GroupedSeBlock extends Layer {

        private final Conv2d conv2 = child("conv2", new Conv2d(16, 16, 3, 3, Conv2dGeometry.of(2, 1, 2), false));
        private final BatchNorm2d bn2 = child("bn2", new BatchNorm2d(16));
        private final Conv2d fc1 = child("fc1", new Conv2d(16, 4, 1, 1, 0, true));
        private final Conv2d fc2 = child("fc2", new Conv2d(4, 16, 1, 1, 0, true));

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            Tensor y = bn2.forward(tape, conv2.forward(tape, x));
            Tensor w = new ReLU().forward(tape, fc1.forward(tape, new AdaptiveAvgPool2d(1, 1).forward(tape, y)));
            w = new Sigmoid().forward(tape, fc2.forward(tape, w));
            return new ReLU().forward(tape, Arithmetic.multiply(tape, y, w));
        }
    }
}
