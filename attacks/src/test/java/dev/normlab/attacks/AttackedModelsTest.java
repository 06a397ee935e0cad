package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.ApgdOptions.Variant;
import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Sequential;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Attacks on models that need care: few classes, normalisation inside, random numbers of their own, and targets.
class AttackedModelsTest {

    private static AttackList.Settings few(OptionalInt draws) {
        return new AttackList.Settings(PgdOptions.DEFAULT, OptionalInt.of(5), OptionalInt.of(1), OptionalInt.empty(), OptionalInt.of(20),
                draws);
    }

    @ParameterizedTest
    @CsvSource({"standard,2", "standard,3", "plus,2", "plus,3", "rand,2", "rand,3"})
    void ensemblesRunOnFewClassesAndSayWhatTheyCouldNotDo(String ensemble, int classes) {
        Layer model = new Sequential(new Flatten(), new Linear(15, classes, true)).initialize(4);
        Dataset data = TestModels.correctImages(model, new ImageShape(1, 5, 3), 8, classes, 3);
        for (Ball ball : Ball.values()) {
            ThreatModel threat = new ThreatModel(ball, ball == Ball.LINF ? .6f : ball == Ball.L2 ? 2f : 14f);
            Attack[] attacks = AttackList.of(List.of(ensemble), ball, few(OptionalInt.empty())).toArray(Attack[]::new);
            RobustnessResult result = TestModels.evaluate(model, data, threat, 3, attacks);
            assertTrue(result.robustCorrect() < 8, ensemble + " in " + ball + " does something");
            List<String> expected = Arrays.stream(attacks).map(Attack::name)
                    .filter(name -> name.equals("apgd-t") || name.equals("apgd-dlr") && classes < 3).toList();
            List<String> said = result.warnings().stream().filter(text -> text.contains("ran on the difference of logits")).toList();
            assertEquals(expected, said.stream().map(text -> text.substring(0, text.indexOf(' '))).toList());
            for (int a = 0; a < attacks.length; a++) {
                assertEquals(attacks[a].isExactFor(classes), result.attacks().get(a).exactLoss());
            }
        }
    }

    /// Images stay in [0, 1] and eps in their units, whatever the model does first: the closed form of the merged linear model holds.
    @ParameterizedTest
    @EnumSource(value = Ball.class, names = {"LINF", "L2"})
    void aNormalisationInsideTheModelLeavesBallAndBoxThoseOfTheImages(Ball ball) {
        ImageShape shape = TestModels.SHAPE;
        int plane = shape.height() * shape.width();
        BatchNorm2d normalisation = new BatchNorm2d(3);
        Linear linear = new Linear(shape.values(), 4, true);
        Layer model = new Sequential(normalisation, new Flatten(), linear).initialize(3);
        float[] mean = {.49f, .48f, .44f};
        float[] variance = {.06f, .05f, .07f};
        model.stateDict().get("0.running_mean").set(mean);
        model.stateDict().get("0.running_var").set(variance);
        float[] weight = linear.weight().tensor().toArray();
        float[] bias = linear.bias().orElseThrow().tensor().toArray();
        for (int k = 0; k < 4; k++) {
            for (int j = 0; j < shape.values(); j++) {
                int at = k * shape.values() + j;
                weight[at] /= (float) Math.sqrt(variance[j / plane] + 1e-5);
                bias[k] -= weight[at] * mean[j / plane];
            }
        }
        Linear merged = new Linear(shape.values(), 4, true);
        merged.weight().set(weight);
        merged.bias().orElseThrow().set(bias);
        LinearOracle oracle = new LinearOracle(merged);
        Dataset data = TestModels.correctImages(model, shape, 40, 4, 5);
        float[] x = new float[shape.values()];
        double[] distances = IntStream.range(0, 40).mapToDouble(i -> {
            data.image(i, x, 0);
            return oracle.distance(ball, x, data.label(i));
        }).toArray();
        double[] sorted = distances.clone();
        Arrays.sort(sorted);
        float eps = (float) ((sorted[19] + sorted[20]) / 2);
        RobustnessResult result = TestModels.evaluate(model, data, new ThreatModel(ball, eps), 16,
                new Apgd(ApgdOptions.of(Variant.TARGETED)), new Fab(FabOptions.TARGETED));
        for (int i = 0; i < 40; i++) {
            assertEquals(distances[i] < eps, result.fooledBy()[i] >= 0, "image " + i + " at " + distances[i] + ", eps " + eps);
        }
    }

    /// A linear model whose weights are scaled by `1 + n` with a chaotic `n` in [-1, 1] for every logit, new in every pass, in eval mode
    /// too.
    private static final class Restless extends Layer {

        private final Layer inner;
        private final Tensor noise;

        Restless(Layer inner, int classes) {
            this.inner = child("inner", inner);
            this.noise = Tensor.zeros(classes);
            rewind();
        }

        void rewind() {
            float[] first = new float[noise.shape().elements()];
            for (int k = 0; k < first.length; k++) {
                first[k] = .1f + .17f * k;
            }
            noise.set(first);
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            Tensor one = Tensor.scalar(1f);
            Tensor logits = Arithmetic.multiply(tape, inner.forward(tape, x), Arithmetic.add(tape, noise, one));
            Tensor next = Arithmetic.subtract(tape, one, Arithmetic.scale(tape, Arithmetic.square(tape, noise), 2f));
            tape.executor().update(Opcode.ASSIGN, null, List.of(noise), next);
            return logits;
        }
    }

