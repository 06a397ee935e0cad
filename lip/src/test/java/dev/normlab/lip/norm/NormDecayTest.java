package dev.normlab.lip.norm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.lip.projection.NormProjection;
import dev.normlab.lip.record.NormRecorder;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.BatchNormalization;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.ConvTranspose2d;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.layer.Sequential;
import dev.normlab.nn.train.EpochTotals;
import dev.normlab.nn.train.TrainingEvent;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class NormDecayTest {

    private static Layer network() {
        Layer model = new Sequential(new Conv2d(3, 6, 3, 2, 1, true), new BatchNorm2d(6), new Conv2d(6, 4, 3, 1, 1, false), new Flatten(),
                new Linear(4 * 3 * 3, 5, true)).initialize(11);
        // running variances away from 1, so that batch norm's scale counts
        Random random = new Random(3);
        for (Map.Entry<String, Tensor> buffer : model.namedBuffers().entrySet()) {
            if (buffer.getKey().endsWith("running_var")) {
                buffer.getValue().set(randomPositive(random, buffer.getValue().shape().elements()));
            }
        }
        for (Parameter parameter : model.namedParameters().values()) {
            if (parameter.name().equals("1.weight")) {
                parameter.set(randomPositive(random, 6));
            }
        }
        return model;
    }

    private static float[] randomPositive(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = 0.5f + random.nextFloat();
        }
        return values;
    }

    /// Runs the model in eval mode on a zero loss and applies the hook, so that only the decay is in the gradients.
    private static Map<String, float[]> decayOf(Device device, Layer model, NormDecay decay) {
        model.eval();
        try (Tape tape = Tape.eager(device, model.trainable())) {
            Tensor logits = model.forward(tape, Tensor.full(0.5f, 2, 3, 6, 6));
            Tensor loss = Arithmetic.scale(tape, Reductions.sum(tape, logits, false), 0f);
            Gradients gradients = tape.backward(loss);
            decay.apply(tape.executor(), gradients);
            Map<String, float[]> result = new LinkedHashMap<>();
            model.namedParameters().forEach((name, parameter) -> result.put(name, gradients.of(parameter.tensor()).toArray()));
            return result;
        }
    }

    @ParameterizedTest
    @EnumSource(Norm.class)
    void oneStepOfDecayEqualsFiniteDifferencesOfTheSumOfNorms(Norm norm) {
        Layer model = network();
        float beta = 0.25f;
        try (Device device = Device.scalar(1)) {
            Map<String, float[]> decay = decayOf(device, model, new NormDecay(model, NormDecay.Options.of(norm, beta)));
            for (Map.Entry<String, Parameter> entry : model.namedParameters().entrySet()) {
                float[] values = entry.getValue().tensor().toArray();
                float[] found = decay.get(entry.getKey());
                for (int i = 0; i < values.length; i++) {
                    double difference = difference(model, entry.getValue(), values, i, norm);
                    assertEquals(beta * difference, found[i], 2e-5, entry.getKey() + "[" + i + "]");
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"CIRCULAR, L1", "CIRCULAR, LINF", "REFLECT, L1", "REFLECT, LINF", "REPLICATE, L1", "REPLICATE, LINF"})
    void decayOfConvolutionsWithOtherBordersEqualsFiniteDifferences(PadMode mode, Norm norm) {
        assertDecayEqualsDifferences(norm, () -> new Sequential(new Conv2d(3, 4, 3, 3, Conv2dGeometry.of(1, 1).withMode(mode), true),
                new Conv2d(4, 6, 3, 4, new Conv2dGeometry(2, 1, 2, 1, 1, 2, 1, 2, 2, mode), false), new Flatten()));
    }

    @ParameterizedTest
    @EnumSource(Norm.class)
    void decayOfGroupedDilatedAndTransposedConvolutionsEqualsFiniteDifferences(Norm norm) {
        assertDecayEqualsDifferences(norm, () -> new Sequential(
                new Conv2d(3, 6, 3, 2, new Conv2dGeometry(2, 1, 2, 1, 0, 1, 2, 3, 3, PadMode.ZERO), true),
                new ConvTranspose2d(6, 4, 3, 2, new Conv2dGeometry(2, 1, 1, 0, 1, 1, 1, 2, 2, PadMode.ZERO), 1, 0, false),
                new ConvTranspose2d(4, 2, 3, 3, new Conv2dGeometry(1, 2, 1, 1, 1, 1, 1, 1, 1, PadMode.ZERO), 0, 1, true), new Flatten()));
    }

    /// The maximisers of random weights are unique, so that the subgradient is the gradient.
    private static void assertDecayEqualsDifferences(Norm norm, Supplier<Layer> layers) {
        float beta = 0.25f;
        int kinks = 0;
        int compared = 0;
        for (int trial = 0; trial < 4; trial++) {
            Layer model = layers.get().initialize(trial);
            try (Device device = Device.scalar(1)) {
                Map<String, float[]> decay = decayOf(device, model, new NormDecay(model, NormDecay.Options.of(norm, beta)));
                for (Map.Entry<String, Parameter> entry : model.namedParameters().entrySet()) {
                    float[] values = entry.getValue().tensor().toArray();
                    for (int i = 0; i < values.length; i++) {
                        if (hasKink(model, entry.getValue(), values, i, norm)) {
                            kinks++;
                        } else {
                            compared++;
                            double difference = difference(model, entry.getValue(), values, i, norm);
                            assertEquals(beta * difference, decay.get(entry.getKey())[i], 5e-5, entry.getKey() + "[" + i + "]");
                        }
                    }
                }
            }
        }
        assertTrue(kinks <= compared / 20, kinks + " kinks among " + compared);
    }

    /// Whether the norm is not linear in a weight within the step of the differences: the maximiser changes, or a sum of taps its sign.
    private static boolean hasKink(Layer model, Parameter parameter, float[] values, int index, Norm norm) {
        double whole = difference(model, parameter, values, index, norm);
        float[] shifted = values.clone();
        shifted[index] = values[index] + 1f / 4096;
        double right = difference(model, parameter, shifted, index, norm);
        shifted[index] = values[index] - 1f / 4096;
        double left = difference(model, parameter, shifted, index, norm);
        parameter.set(values);
        return Math.abs(whole - right) > 1e-3 || Math.abs(whole - left) > 1e-3;
    }

    @Test
    void theTraceOfOtherBordersFadesOutsideOfTheMaximisingSlice() {
        Conv2d conv = new Conv2d(1, 2, 1, 1, new Conv2dGeometry(1, 1, 1, 1, 1, 1, 1, 1, 1, PadMode.CIRCULAR), false);
        Layer model = new Sequential(conv, new Flatten()).initialize(1);
        Layer images = new Sequential(new Conv2d(3, 1, 1, 1, 0, false), model).initialize(1);
        conv.weight().set(3, -1);
        NormDecay decay = new NormDecay(images, new NormDecay.Options(Norm.LINF, 2f, 0.5f, EnumSet.of(LayerKind.CONV)));
        try (Device device = Device.scalar(1)) {
            assertArrayEquals(new float[] {2, 0}, decayOf(device, images, decay).get("1.0.weight"));
            conv.weight().set(1, -2);
            assertArrayEquals(new float[] {1, -2}, decayOf(device, images, decay).get("1.0.weight"));
            decay.momentum(0f);
            decay.beta(1f);
            conv.weight().set(1, 1.5f);
            assertArrayEquals(new float[] {0, 1}, decayOf(device, images, decay).get("1.0.weight"));
        }
    }

    private static double difference(Layer model, Parameter parameter, float[] values, int index, Norm norm) {
        float h = 1f / 4096;
        float[] moved = values.clone();
        moved[index] = values[index] + h;
        parameter.set(moved);
        double above = LayerNorms.of(model).sum(norm, EnumSet.allOf(LayerKind.class));
        moved[index] = values[index] - h;
        parameter.set(moved);
        double below = LayerNorms.of(model).sum(norm, EnumSet.allOf(LayerKind.class));
        parameter.set(values);
        return (above - below) / (2 * h);
    }

    /// The reference writes the signs into the weights themselves when the maximising slice is a single tap.
    @Test
    void aSliceOfOneTapLeavesTheWeightsAlone() {
        Layer model = new Sequential(new Conv2d(2, 3, 1, 1, 0, false), new Flatten(), new Linear(3 * 36, 2, false)).initialize(5);
        Layer images = new Sequential(new Conv2d(3, 2, 1, 1, 0, false), model).initialize(5);
        Map<String, Tensor> before = images.stateDict();
        float[] weights = before.get("0.weight").toArray();
        try (Device device = Device.scalar(1)) {
            decayOf(device, images, new NormDecay(images, NormDecay.Options.of(Norm.L1, 1f)));
        }
        assertArrayEquals(weights, images.stateDict().get("0.weight").toArray());
    }

    @Test
    void theTraceKeepsWhatEarlierStepsFoundWithMomentum() {
        Layer model = new Sequential(new Flatten(), new Linear(108, 2, false)).initialize(1);
        Parameter weight = model.namedParameters().get("1.weight");
        float[] values = new float[216];
        Arrays.fill(values, 0.01f);
        values[0] = 3;
        weight.set(values);
        NormDecay decay = new NormDecay(model, new NormDecay.Options(Norm.L1, 1f, 0.5f, EnumSet.of(LayerKind.LINEAR)));
        try (Device device = Device.scalar(1)) {
            float[] first = decayOf(device, model, decay).get("1.weight");
            assertEquals(1f, first[0]);
            assertEquals(1f, first[108], "the second row of the maximal column");
            assertEquals(0f, first[1]);
            values[0] = 0;
            values[1] = -4;
            weight.set(values);
            float[] second = decayOf(device, model, decay).get("1.weight");
            assertEquals(0.5f, second[0], "the old column fades");
            assertEquals(-1f, second[1]);
            assertEquals(1f, second[109]);
            decay.beta(2f);
            decay.momentum(0f);
            float[] third = decayOf(device, model, decay).get("1.weight");
            assertEquals(0f, third[0], "without momentum the old column is forgotten");
            assertEquals(-2f, third[1], "beta changes while training");
        }
    }

    /// The reference sets beta back to its default when another parameter is changed.
    @Test
    void changingTheMomentumKeepsBetaAndTheOtherWayRound() {
        Layer model = new Sequential(new Flatten(), new Linear(108, 1, false)).initialize(1);
        NormDecay decay = new NormDecay(model, new NormDecay.Options(Norm.LINF, 0.125f, 0.5f, EnumSet.of(LayerKind.LINEAR)));
        try (Device device = Device.scalar(1)) {
            decay.momentum(0.25f);
            assertEquals(0.125f, Math.abs(decayOf(device, model, decay).get("1.weight")[0]));
            decay.beta(0.5f);
            assertEquals(new NormDecay.Options(Norm.LINF, 0.5f, 0.25f, EnumSet.of(LayerKind.LINEAR)), decay.options());
            Parameter weight = model.namedParameters().get("1.weight");
            assertEquals(0.5f, Math.abs(decayOf(device, model, decay).get("1.weight")[0]));
            float[] zeros = new float[108];
            zeros[1] = 1e-30f;
            weight.set(zeros);
            assertEquals(0f, decayOf(device, model, decay).get("1.weight")[0],
                    "all weights are the slice, so that the trace is overwritten");
        }
    }

    /// The reference computes batch norm's decay, but it never reaches the gradient.
    @Test
    void batchNormIsReallyDecayed() {
        Layer model = network();
        NormDecay decay = new NormDecay(model, new NormDecay.Options(Norm.LINF, 1f, 0.5f, EnumSet.of(LayerKind.BN)));
        try (Device device = Device.scalar(1)) {
            Map<String, float[]> gradients = decayOf(device, model, decay);
            int touched = 0;
            for (float value : gradients.get("1.weight")) {
                touched += value != 0 ? 1 : 0;
            }
            assertEquals(1, touched, "one channel attains the norm");
            assertArrayEquals(new float[4 * 6 * 9], gradients.get("2.weight"), "convolutions are switched off");
        }
    }

    @Test
    void everyNormIsReturnedInModuleOrderWhateverIsDecayed() {
        Layer model = network();
        model.eval();
        NormDecay decay = new NormDecay(model, new NormDecay.Options(Norm.L1, 1f, 0.5f, EnumSet.noneOf(LayerKind.class)));
        try (Device device = Device.scalar(1); Tape tape = Tape.eager(device, model.trainable())) {
            Tensor loss = Reductions.sum(tape, model.forward(tape, Tensor.full(0.5f, 2, 3, 6, 6)), false);
            List<Tensor> norms = decay.applyAndMeasure(tape.executor(), tape.backward(loss));
            List<LayerNorms.LayerNorm> exact = LayerNorms.of(model).layers();
            assertEquals(List.of("0", "1", "2", "4"), exact.stream().map(LayerNorms.LayerNorm::name).toList());
            assertEquals(exact.size(), norms.size());
            for (int i = 0; i < norms.size(); i++) {
                assertEquals(exact.get(i).l1(), norms.get(i).item(), 1e-5 * exact.get(i).l1(), exact.get(i).name());
            }
            double sum = LayerNorms.of(model).sum(Norm.L1, EnumSet.allOf(LayerKind.class));
            assertEquals(sum, NormDecay.sum(tape.executor(), norms).item(), 1e-5 * sum);
        }
    }

    /// The reference crashes on frozen layers.
    @Test
    void frozenLayersAreMeasuredAndLeftAlone() {
        Layer model = network();
        model.namedParameters().get("0.weight").frozen(true);
        model.eval();
        NormDecay decay = new NormDecay(model, NormDecay.Options.of(Norm.L1, 1f));
        try (Device device = Device.scalar(1); Tape tape = Tape.eager(device, model.trainable())) {
            Tensor loss = Reductions.sum(tape, model.forward(tape, Tensor.full(0.5f, 2, 3, 6, 6)), false);
            assertEquals(4, decay.applyAndMeasure(tape.executor(), tape.backward(loss)).size());
        }
    }

    /// The reference crashes on batch norm without affine parameters.
    @Test
    void batchNormWithoutAffineParametersHasANormAndNoDecay() {
        Layer model = new Sequential(new Conv2d(3, 2, 3, 1, 1, false),
                new BatchNorm2d(2, new BatchNormalization.Options(1e-5f, 0.1f, false, true)), new Flatten(), new Linear(72, 2, true))
                .initialize(2);
        model.namedBuffers().get("1.running_var").set(4f, 0.25f);
        try (Device device = Device.scalar(1)) {
            decayOf(device, model, new NormDecay(model, NormDecay.Options.of(Norm.LINF, 1f)));
            assertEquals(1 / Math.sqrt(0.25 + 1e-5f), LayerNorms.of(model).layers().get(1).linf(), 1e-9);
        }
    }

    /// It divides by the deviations of every batch anew, so that it has no norm of its own; all others still have theirs.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void batchNormWithoutRunningStatisticsIsNoHindrance(boolean decayed) {
        Layer model = new Sequential(new Conv2d(3, 2, 3, 1, 1, false),
                new BatchNorm2d(2, new BatchNormalization.Options(1e-5f, 0.1f, true, false)), new Flatten(), new Linear(72, 2, true))
                .initialize(2);
        NormDecay decay = new NormDecay(model, new NormDecay.Options(Norm.LINF, 1f, 0.5f,
                decayed ? EnumSet.allOf(LayerKind.class) : EnumSet.of(LayerKind.CONV, LayerKind.LINEAR)));
        try (Device device = Device.scalar(1)) {
            Map<String, float[]> gradients = decayOf(device, model, decay);
            assertArrayEquals(new float[2], gradients.get("1.weight"), "left alone");
            assertFalse(Arrays.equals(new float[144], gradients.get("3.weight")), "the others are decayed");
            assertTrue(decay.state().containsKey("0.norm_decay_trace") && !decay.state().containsKey("1.norm_decay_trace"));
            try (Tape tape = Tape.eager(device, model.trainable())) {
                Tensor loss = Reductions.sum(tape, model.forward(tape, Tensor.full(0.5f, 2, 3, 6, 6)), false);
                List<Tensor> norms = decay.applyAndMeasure(tape.executor(), tape.backward(loss));
                assertEquals(List.of(false, true, false), norms.stream().map(norm -> Float.isNaN(norm.item())).toList());
            }
            try (Tape tape = Tape.inference(device)) {
                new BatchNormProjection(model, 1e-3f).apply(tape.executor());
            }
            assertArrayEquals(new float[] {1, 1}, model.namedParameters().get("1.weight").tensor().toArray());
            float[] images = new float[2 * 3 * 36];
            images[5] = 3;
            LayerNorms.LayerNorm ofBatch = LayerNorms.of(model,
                    BatchNormStatistics.ofBatch(model, Tensor.of(Shape.of(2, 3, 6, 6), images), device)).layers().get(1);
            assertTrue(ofBatch.linf() > 1 && Double.isFinite(ofBatch.linf()), "with the statistics of a batch it has a norm");
        }
        LayerNorms.LayerNorm norm = LayerNorms.of(model).layers().get(1);
        assertTrue(Double.isNaN(norm.l1()) && Double.isNaN(norm.linf()));
        assertEquals("without running statistics", norm.remark().orElseThrow());
        assertTrue(LayerNorms.of(model).layers().get(0).l1() > 0);
        NormRecorder recorder = new NormRecorder(model, NormRecorder.Options.EPOCHS);
        recorder.on(new TrainingEvent.EpochFinished(0, 0.1, EpochTotals.NONE, Optional.empty(), 1, 1));
        assertTrue(Double.isNaN(recorder.series().points().getFirst().l1()[1]));
        assertEquals(2, new NormProjection(model, new NormProjection.Options(Norm.L1, 1, EnumSet.allOf(LayerKind.class))).apply().size());
    }

    /// The reference notices NaN only when everything is NaN, and says nothing of infinity or frozen layers.
    @Test
    void frozenNanAndInfiniteWeightsAreSaidWithTheNorm() {
        Layer model = new Sequential(new Linear(2, 2, false), new Linear(2, 2, false), new Linear(2, 2, false)).initialize(1);
        model.namedParameters().get("0.weight").set(1, 2, Float.NaN, 3);
        model.namedParameters().get("1.weight").set(1, 2, Float.NEGATIVE_INFINITY, 3);
        model.namedParameters().get("2.weight").frozen(true);
        List<LayerNorms.LayerNorm> norms = LayerNorms.of(model).layers();
        assertTrue(Double.isNaN(norms.get(0).l1()));
        assertEquals("1 of 4 weights are NaN", norms.get(0).remark().orElseThrow());
        assertEquals(Double.POSITIVE_INFINITY, norms.get(1).linf());
        assertEquals("1 of 4 weights are infinite", norms.get(1).remark().orElseThrow());
        assertEquals("frozen", norms.get(2).remark().orElseThrow());
    }

    @Test
    void batchNormInTrainingHasTheNormOfTheBatchsOwnVarianceAndTheModelIsLeftAsItWas() {
        Layer model = new Sequential(new BatchNorm2d(2), new Flatten()).initialize(1);
        model.namedParameters().get("0.weight").set(3, 1);
        Tensor images = Tensor.of(Shape.of(2, 2, 1, 2), 1, 2, 0, 0.25f, 3, 4, 0.25f, 0.5f); // variances 1.25 and 0.03125
        model.eval();
        try (Device device = Device.scalar(1)) {
            BatchNormStatistics statistics = BatchNormStatistics.ofBatch(model, images, device);
            double expected = Math.max(3 / Math.sqrt(1.25 + (double) 1e-5f), 1 / Math.sqrt(0.03125 + (double) 1e-5f));
            assertEquals(expected, LayerNorms.of(model, statistics).layers().getFirst().l1(), 1e-9);
            assertEquals(3 / Math.sqrt(1 + (double) 1e-5f), LayerNorms.of(model).layers().getFirst().l1(), 1e-9);
            assertArrayEquals(new float[] {1, 1}, model.namedBuffers().get("0.running_var").toArray());
            assertFalse(model.isTraining());
            model.train();
            model.namedLayers().get("0").eval();
            BatchNormStatistics.ofBatch(model, images, device);
            assertTrue(model.isTraining());
            assertFalse(model.namedLayers().get("0").isTraining(), "a frozen layer stays frozen");
        }
    }

    @Test
    void anotherInputSizeGivesAnotherNormInsteadOfAnError() {
        Conv2d conv = new Conv2d(1, 1, 3, 1, 1, false);
        Layer model = new Sequential(conv).initialize(1);
        conv.weight().set(1, 2, 3, 4, 5, 6, 7, 8, 9);
        try (Device device = Device.scalar(1)) {
            for (var expected : Map.of(5, 45.0, 2, 28.0, 1, 5.0).entrySet()) {
                try (Tape tape = Tape.inference(device)) {
                    model.forward(tape, Tensor.zeros(1, 1, expected.getKey(), expected.getKey()));
                }
                assertEquals(expected.getValue(), LayerNorms.of(model).layers().getFirst().linf());
            }
        }
    }

    @Test
    void anUnknownInputSizeIsSaidWithTheLayersName() {
        NormException exception = assertThrows(NormException.class, () -> LayerNorms.of(network()));
        assertTrue(exception.getMessage().contains("norms of 0 depend on the size of its input"), exception.getMessage());
    }

    @Test
    void unusableConstantsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> NormDecay.Options.of(Norm.L1, Float.NaN));
        assertThrows(IllegalArgumentException.class, () -> NormDecay.Options.of(Norm.L1, -1f));
        assertThrows(IllegalArgumentException.class, () -> new NormDecay.Options(Norm.L1, 1f, 1f, EnumSet.noneOf(LayerKind.class)));
        assertThrows(IllegalArgumentException.class, () -> new BatchNormProjection(network(), 0f));
    }

    /// The reference projects one channel a call: (9, 8, 7) with limit 5 becomes (5, 8, 7).
    @Test
    void theProjectionBringsAllChannelsInsideAtOnceAndKeepsTheBitsOfOthers() {
        BatchNorm2d batchNorm = new BatchNorm2d(5, new BatchNormalization.Options(1e-5f, 0.1f, true, true));
        Layer model = new Sequential(batchNorm).initialize(1);
        batchNorm.weight().orElseThrow().set(9, -8, 7, 4.9f, -1e-30f);
        model.namedBuffers().get("0.running_var").set(1 - 1e-5f, 1 - 1e-5f, 1 - 1e-5f, 1 - 1e-5f, 1 - 1e-5f);
        try (Device device = Device.scalar(1); Tape tape = Tape.inference(device)) {
            new BatchNormProjection(model, 5f).apply(tape.executor());
        }
        assertArrayEquals(new float[] {5, -5, 5, 4.9f, -1e-30f}, batchNorm.weight().orElseThrow().tensor().toArray(), 1e-6f);
        assertEquals(4.9f, batchNorm.weight().orElseThrow().tensor().toArray()[3]);
        assertTrue(LayerNorms.of(model).layers().getFirst().linf() <= 5 * (1 + 1e-6));
    }
}
