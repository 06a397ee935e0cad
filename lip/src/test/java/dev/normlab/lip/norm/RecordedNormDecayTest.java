package dev.normlab.lip.norm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.io.Safetensors;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.AdaptiveAvgPool2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Sequential;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.Checkpoint;
import dev.normlab.nn.train.EpochTotals;
import dev.normlab.nn.train.TrainingStep;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Training with norm decay is the same bits replayed and eager, with any number of threads.
class RecordedNormDecayTest {

    private static final int BATCH = 4;

    /// Weights, buffers, optimiser state, traces and losses after three steps of VGG11 whose learning rate and beta change between steps.
    private static Map<String, float[]> train(String name, int threads, Norm norm, boolean eagerly) {
        float[] images = new float[BATCH * 3 * 32 * 32];
        RandomStream.of(1, "images").fillNormal(images, 0f, 1f);
        Tensor x = Tensor.of(Shape.of(BATCH, 3, 32, 32), images);
        Tensor labels = Tensor.ofInts(Shape.of(BATCH), 3, 1, 4, 1);
        Layer model = Models.create("vgg11:width=0.0625", 3);
        Sgd sgd = new Sgd(model, SgdOptions.of(0.1, 0.9, 5e-4));
        NormDecay decay = new NormDecay(model, NormDecay.Options.of(norm, 1e-2f));
        Map<String, float[]> results = new LinkedHashMap<>();
        try (Device device = Device.open(name, threads);
                TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), sgd, List.of(decay), device)) {
            for (int k = 0; k < 3; k++) {
                sgd.learningRate(0.1 / (k + 1));
                decay.beta(1e-2f * (k + 1));
                float loss = (eagerly ? step.runEagerly(x, labels) : step.run(x, labels)).loss();
                assertTrue(Float.isFinite(loss));
                results.put("loss " + k, new float[] {loss});
            }
        }
        model.stateDict().forEach((key, tensor) -> results.put(key, tensor.toArray()));
        sgd.state().forEach((key, tensor) -> results.put("optimiser " + key, tensor.toArray()));
        decay.state().forEach((key, tensor) -> results.put("trace " + key, tensor.toArray()));
        return results;
    }

    /// The weights after steps on images of two sizes in turn, for which other taps of the kernel attain the norm.
    private static float[] trainOnTwoSizes(boolean eagerly) {
        Conv2d conv = new Conv2d(1, 1, 3, 1, 1, false);
        Layer model = new Sequential(conv, new AdaptiveAvgPool2d(1, 1), new Flatten(), new Linear(1, 2, true)).initialize(1);
        Tensor labels = Tensor.ofInts(Shape.of(2), 0, 1);
        NormDecay decay = new NormDecay(model, NormDecay.Options.of(Norm.LINF, 0.1f));
        try (Device device = Device.open("scalar", 1);
                TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.1, 0, 0)),
                        List.of(decay), device)) {
            for (int size : new int[] {4, 1, 4, 1}) {
                Tensor x = Tensor.full(0.5f, 2, 1, size, size);
                if (eagerly) {
                    step.runEagerly(x, labels);
                } else {
                    step.run(x, labels);
                }
            }
        }
        return conv.weight().tensor().toArray();
    }

    @Test
    void imagesOfAnotherSizeAreDecayedByTheirOwnNormsInReplaysToo() {
        assertArrayEquals(trainOnTwoSizes(true), trainOnTwoSizes(false));
    }

    /// The weights and traces after steps of convolutions with other borders, whose beta and momentum change.
    private static List<float[]> trainOtherBorders(String kernels, int threads, Norm norm, boolean eagerly) {
        Conv2d first = new Conv2d(1, 4, 3, 3, Conv2dGeometry.of(1, 1).withMode(PadMode.REFLECT), false);
        Conv2d second = new Conv2d(4, 4, 3, 3, Conv2dGeometry.of(2, 1, 2).withMode(PadMode.CIRCULAR), true);
        Layer model = new Sequential(first, second, new AdaptiveAvgPool2d(1, 1), new Flatten(), new Linear(4, 2, true)).initialize(1);
        NormDecay decay = new NormDecay(model, NormDecay.Options.of(norm, 0.1f));
        try (Device device = Device.open(kernels, threads);
                TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.1, 0.9, 0)),
                        List.of(decay), device)) {
            for (int k = 0; k < 4; k++) {
                decay.beta(0.1f * (k + 1));
                decay.momentum(0.5f / (k + 1));
                Tensor x = Tensor.full(0.25f * (k + 1), 2, 1, 6, 6);
                Tensor labels = Tensor.ofInts(Shape.of(2), 0, 1);
                if (eagerly) {
                    step.runEagerly(x, labels);
                } else {
                    step.run(x, labels);
                }
            }
        }
        return List.of(first.weight().tensor().toArray(), second.weight().tensor().toArray(),
                decay.state().get("0.norm_decay_trace").toArray());
    }

    @ParameterizedTest
    @CsvSource({"cpu,L1", "scalar,LINF"})
    void convolutionsWithOtherBordersAreDecayedBitwiseAlikeReplayedAndEager(String kernels, Norm norm) {
        List<float[]> eager = trainOtherBorders(kernels, 1, norm, true);
        List<float[]> replayed = trainOtherBorders(kernels, 3, norm, false);
        for (int i = 0; i < eager.size(); i++) {
            assertArrayEquals(eager.get(i), replayed.get(i));
        }
        assertTrue(!Arrays.equals(eager.get(2), new float[eager.get(2).length]), "the trace was filled");
    }

    /// A small training whose beta and momentum are changed before its third step. It can be saved and go on.
    private static final class Changing implements AutoCloseable {

        private final Layer model = new Sequential(new Flatten(), new Linear(12, 3, true)).initialize(2);
        private final NormDecay decay = new NormDecay(model, NormDecay.Options.of(Norm.L1, 0.125f));
        private final Device device = Device.scalar(1);
        private final TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.1, 0.9, 0)),
                List.of(decay), device);

        void train(int until) {
            float[] images = new float[2 * 12];
            while (step.step() < until) {
                if (step.step() == 2) {
                    decay.beta(0.5f);
                    decay.momentum(0.75f);
                }
                RandomStream.of(step.step(), "images").fillNormal(images, 0f, 1f);
                step.run(Tensor.of(Shape.of(2, 3, 2, 2), images), Tensor.ofInts(Shape.of(2), 0, 1));
            }
        }

        void save(Path file) throws IOException {
            Checkpoint.write(file, step, new Checkpoint.Position(0, 3, step.step(), step.optimizer().steps(), 0.1, 2, 20, EpochTotals.NONE),
                    Map.of());
        }

        float[] weight() {
            return model.namedParameters().get("1.weight").tensor().toArray();
        }

        @Override
        public void close() {
            step.close();
            device.close();
        }
    }

    @Test
    void trainingGoesOnBitwiseAfterBetaAndMomentumWereChanged(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("checkpoint.safetensors");
        try (Changing whole = new Changing(); Changing resumed = new Changing()) {
            whole.train(3);
            whole.save(file);
            whole.train(6);
            Checkpoint.read(file).restore(resumed.step);
            assertEquals(whole.decay.options(), resumed.decay.options());
            resumed.train(6);
            assertArrayEquals(whole.weight(), resumed.weight());
        }
    }

    @Test
    void aCheckpointOfAnEarlierVersionKeepsTheOptionsOfTheHook(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("checkpoint.safetensors");
        try (Changing earlier = new Changing(); Changing resumed = new Changing()) {
            earlier.train(2);
            earlier.save(file);
            Safetensors.Contents contents = Safetensors.read(file);
            Map<String, NumberArray> tensors = new LinkedHashMap<>(contents.tensors());
            assertNotNull(tensors.remove("hook/0/norm_decay_beta_and_momentum"));
            Safetensors.write(file, tensors, contents.metadata());
            Checkpoint.read(file).restore(resumed.step);
            assertEquals(earlier.decay.options(), resumed.decay.options());
            assertArrayEquals(earlier.weight(), resumed.weight());
        }
    }

    @ParameterizedTest
    @CsvSource({"cpu,L1", "scalar,L1", "cpu,LINF"})
    void threeStepsReplayedAreBitwiseTheEagerOnesWithOneTwoAndFiveThreads(String device, Norm norm) {
        Map<String, float[]> eager = train(device, 2, norm, true);
        for (int threads : new int[] {1, 2, 5}) {
            Map<String, float[]> replayed = train(device, threads, norm, false);
            assertEquals(eager.keySet(), replayed.keySet());
            eager.forEach((key, values) -> assertArrayEquals(values, replayed.get(key), key + " with " + threads + " threads"));
        }
        assertNotEquals(0, eager.keySet().stream().filter(key -> key.startsWith("trace")).count(), "no layer was decayed");
        assertTrue(eager.entrySet().stream().filter(entry -> entry.getKey().startsWith("trace"))
                .noneMatch(entry -> Arrays.equals(entry.getValue(), new float[entry.getValue().length])), "a trace stayed zero");
    }
}