    @Test
    void aModelWithRandomNumbersOfItsOwnIsSaidToHaveThem() {
        Layer linear = TestModels.linear(4, 2);
        Dataset data = TestModels.correctImages(linear, TestModels.SHAPE, 6, 4, 1);
        ThreatModel threat = new ThreatModel(Ball.LINF, .1f);
        List<String> said = TestModels.evaluate(new Restless(linear, 4), data, threat, 6, new Fgsm()).warnings();
        assertTrue(said.getFirst().contains("gives different outputs for the same images"), said.toString());
        assertEquals(List.of(), TestModels.evaluate(linear, data, threat, 6, new Fgsm()).warnings());
    }

    @Test
    void overSeveralDrawsGradientsLossesAndLogitsAreMeans() {
        Restless model = new Restless(TestModels.linear(4, 2), 4);
        model.eval();
        Dataset data = TestModels.images(3, 4, 1);
        int draws = 5;
        try (Device device = Device.scalar(1); Victim victim = new Victim(model, device, TestModels.shape(TestModels.SHAPE), 3)) {
            double[][] sums = new double[3][];
            try (LossProgram single = prepared(victim, data, 1)) {
                model.rewind();
                for (int draw = 0; draw < draws; draw++) {
                    single.evaluate();
                    add(sums, single.gradient(), single.losses(), single.logits());
                }
            }
            try (LossProgram many = prepared(victim, data, draws)) {
                model.rewind();
                many.evaluate();
                assertMeans(sums[0], many.gradient(), draws);
                assertMeans(sums[1], many.losses(), draws);
                assertMeans(sums[2], many.logits(), draws);
            }
        }
    }

    private static LossProgram prepared(Victim victim, Dataset data, int draws) {
        LossProgram program = new LossProgram(victim, AttackLoss.CROSS_ENTROPY, draws);
        for (int i = 0; i < data.size(); i++) {
            data.image(i, program.images(), i * data.shape().values());
        }
        int[] labels = IntStream.range(0, data.size()).map(data::label).toArray();
        program.classes(labels, labels);
        return program;
    }

    private static void add(double[][] sums, float[]... values) {
        for (int s = 0; s < sums.length; s++) {
            sums[s] = sums[s] == null ? new double[values[s].length] : sums[s];
            for (int i = 0; i < values[s].length; i++) {
                sums[s][i] += values[s][i];
            }
        }
    }

    private static void assertMeans(double[] sums, float[] means, int draws) {
        for (int i = 0; i < means.length; i++) {
            assertEquals(sums[i] / draws, means[i], 1e-6);
        }
    }

    @Test
    void onAModelWithoutRandomNumbersDrawsChangeNothingButThePasses() {
        Layer model = TestModels.network(2);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, 12, 4, 9);
        ThreatModel threat = new ThreatModel(Ball.LINF, .1f);
        ApgdOptions options = ApgdOptions.of(Variant.DLR).withIterations(8);
        RobustnessResult one = TestModels.evaluate(model, data, threat, 5, new Apgd(options));
        RobustnessResult four = TestModels.evaluate(model, data, threat, 5, new Apgd(options.withDraws(4)));
        assertTrue(one.robustCorrect() < 12);
        assertArrayEquals(one.adversarial(), four.adversarial());
        assertEquals(4 * one.attacks().getFirst().forwardPasses(), four.attacks().getFirst().forwardPasses());
    }

    @Test
    void everyImageIsLedToATargetOfItsOwn() {
        Layer model = TestModels.linear(4, 8);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, 24, 4, 4);
        int[] targets = IntStream.range(0, 24).map(i -> (data.label(i) + 1 + i % 3) % 4).toArray();
        for (Ball ball : Ball.values()) {
            ThreatModel threat = new ThreatModel(ball, ball == Ball.LINF ? .4f : ball == Ball.L2 ? 2.5f : 15f);
            RobustnessResult result = TestModels.evaluate(model, data, threat, 7, new Pgd(PgdOptions.DEFAULT.withTargets(targets)));
            int reached = 0;
            for (int i = 0; i < 24; i++) {
                if (result.fooledBy()[i] >= 0) {
                    assertEquals(targets[i], result.predictions()[i], "image " + i);
                    reached++;
                }
            }
            assertTrue(reached > 3, ball + ": " + reached);
        }
    }

    @Test
    void settingsNameTargetsByWhatTheyAre() {
        Dataset data = TestModels.images(5, 4, 4);
        int[] targets = {1, 2, 3, 0, 1};
        Attack one = new Pgd(PgdOptions.DEFAULT.withTargets(targets));
        assertEquals(one.settings(data), new Pgd(PgdOptions.DEFAULT.withTargets(targets)).settings(data));
        targets[4] = 2;
        assertFalse(one.settings(data).equals(new Pgd(PgdOptions.DEFAULT.withTargets(targets)).settings(data)));
        assertFalse(one.settings(data).equals(new Pgd(PgdOptions.DEFAULT).settings(data)));
    }

    @Test
    void largerRadiiAtFirstTakeOneMorePassForEachOfTheThree() {
        Layer model = TestModels.network(2);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, 4, 4, 9);
        Attack attack = new Apgd(ApgdOptions.of(Variant.CE).withIterations(10).withLargeFirst(true));
        RobustnessResult result = TestModels.evaluate(model, data, new ThreatModel(Ball.L1, 1e-3f), 4, attack);
        assertEquals(4 * (3 + 1 + 3 + 1 + 4 + 1), result.attacks().getFirst().forwardPasses());
    }
}
