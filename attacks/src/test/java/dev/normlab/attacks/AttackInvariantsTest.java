package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.ApgdOptions.Variant;
import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.engine.kernel.Device;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Sequential;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// What holds for every attack in every norm.
class AttackInvariantsTest {

    private static final int CLASSES = 4;

    private static Stream<Supplier<Attack>> attacks() {
        return Stream.of(Fgsm::new, () -> new Pgd(PgdOptions.DEFAULT.withIterations(6).withRestarts(2)),
                () -> new Apgd(ApgdOptions.of(Variant.CE).withIterations(12).withRestarts(2)),
                () -> new Apgd(ApgdOptions.of(Variant.DLR).withIterations(12).withLargeFirst(true)),
                () -> new Apgd(ApgdOptions.of(Variant.TARGETED).withIterations(10)),
                () -> new Fab(FabOptions.UNTARGETED.withIterations(8).withRestarts(2)),
                () -> new Fab(FabOptions.TARGETED.withIterations(8)),
                () -> new Square(SquareOptions.DEFAULT.withQueries(40).withRestarts(2)));
    }

    static Stream<Arguments> cases() {
        return attacks().flatMap(attack -> Stream.of(Ball.values()).map(ball -> Arguments.of(attack.get(), attack.get().name(), ball)));
    }

    private static ThreatModel threat(Ball ball, float share) {
        return new ThreatModel(ball, share * switch (ball) {
            case LINF -> 0.3f;
            case L2 -> 2f;
            case L1 -> 14f;
        });
    }

    private static Dataset data() {
        return TestModels.images(19, CLASSES, 9);
    }

    @ParameterizedTest(name = "{1} {2}")
    @MethodSource("cases")
    void resultsDoNotDependOnBatchSizeOrThreads(Attack attack, String name, Ball ball) {
        Layer model = TestModels.network(2);
        RobustnessResult one = TestModels.evaluate(model, data(), threat(ball, 1), 1, 1, attack);
        for (int batch : new int[] {5, 100}) {
            RobustnessResult other = TestModels.evaluate(model, data(), threat(ball, 1), batch, 3, attack);
            assertArrayEquals(one.adversarial(), other.adversarial());
            assertArrayEquals(one.fooledBy(), other.fooledBy());
            assertArrayEquals(one.predictions(), other.predictions());
            assertEquals(one.attacks().getFirst().forwardPasses(), other.attacks().getFirst().forwardPasses());
            assertEquals(one.attacks().getFirst().backwardPasses(), other.attacks().getFirst().backwardPasses());
        }
    }

    @ParameterizedTest(name = "{1} {2}")
    @MethodSource("cases")
    void resultsDoNotDependOnTheOrderOfImages(Attack attack, String name, Ball ball) {
        Layer model = TestModels.network(2);
        Dataset data = data();
        int n = data.size();
        int length = data.shape().values();
        RobustnessResult forwards = TestModels.evaluate(model, data, threat(ball, 1), 6, attack);
        int[] order = IntStream.range(0, n).map(i -> n - 1 - i).toArray();
        RobustnessResult backwards = TestModels.evaluate(model, data.subset(order), threat(ball, 1), 6, attack);
        for (int i = 0; i < n; i++) {
            assertEquals(forwards.fooledBy()[i], backwards.fooledBy()[n - 1 - i]);
            for (int j = 0; j < length; j++) {
                assertEquals(forwards.adversarial()[i * length + j], backwards.adversarial()[(n - 1 - i) * length + j]);
            }
        }
    }

    @ParameterizedTest(name = "{1} {2}")
    @MethodSource("cases")
    void fooledImagesAreAllowedAndErrAndAllOthersAreTheCleanOnesBitForBit(Attack attack, String name, Ball ball) {
        Layer model = TestModels.network(2);
        float[] before = model.stateDict().get("0.weight").toArray();
        Dataset data = data();
        int length = data.shape().values();
        float[] clean = new float[data.size() * length];
        RobustnessResult result = TestModels.evaluate(model, data, threat(ball, 1), 8, attack);
        for (int i = 0; i < data.size(); i++) {
            data.image(i, clean, i * length);
            boolean fooled = result.fooledBy()[i] >= 0;
            double distance = threat(ball, 1).distance(clean, result.adversarial(), i * length, length);
            assertTrue(threat(ball, 1).allows(clean, result.adversarial(), i * length, length));
            assertEquals(fooled, distance > 0, "image " + i);
            assertEquals(fooled || result.fooledBy()[i] == RobustnessResult.CLEAN_ERROR, result.predictions()[i] != data.label(i));
        }
        assertEquals(0, result.rejected(), "no attack leaves the ball or the box");
        assertTrue(result.robustCorrect() <= result.cleanCorrect());
        assertArrayEquals(before, model.stateDict().get("0.weight").toArray());
        assertTrue(model.isTraining());
    }

