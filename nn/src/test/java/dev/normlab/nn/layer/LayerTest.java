package dev.normlab.nn.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Pool2dGeometry;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.program.Interpreter;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.testkit.Samples;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LayerTest {

    @Test
    void namesAndOrderAreThoseOfPyTorchsStateDictionaries() {
        Layer model = new Sequential(new Conv2d(3, 4, 3, 1, 1, true), new BatchNorm2d(4), new ReLU(),
                new Sequential(new Conv2d(4, 2, 1, 1, 0, false)), new Linear(2, 5, true)).initialize(1);
        assertEquals(
                List.of("0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "3.0.weight", "4.weight", "4.bias"),
                List.copyOf(model.stateDict().keySet()));
        assertEquals(List.of("", "0", "1", "2", "3", "3.0", "4"), List.copyOf(model.namedLayers().keySet()));
        assertEquals("3.0.weight float32[2, 4, 1, 1]", model.namedParameters().get("3.0.weight").toString());
        assertEquals(3 * 4 * 9 + 4 + 8 + 8 + 15, model.parameterCount());
    }

    @Test
    void weightsAndBiasesAreUniformWithinTheRootOfTheFanIn() {
        Conv2d grouped = new Conv2d(32, 64, 3, 5, Conv2dGeometry.of(1, 1, 4), true);
        grouped.initialize(3);
        assertUniform(grouped.weight(), 1 / Math.sqrt(8 * 15));
        assertUniform(grouped.bias().orElseThrow(), 1 / Math.sqrt(8 * 15));
        Linear linear = new Linear(100, 300, true);
        linear.initialize(4);
        assertUniform(linear.weight(), 0.1);
        assertUniform(linear.bias().orElseThrow(), 0.1);
        ConvTranspose2d transposed = new ConvTranspose2d(6, 50, 3, 1, 1, true);
        transposed.initialize(5);
        assertUniform(transposed.weight(), 1 / Math.sqrt(50 * 9));
    }

    /// All in the range, the mean and the variance within five standard errors, the ends nearly reached.
    private static void assertUniform(Parameter parameter, double bound) {
        float[] values = parameter.tensor().toArray();
        double sum = 0;
        double squares = 0;
        double largest = 0;
        for (float value : values) {
            sum += value;
            squares += (double) value * value;
            largest = Math.max(largest, Math.abs(value));
        }
        int n = values.length;
        double variance = bound * bound / 3;
        assertTrue(largest <= bound && largest > bound * (1 - 10.0 / n), parameter + ": largest " + largest + " of " + bound);
        assertEquals(0, sum / n, 5 * Math.sqrt(variance / n), parameter + ": mean");
        assertEquals(variance, squares / n, 5 * variance * Math.sqrt(0.8 / n), parameter + ": variance");
    }

    @Test
    void aParameterDrawsTheSameWhateverElseTheModelContains() {
        Layer small = new Sequential(new Linear(3, 2, true)).initialize(9);
        Layer large = new Sequential(new Linear(3, 2, true), new BatchNorm1d(2), new Linear(2, 7, true)).initialize(9);
        assertArrayEquals(small.stateDict().get("0.weight").toArray(), large.stateDict().get("0.weight").toArray());
        Layer otherSeed = new Sequential(new Linear(3, 2, true)).initialize(10);
        assertFalse(Arrays.equals(small.stateDict().get("0.weight").toArray(), otherSeed.stateDict().get("0.weight").toArray()));
        Layer twice = new Sequential(new Linear(2, 2, true), new Linear(2, 2, true)).initialize(9);
        assertFalse(Arrays.equals(twice.stateDict().get("0.weight").toArray(), twice.stateDict().get("1.weight").toArray()));
    }

    @Test
    void batchNormStartsAsTheIdentityInEvaluation() {
        BatchNorm2d norm = new BatchNorm2d(3);
        norm.initialize(1);
        assertArrayEquals(new float[] {1, 1, 1}, norm.weight().orElseThrow().tensor().toArray());
        assertArrayEquals(new float[] {0, 0, 0}, norm.bias().orElseThrow().tensor().toArray());
        assertArrayEquals(new float[] {0, 0, 0}, norm.runningMean().orElseThrow().toArray());
        assertArrayEquals(new float[] {1, 1, 1}, norm.runningVar().orElseThrow().toArray());
    }

    @Test
    void batchNormUsesTheBatchInTrainingAndRunningStatisticsInEvaluation() {
        try (Device device = Device.scalar(1); Tape tape = Tape.inference(device)) {
            BatchNorm1d norm = new BatchNorm1d(2);
            norm.initialize(1);
            Tensor x = Tensor.of(Shape.of(2, 2), 1, 10, 3, 30);
            float[] trained = norm.forward(tape, x).toArray();
            assertEquals(-1, trained[0], 1e-5);
            assertEquals(1, trained[3], 1e-5);
            assertArrayEquals(new float[] {0.2f, 2f}, norm.runningMean().orElseThrow().toArray(), 1e-6f);
            assertArrayEquals(new float[] {0.9f + 0.1f * 2, 0.9f + 0.1f * 200}, norm.runningVar().orElseThrow().toArray(), 1e-5f);
            norm.eval();
            assertEquals((1 - 0.2) / Math.sqrt(1.1), norm.forward(tape, x).toArray()[0], 1e-5);
            assertArrayEquals(new float[] {0.2f, 2f}, norm.runningMean().orElseThrow().toArray(), 1e-6f);
            assertThrows(ShapeException.class, () -> norm.forward(tape, Tensor.zeros(2, 2, 1, 1)));
        }
    }

    @Test
    void batchNormWithoutStatisticsUsesTheBatchInEvaluationToo() {
        try (Device device = Device.scalar(1); Tape tape = Tape.inference(device)) {
            BatchNorm1d norm = new BatchNorm1d(1, new BatchNormalization.Options(1e-5f, 0.1f, false, false));
            norm.eval();
            assertTrue(norm.stateDict().isEmpty());
            assertArrayEquals(new float[] {-1, 1}, norm.forward(tape, Tensor.of(Shape.of(2, 1), 4, 8)).toArray(), 1e-5f);
        }
    }

    @Test
    void everyLayerHasTheShapeItSays() {
        try (Device device = Device.scalar(1); Tape tape = Tape.inference(device)) {
            Tensor x = Samples.uniform(1, 2, 3, 8, 6);
            assertShape("[2, 5, 4, 3]", new Conv2d(3, 5, 3, 2, 1, true).initialize(1).forward(tape, x));
            assertShape("[2, 4, 8, 6]", new ConvTranspose2d(3, 4, 3, 1, 1, true).initialize(1).forward(tape, x));
            assertShape("[2, 3, 4, 3]", new MaxPool2d(2, 2).forward(tape, x));
            assertShape("[2, 3, 4, 3]", new AvgPool2d(Pool2dGeometry.of(3, 2, 1)).forward(tape, x));
            assertShape("[2, 3, 1, 1]", new AdaptiveAvgPool2d(1, 1).forward(tape, x));
            assertShape("[2, 144]", new Flatten().forward(tape, x));
            assertShape("[2, 3, 8, 6]", new Sigmoid().forward(tape, x));
            assertShape("[2, 3, 8, 6]", new SiLU().forward(tape, x));
            assertSame(x, new Identity().forward(tape, x));
            assertSame(x, new Sequential().forward(tape, x));
        }
    }

    private static void assertShape(String expected, Tensor actual) {
        assertEquals(expected, actual.shape().toString());
    }

    @Test
    void everyPaddingModeIsTheOneAskedFor() {
        try (Device device = Device.scalar(1); Tape tape = Tape.inference(device)) {
            Tensor x = Tensor.of(Shape.of(1, 1, 1, 3), 1, 2, 4);
            float[][] expected = {{3, 7, 6}, {7, 7, 7}, {5, 7, 8}, {4, 7, 10}};
            PadMode[] modes = {PadMode.ZERO, PadMode.CIRCULAR, PadMode.REFLECT, PadMode.REPLICATE};
            for (int i = 0; i < modes.length; i++) {
                Conv2d sum = new Conv2d(1, 1, 1, 3, new Conv2dGeometry(1, 1, 0, 0, 1, 1, 1, 1, 1, modes[i]), false);
                sum.weight().set(1, 1, 1);
                assertArrayEquals(expected[i], sum.forward(tape, x).toArray(), modes[i].toString());
            }
        }
    }

    @Test
    void aConvolutionRemembersTheSizeOfItsInput() {
        try (Device device = Device.scalar(1); Tape tape = Tape.inference(device)) {
            Conv2d conv = new Conv2d(1, 1, 3, 1, 1, false);
            conv.initialize(1);
            assertTrue(conv.inputSize().isEmpty());
            conv.forward(tape, Tensor.zeros(2, 1, 7, 5));
            assertEquals(new ImageSize(7, 5), conv.inputSize().orElseThrow());
            conv.inputSize(new ImageSize(4, 4));
            assertEquals("4x4", conv.inputSize().orElseThrow().toString());
        }
    }

    @Test
    void dropoutIsAFunctionOfSeedAndStepAndSilentInEvaluation() {
        try (Device device = Device.scalar(1); Tape tape = Tape.inference(device)) {
            Tensor x = Tensor.full(1f, 40, 50);
            Layer dropout = new Sequential(new Dropout(0.25f)).initialize(1);
            float[] first = dropout.forward(tape, x).toArray();
            float[] second = dropout.forward(tape, x).toArray();
            assertFalse(Arrays.equals(first, second), "an eager pass moves on");
            dropout.atStep(0);
            assertArrayEquals(first, dropout.forward(tape, x).toArray());
            assertFalse(Arrays.equals(first, new Sequential(new Dropout(0.25f)).initialize(2).forward(tape, x).toArray()));
            int kept = 0;
            for (float value : first) {
                assertTrue(value == 0 || value == 1 / 0.75f, "value " + value);
                kept += value == 0 ? 0 : 1;
            }
            assertEquals(1500, kept, 5 * Math.sqrt(2000 * 0.25 * 0.75));
            dropout.eval();
            assertSame(x, dropout.forward(tape, x));
            assertThrows(IllegalArgumentException.class, () -> new Dropout(1f));
        }
    }

    @Test
    void aNewSeedOfDropoutBeginsWithTheFirstStepWhateverWasComputedBefore() {
        try (Device device = Device.scalar(1)) {
            Tensor x = Tensor.full(1f, 10, 20);
            Dropout used = new Dropout(0.5f);
            for (int step = 0; step < 3; step++) {
                try (Tape tape = Tape.inference(device)) {
                    used.forward(tape, x);
                }
            }
            Dropout fresh = new Dropout(0.5f);
            used.seed(8, "same");
            fresh.seed(8, "same");
            for (int step = 0; step < 2; step++) {
                try (Tape tape = Tape.inference(device)) {
                    assertArrayEquals(fresh.forward(tape, x).toArray(), used.forward(tape, x).toArray(), "first use of step " + step);
                    assertArrayEquals(fresh.forward(tape, x).toArray(), used.forward(tape, x).toArray(), "second use of step " + step);
                }
            }
        }
    }

    @Test
    void dropoutUsedTwiceInAStepDrawsTwoMasksEagerlyAndTheSameTwoInAReplay() {
        try (Device device = Device.scalar(1)) {
            Tensor x = Tensor.full(1f, 10, 20);
            Layer dropout = new Sequential(new Dropout(0.5f)).initialize(3);
            float[][] eager = new float[4][];
            for (int step = 0; step < 2; step++) {
                try (Tape tape = Tape.inference(device)) {
                    eager[2 * step] = dropout.forward(tape, x).toArray();
                    eager[2 * step + 1] = dropout.forward(tape, x).toArray();
                }
            }
            for (int i = 0; i < 4; i++) {
                for (int j = 0; j < i; j++) {
                    assertFalse(Arrays.equals(eager[i], eager[j]), "masks " + i + " and " + j);
                }
            }
            dropout.atStep(0);
            Recorder recorder = new Recorder(device);
            try (Tape tape = new Tape(recorder, List.of())) {
                Tensor fed = recorder.feed("x", x.spec());
                recorder.fetch("0", dropout.forward(tape, fed));
                recorder.fetch("1", dropout.forward(tape, fed));
            }
            try (Interpreter replay = new Interpreter(recorder.program(), device)) {
                for (int step = 0; step < 2; step++) {
                    dropout.atStep(step);
                    Map<String, Tensor> results = replay.replay(Map.of("x", x));
                    assertArrayEquals(eager[2 * step], results.get("0").toArray(), "first use of step " + step);
                    assertArrayEquals(eager[2 * step + 1], results.get("1").toArray(), "second use of step " + step);
                }
            }
        }
    }

    @Test
    void aModelWithoutValuesSaysSo() {
        try (Device device = Device.scalar(1); Tape tape = Tape.inference(device)) {
            Layer model = new Sequential(new Linear(2, 2, false));
            IllegalStateException thrown = assertThrows(IllegalStateException.class, () -> model.forward(tape, Tensor.zeros(1, 2)));
            assertTrue(thrown.getMessage().contains("call initialize(seed)"), thrown.getMessage());
        }
    }

    @Test
    void anObserverSeesEveryLayerInTheOrderOfComputing() {
        try (Device device = Device.scalar(1); Tape tape = Tape.inference(device)) {
            Layer model = new Sequential(new ReLU(), new Sequential(new Flatten())).initialize(1);
            List<String> seen = new ArrayList<>();
            try (Layer.Observation ignored = model.observe((layer, x, y) -> seen.add(layer.getClass().getSimpleName() + y.shape()))) {
                model.forward(tape, Tensor.zeros(1, 2, 1, 1));
            }
            model.forward(tape, Tensor.zeros(1, 2, 1, 1));
            assertEquals(List.of("ReLU[1, 2, 1, 1]", "Flatten[1, 2]", "Sequential[1, 2]", "Sequential[1, 2]"), seen);
        }
    }

    @Test
    void wrongSizesAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Conv2d(3, 4, 3, 3, Conv2dGeometry.of(1, 1, 2), false));
        assertThrows(IllegalArgumentException.class, () -> new Conv2d(0, 4, 3, 1, 1, false));
        assertThrows(IllegalArgumentException.class, () -> new Linear(0, 4, false));
        assertThrows(IllegalArgumentException.class, () -> new BatchNorm2d(0));
    }

    @Test
    void namesWithinALayerAreUnique() {
        class Twice extends Layer {

            Twice() {
                child("a", new ReLU());
                child("a", new ReLU());
            }

            @Override
            protected Tensor compute(Tape tape, Tensor x) {
                return x;
            }
        }
        assertThrows(IllegalArgumentException.class, Twice::new);
    }

    @Test
    void zeroGivesANewLayerAndOneWithValuesZeros() {
        Layer layer = new Sequential(new Linear(2, 3, true), new BatchNorm1d(3));
        for (int round = 0; round < 2; round++) {
            layer.zero().namedParameters().values()
                    .forEach(parameter -> assertArrayEquals(new float[parameter.shape().elements()], parameter.tensor().toArray()));
            layer.initialize(2);
        }
    }
}
