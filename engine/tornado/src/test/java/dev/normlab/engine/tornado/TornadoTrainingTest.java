package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.DeviceProfile;
import dev.normlab.engine.program.ProgramCompiler;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.LayerNorms;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.projection.NormProjection;
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
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Whole training steps on the GPU beside the scalar reference.
///
/// Where an activation lies within a rounding of zero, a ReLU passes or stops a gradient by chance, and the scalar reference itself ends
/// elsewhere from weights that differ in the last place. So a failure says how far the reference moves by that. ResNet18 on sample 100 is
/// such a case (a bias moves by 4.9e-3 of its norm in three steps; on PoCL the test fails by as much); sample 480 is the one of 340, 360 ..
/// 480 that moved least (2.4e-6).
class TornadoTrainingTest {

    private static final int STEPS = 3;

    private static final int ROUNDINGS = 3;

    /// More than scalars, labels, statistics of small layers and the arguments of graphs take.
    private static final long FEW_BYTES = 10_000;

    private record Trained(List<Float> losses, Map<String, float[]> parameters) {}

    /// Steps on a sample.
    ///
    /// @param rounding 0, or the seed of a change of parameters by up to two units in the last place before the first step
    private static Trained train(String model, Device device, int sample, long rounding) {
        Layer network = Models.create(model, 1);
        if (rounding != 0) {
            RandomStream random = RandomStream.of(rounding, "rounding");
            for (Parameter each : network.namedParameters().values()) {
                float[] values = each.tensor().toArray();
                for (int i = 0; i < values.length; i++) {
                    values[i] *= 1 + (random.nextInt(3) - 1) * 0x1p-23f;
                }
                each.tensor().set(values);
            }
        }
        List<Float> losses = new ArrayList<>();
        Sgd sgd = new Sgd(network, SgdOptions.of(0.05, 0.9, 5e-4));
        try (TrainingStep step = new TrainingStep(network, Objective.crossEntropy(), sgd, List.of(), device)) {
            for (int i = 0; i < STEPS; i++) {
                losses.add(step.run(Samples.uniform(sample + i, 0f, 1f, 4, 3, 32, 32), Samples.integers(sample + 100 + i, 10, 4)).loss());
            }
        }
        Map<String, float[]> parameters = new LinkedHashMap<>();
        for (Map.Entry<String, Parameter> each : network.namedParameters().entrySet()) {
            parameters.put(each.getKey(), each.getValue().tensor().toArray());
        }
        return new Trained(losses, parameters);
    }

    private static void compare(String model, int sample) {
        try (Device gpu = Gpu.open(); Device scalar = Device.scalar(2)) {
            Trained expected = train(model, scalar, sample, 0);
            Trained actual = train(model, gpu, sample, 0);
            for (int i = 0; i < STEPS; i++) {
                assertEquals(expected.losses.get(i), actual.losses.get(i), 1e-5f * expected.losses.get(i), "loss of step " + i);
            }
            Map.Entry<String, Double> worst = difference(expected, actual);
            assertTrue(worst.getValue() < 1e-4, () -> worst.getKey() + " differs by " + worst.getValue()
                    + " of its norm; the reference itself moves by " + ownMovement(model, scalar, sample, expected)
                    + " when parameters change in the last place");
        }
    }

    // The most that a parameter of the reference moves when all change in the last place, of its norm.
    private static double ownMovement(String model, Device scalar, int sample, Trained expected) {
        double most = 0;
        for (int rounding = 1; rounding <= ROUNDINGS; rounding++) {
            most = Math.max(most, difference(expected, train(model, scalar, sample, rounding)).getValue());
        }
        return most;
    }

    // The parameter that differs most, and by how much of its norm.
    private static Map.Entry<String, Double> difference(Trained expected, Trained actual) {
        return expected.parameters.entrySet().stream()
                .map(each -> Map.entry(each.getKey(),
                        distance(each.getValue(), actual.parameters.get(each.getKey()))
                                / distance(each.getValue(), new float[each.getValue().length])))
                .max(Map.Entry.comparingByValue()).orElseThrow();
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
        compare("vgg11:width=0.125", 100);
    }

    @Tag("slow")
    @ParameterizedTest
    @CsvSource({"resnet18:width=0.125, 100", "resnet18:width=0.125, 480", "senet18:width=0.125, 100"})
    void stepsOfOtherNetworksEqualTheReference(String model, int sample) {
        compare(model, sample);
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

    /// Maps of the last two convolutions have two by two pixels, where tap sets of rows overlap.
    @Test
    void aStepThatProjectsEndsInsideTheNormsWithoutTheHost() {
        for (Norm norm : Norm.values()) {
            double radius = norm == Norm.L1 ? 0.9 : 1.2;
            Map<String, float[]> expected = projected(norm, radius, Device.scalar(1));
            Map<String, float[]> actual = projected(norm, radius, Gpu.open());
            for (Map.Entry<String, float[]> each : expected.entrySet()) {
                double length = distance(each.getValue(), new float[each.getValue().length]);
                double apart = distance(each.getValue(), actual.get(each.getKey()));
                assertTrue(apart <= 1e-4 * length + 1e-6, norm + ", " + each.getKey() + ": " + apart + " of " + length);
            }
        }
    }

    private static Map<String, float[]> projected(Norm norm, double radius, Device opened) {
        Layer network = Models.create("vgg11:width=0.0625", 1);
        NormProjection projection = new NormProjection(network, new NormProjection.Options(norm, radius, EnumSet.allOf(LayerKind.class)));
        assertFalse(projection.hostSide());
        Sgd sgd = new Sgd(network, SgdOptions.of(0.05, 0.9, 5e-4));
        try (Device device = opened;
                TrainingStep step = new TrainingStep(network, Objective.crossEntropy(), sgd, List.of(projection), device)) {
            step.run(Samples.uniform(100, 0f, 1f, 4, 3, 32, 32), Samples.integers(200, 10, 4));
            for (LayerNorms.LayerNorm layer : LayerNorms.of(network).layers()) {
                double reached = norm == Norm.L1 ? layer.l1() : layer.linf();
                assertTrue(reached <= radius * (1 + 1e-12), layer.name() + " has a norm of " + reached);
                assertTrue(layer.kind() != LayerKind.CONV || reached >= radius * (1 - 1e-4),
                        layer.name() + " is at the radius: " + reached);
            }
        }
        Map<String, float[]> parameters = new LinkedHashMap<>();
        network.namedParameters().forEach((name, each) -> parameters.put(name, each.tensor().toArray()));
        return parameters;
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
