package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.DeviceProfile;
import dev.normlab.engine.program.ProgramCompiler;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.DivergenceException;
import dev.normlab.nn.train.TrainingStep;
import dev.normlab.testkit.Samples;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Whole training steps on the GPU beside the scalar reference.
class TornadoTrainingTest {

    private static final int STEPS = 3;

    /// More than scalars, labels, statistics of small layers and the arguments of graphs take.
    private static final long FEW_BYTES = 10_000;

    private record Trained(List<Float> losses, Map<String, float[]> parameters) {}

    private static Trained train(String model, Device device) {
        Layer network = Models.create(model, 1);
        List<Float> losses = new ArrayList<>();
        Sgd sgd = new Sgd(network, SgdOptions.of(0.05, 0.9, 5e-4));
        try (TrainingStep step = new TrainingStep(network, Objective.crossEntropy(), sgd, List.of(), device)) {
            for (int i = 0; i < STEPS; i++) {
                losses.add(step.run(Samples.uniform(100 + i, 0f, 1f, 4, 3, 32, 32), Samples.integers(200 + i, 10, 4)).loss());
            }
        }
        Map<String, float[]> parameters = new LinkedHashMap<>();
        for (Map.Entry<String, Parameter> each : network.namedParameters().entrySet()) {
            parameters.put(each.getKey(), each.getValue().tensor().toArray());
        }
        return new Trained(losses, parameters);
    }

    private static void compare(String model) {
        try (Device gpu = Gpu.open(); Device scalar = Device.scalar(2)) {
            Trained expected = train(model, scalar);
            Trained actual = train(model, gpu);
            for (int i = 0; i < STEPS; i++) {
                assertEquals(expected.losses.get(i), actual.losses.get(i), 1e-5f * expected.losses.get(i), "loss of step " + i);
            }
            expected.parameters.forEach((name, values) -> {
                double difference = distance(values, actual.parameters.get(name)) / distance(values, new float[values.length]);
                assertTrue(difference < 1e-4, name + " differs by " + difference + " of its norm");
            });
        }
    }

    private static double distance(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
        }
        return Math.sqrt(sum);
    }

    @Test
    void stepsOfVggEqualTheReference() {
        compare("vgg11:width=0.125");
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(strings = {"resnet18:width=0.125", "senet18:width=0.125"})
    void stepsOfOtherNetworksEqualTheReference(String model) {
        compare(model);
    }

    @Test
    void aStepMovesTheBatchAndFewScalarsOnly() {
        try (Device gpu = Gpu.open()) {
            DeviceProfile profile = ((ProgramCompiler) gpu.accelerator()).startProfile().orElseThrow();
            Layer network = Models.create("vgg11:width=0.0625", 1);
            long parameterBytes = 4L
                    * network.namedParameters().values().stream().mapToLong(each -> each.tensor().shape().elements()).sum();
            Sgd sgd = new Sgd(network, SgdOptions.of(0.05, 0.9, 5e-4));
            try (TrainingStep step = new TrainingStep(network, Objective.crossEntropy(), sgd, List.of(), gpu)) {
                for (int i = 0; i < 2; i++) {
                    step.run(Samples.uniform(i, 0f, 1f, 2, 3, 32, 32), Samples.integers(i, 10, 2));
                }
                profile.clear();
                step.run(Samples.uniform(9, 0f, 1f, 2, 3, 32, 32), Samples.integers(9, 10, 2));
                long batchBytes = 4L * 2 * 3 * 32 * 32;
                assertTrue(profile.bytesIn() >= batchBytes && profile.bytesIn() < batchBytes + FEW_BYTES, profile.bytesIn() + " bytes in");
                assertTrue(profile.kernelNanos() > 0, "kernels take time");
                assertTrue(profile.bytesOut() > 0 && profile.bytesOut() < FEW_BYTES, profile.bytesOut() + " bytes out");
            }
            assertTrue(parameterBytes > 10 * FEW_BYTES, "parameters would show");
        }
    }

    @Test
    void aStepThatMeetsNanChangesNothingAndSaysWhere() {
        try (Device gpu = Gpu.open()) {
            Layer network = Models.create("vgg11:width=0.0625", 1);
            float[] before = network.namedParameters().get("features.0.weight").tensor().toArray();
            Sgd sgd = new Sgd(network, SgdOptions.of(0.05, 0.9, 0));
            try (TrainingStep step = new TrainingStep(network, Objective.crossEntropy(), sgd, List.of(), gpu)) {
                Tensor images = Samples.uniform(1, 0f, 1f, 2, 3, 32, 32);
                float[] values = images.toArray();
                values[5] = Float.NaN;
                images.set(values);
                assertThrows(DivergenceException.class, () -> step.run(images, Samples.integers(2, 10, 2)));
            }
            assertEquals(0, distance(before, network.namedParameters().get("features.0.weight").tensor().toArray()));
        }
    }
}