    @ParameterizedTest(name = "{1} {2}")
    @MethodSource("cases")
    void epsZeroMovesNothing(Attack attack, String name, Ball ball) {
        Dataset data = data();
        try (Device device = Device.scalar(1);
                Victim victim = new Victim(TestModels.network(2), device, TestModels.shape(TestModels.SHAPE), 4)) {
            Points points = new Points(data, IntStream.range(0, 6).toArray());
            float[] clean = points.adversarial().clone();
            attack.run(victim, new ThreatModel(ball, 0), points, 3);
            for (int i = 0; i < 6; i++) {
                assertFalse(points.fooled(i) && points.label(i) == victim.predict(four(points, i))[0]);
            }
            assertArrayEquals(clean, points.adversarial());
        }
    }

    private static float[] four(Points points, int i) {
        float[] batch = new float[4 * points.length()];
        points.clean(i, batch, 0);
        return batch;
    }

    @ParameterizedTest(name = "{1} {2}")
    @MethodSource("cases")
    void attacksWorkOnGreyImagesWithTwoClassesInABatchOfOne(Attack attack, String name, Ball ball) {
        ImageShape grey = new ImageShape(1, 5, 3);
        Layer model = new Sequential(new Flatten(), new Linear(15, 2, true)).initialize(4);
        Dataset data = TestModels.correctImages(model, grey, 8, 2, 3);
        ThreatModel threat = threat(ball, ball == Ball.LINF ? 2 : 1);
        RobustnessResult result = TestModels.evaluate(model, data, threat, 1, attack);
        assertEquals(8, result.cleanCorrect());
        assertTrue(result.robustCorrect() < 8, "the attack does something");
    }

    @ParameterizedTest(name = "{1} {2}")
    @MethodSource("cases")
    void noImagesAreNoWork(Attack attack, String name, Ball ball) {
        Points none = new Points(data(), new int[0]);
        try (Device device = Device.scalar(1);
                Victim victim = new Victim(TestModels.network(2), device, TestModels.shape(TestModels.SHAPE), 4)) {
            attack.run(victim, threat(ball, 1), none, 3);
        }
        assertEquals(0, none.forwardPasses());
    }

    static Stream<Ball> balls() {
        return Stream.of(Ball.values());
    }

    @ParameterizedTest
    @MethodSource("balls")
    void shiftedLogitsChangeNoDecisionOfApgdWithTheDifferenceOfLogitsRatio(Ball ball) {
        Layer model = TestModels.network(2);
        Dataset data = data();
        Attack attack = new Apgd(ApgdOptions.of(Variant.DLR).withIterations(15));
        int[] before = TestModels.evaluate(model, data, threat(ball, 1), 8, attack).fooledBy();
        var bias = model.namedParameters().get("6.bias");
        float[] shifted = bias.tensor().toArray();
        for (int k = 0; k < shifted.length; k++) {
            shifted[k] += 0.5f;
        }
        bias.set(shifted);
        assertArrayEquals(before, TestModels.evaluate(model, data, threat(ball, 1), 8, attack).fooledBy());
    }

    @ParameterizedTest
    @MethodSource("balls")
    void anEnsembleKeepsWhatItsFirstAttacksFound(Ball ball) {
        Layer model = TestModels.network(2);
        List<Attack> list = attacks().map(Supplier::get).toList();
        RobustnessResult all = TestModels.evaluate(model, data(), threat(ball, .6f), 8, list.toArray(Attack[]::new));
        int robust = all.cleanCorrect();
        for (int first = 1; first <= 4; first++) {
            RobustnessResult some = TestModels.evaluate(model, data(), threat(ball, .6f), 8, list.subList(0, first).toArray(Attack[]::new));
            assertEquals(all.attacks().get(first - 1).robustCorrect(), some.robustCorrect());
            assertTrue(some.robustCorrect() <= robust);
            robust = some.robustCorrect();
        }
    }

    @ParameterizedTest
    @MethodSource("balls")
    void apgdTakesOnePassMoreThanItsIterationsForEveryRestart(Ball ball) {
        Layer model = TestModels.network(2);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, 7, CLASSES, 9);
        ThreatModel harmless = threat(ball, 1e-4f);
        RobustnessResult result = TestModels.evaluate(model, data, harmless, 4,
                new Apgd(ApgdOptions.of(Variant.CE).withIterations(9).withRestarts(3)),
                new Apgd(ApgdOptions.of(Variant.TARGETED).withIterations(9)));
        assertEquals(7 * 3 * 10, result.attacks().get(0).forwardPasses());
        assertEquals(7 * 3 * 10, result.attacks().get(0).backwardPasses());
        assertEquals(7 * 3 * 10, result.attacks().get(1).forwardPasses(), "three targets of four classes");
        assertEquals(0, result.attacks().get(1).fooled());
    }
}
