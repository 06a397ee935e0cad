package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.StateDict;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.model.ModelSpec;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.model.ResNet;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.TrainingHook;
import dev.normlab.nn.train.TrainingStep;
import dev.normlab.testkit.GoldenCase;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/// Small networks train on the GPU as in PyTorch: three SGD steps with every gradient, the parameters and running statistics afterwards.
/// Tolerances are those of the CPU's test.
class TornadoGoldenNetworksTest {

    private static final int STEPS = 3;

    @Tag("slow")
    @TestFactory
    Stream<DynamicTest> threeStepsAgreeWithPyTorch() {
        return Stream.of(
                dynamicTest("vgg11", () -> check("net_vgg11bn_w8", Models.build(ModelSpec.parse("vgg11:width=0.125")))),
                dynamicTest("resnet", () -> check("net_resnet_tiny",
                        new ResNet(ResNet.Block.BASIC, 8, List.of(8, 16, 32), List.of(1, 1, 1), 10))));
    }

    private static void check(String name, Layer model) {
        GoldenCase golden = GoldenCase.of("golden", name);
        Map<String, NumberArray> initial = new LinkedHashMap<>();
        model.namedParameters().keySet().forEach(key -> initial.put(key, floats(golden, "init/" + key)));
        model.namedBuffers().keySet().forEach(key -> initial.put(key, floats(golden, "init/" + key)));
        StateDict.load(model, initial, name);
        GradientCheck gradients = new GradientCheck(golden, model);
        Sgd sgd = new Sgd(model, SgdOptions.of(0.01, 0.9, 5e-4));
        try (Device device = Gpu.open();
                TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), sgd, List.of(gradients), device)) {
            for (int k = 0; k < STEPS; k++) {
                float loss = step.run(golden.array("x_" + k + ".npy"), golden.array("target_" + k + ".npy")).loss();
                assertEquals(golden.array("loss_" + k + ".npy").item(), loss, 1e-5, "loss of step " + k);
            }
            model.stateDict().forEach((key, tensor) -> assertClose("final " + key, golden.array("final/" + key + ".npy"), tensor, 1e-5));
        }
        assertEquals(STEPS * model.namedParameters().size(), gradients.compared);
    }

    private static NumberArray floats(GoldenCase golden, String name) {
        Tensor tensor = golden.array(name + ".npy");
        return new NumberArray.Floats(tensor.shape(), tensor.toArray());
    }

    /// Within a tolerance relative to the largest magnitude, at least 1.
    private static void assertClose(String what, Tensor expected, Tensor actual, double tolerance) {
        assertEquals(expected.shape(), actual.shape(), what);
        float[] e = expected.toArray(), a = actual.toArray();
        double largest = 1;
        for (float value : e) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < e.length; i++) {
            assertEquals(e[i], a[i], tolerance * largest, what + " [" + i + "]");
        }
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
}
