package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.ApgdOptions.Variant;
import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.DType;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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

    static Stream<Arguments> casesOnDevices() {
        return Stream.of(TestDevice.values()).flatMap(on -> attacks().flatMap(
                attack -> Stream.of(Ball.values()).map(ball -> Arguments.of(on, attack.get(), attack.get().name(), ball))));
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

    @ParameterizedTest(name = "{0} {2} {3}")
    @MethodSource("casesOnDevices")
    void resultsDoNotDependOnBatchSizeOrThreads(TestDevice on, Attack attack, String name, Ball ball) {
        Layer model = on.network();
        RobustnessResult one = TestModels.evaluate(on, model, data(), threat(ball, 1), 1, 1, attack);
        for (int batch : new int[] {5, 100}) {
            RobustnessResult other = TestModels.evaluate(on, model, data(), threat(ball, 1), batch, 3, attack);
            assertArrayEquals(one.adversarial(), other.adversarial());
            assertArrayEquals(one.fooledBy(), other.fooledBy());
            assertArrayEquals(one.predictions(), other.predictions());
            assertEquals(one.attacks().getFirst().forwardPasses(), other.attacks().getFirst().forwardPasses());
            assertEquals(one.attacks().getFirst().backwardPasses(), other.attacks().getFirst().backwardPasses());
        }
    }

    @ParameterizedTest(name = "{0} {2} {3}")
    @MethodSource("casesOnDevices")
    void resultsDoNotDependOnTheOrderOfImages(TestDevice on, Attack attack, String name, Ball ball) {
        Layer model = on.network();
        Dataset data = data();
        int n = data.size();
        int length = data.shape().values();
        RobustnessResult forwards = TestModels.evaluate(on, model, data, threat(ball, 1), 6, 2, attack);
        int[] order = IntStream.range(0, n).map(i -> n - 1 - i).toArray();
        RobustnessResult backwards = TestModels.evaluate(on, model, data.subset(order), threat(ball, 1), 6, 2, attack);
        for (int i = 0; i < n; i++) {
            assertEquals(forwards.fooledBy()[i], backwards.fooledBy()[n - 1 - i]);
            for (int j = 0; j < length; j++) {
                assertEquals(forwards.adversarial()[i * length + j], backwards.adversarial()[(n - 1 - i) * length + j]);
            }
        }
    }

    @ParameterizedTest(name = "{0} {2} {3}")
    @MethodSource("casesOnDevices")
    void fooledImagesAreAllowedAndErrAndAllOthersAreTheCleanOnesBitForBit(TestDevice on, Attack attack, String name, Ball ball) {
        Layer model = on.network();
        Map<String, float[]> before = floats(model);
        Dataset data = data();
        int length = data.shape().values();
        float[] clean = pixels(data);
        RobustnessResult result = TestModels.evaluate(on, model, data, threat(ball, 1), 8, 2, attack);
        assertArrayEquals(clean, pixels(data), "the images of the data set stay");
        for (int i = 0; i < data.size(); i++) {
            boolean fooled = result.fooledBy()[i] >= 0;
            double distance = threat(ball, 1).distance(clean, result.adversarial(), i * length, length);
            assertTrue(threat(ball, 1).allows(clean, result.adversarial(), i * length, length));
            assertEquals(fooled, distance > 0, "image " + i);
            assertEquals(fooled || result.fooledBy()[i] == RobustnessResult.CLEAN_ERROR, result.predictions()[i] != data.label(i));
        }
        assertEquals(0, result.rejected(), "no attack leaves the ball or the box");
        // a single step and forty random windows may break none
        assertTrue(result.robustCorrect() < result.cleanCorrect() || name.equals("fgsm") || name.equals("square"),
                "the attack does something");
        before.forEach((tensor, values) -> assertArrayEquals(values, model.stateDict().get(tensor).toArray(), tensor));
        assertTrue(model.isTraining());
    }

    private static float[] pixels(Dataset data) {
        float[] pixels = new float[data.size() * data.shape().values()];
        for (int i = 0; i < data.size(); i++) {
            data.image(i, pixels, i * data.shape().values());
        }
        return pixels;
    }

    /// All parameters and buffers.
    private static Map<String, float[]> floats(Layer model) {
        Map<String, float[]> values = new LinkedHashMap<>();
        model.stateDict().forEach((name, tensor) -> {
            if (tensor.dtype() == DType.FLOAT32) {
                values.put(name, tensor.toArray());
            }
        });
        assertTrue(values.containsKey("1.running_mean"), values.keySet().toString());
        return values;
    }

    @ParameterizedTest(name = "{1} {2}")
    @MethodSource("cases")
    void robustAccuracyNeverRisesWithEps(Attack attack, String name, Ball ball) {
        Layer model = TestModels.network(2);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, 24, CLASSES, 11);
        int previous = 24;
        for (float share : new float[] {0, .02f, .1f, .3f, 1}) {
            int robust = TestModels.evaluate(model, data, threat(ball, share), 12, attack).robustCorrect();
            assertTrue(robust <= previous, "share " + share + ": " + robust + " after " + previous);
            previous = robust;
        }
        // one pixel alone, all that the fast method changes in l1, breaks none of these images
        assertTrue(previous < 24 || name.equals("fgsm") && ball == Ball.L1, "the largest ball breaks some images");
    }

    /// Attacks with one restart and with three, on every device.
    static Stream<Arguments> restarts() {
        Stream<List<Attack>> pairs = Stream.of(
                List.of(new Pgd(PgdOptions.DEFAULT.withIterations(3)), new Pgd(PgdOptions.DEFAULT.withIterations(3).withRestarts(3))),
                apgd(Variant.CE), apgd(Variant.DLR), List.of(apgd(Variant.TARGETED, 1), apgd(Variant.TARGETED, 3)),
                apgd(Variant.TARGETED), List.of(fab(FabOptions.UNTARGETED, 1), fab(FabOptions.UNTARGETED, 3)),
                List.of(fab(FabOptions.TARGETED, 1), fab(FabOptions.TARGETED, 3)),
                List.of(new Square(SquareOptions.DEFAULT.withQueries(90)),
                        new Square(SquareOptions.DEFAULT.withQueries(90).withRestarts(3))));
        return pairs.flatMap(pair -> Stream.of(Ball.values()).flatMap(
                ball -> Stream.of(TestDevice.values()).map(on -> Arguments.of(on, pair, pair.getFirst().name(), ball))));
    }

    private static List<Attack> apgd(Variant variant) {
        return List.of(new Apgd(ApgdOptions.of(variant).withIterations(4)),
                new Apgd(ApgdOptions.of(variant).withIterations(4).withRestarts(3)));
    }

    /// The targeted attack with a number of targets: those of fewer come first.
    private static Attack apgd(Variant variant, int targets) {
        return new Apgd(ApgdOptions.of(variant).withIterations(4).withTargets(targets));
    }

    private static Attack fab(FabOptions options, int restarts) {
        return new Fab(options.withIterations(3).withRestarts(restarts));
    }

    @ParameterizedTest(name = "{0} {2} {3}")
    @MethodSource("restarts")
    void moreRestartsOrTargetsKeepWhatFewerFoundBitForBit(TestDevice on, List<Attack> pair, String name, Ball ball) {
        Layer model = on.network();
        Dataset data = TestModels.correctImages(on, model, TestModels.SHAPE, 24, CLASSES, 11);
        ThreatModel threat = threat(ball, name.equals("square") ? 1 : .3f);
        assertKept(TestModels.evaluate(on, model, data, threat, 12, 2, pair.get(0)),
                TestModels.evaluate(on, model, data, threat, 12, 2, pair.get(1)));
    }

    private static void assertKept(RobustnessResult fewer, RobustnessResult more) {
        int length = fewer.adversarial().length / fewer.n();
        int kept = 0;
        for (int i = 0; i < fewer.n(); i++) {
            if (fewer.fooledBy()[i] >= 0) {
                kept++;
                assertArrayEquals(Arrays.copyOfRange(fewer.adversarial(), i * length, (i + 1) * length),
                        Arrays.copyOfRange(more.adversarial(), i * length, (i + 1) * length), "image " + i);
            }
        }
        assertTrue(kept > 0, "the attack does something");
        assertTrue(more.robustCorrect() <= fewer.robustCorrect());
    }

    /// Short runs from random points at nine targets, some of which succeed at a later target only: restarts for one target after the other
    /// would fool those at an earlier one.
    @ParameterizedTest
    @MethodSource("balls")
    void moreRestartsAtManyTargetsKeepWhatFewerFoundBitForBit(Ball ball) {
        Layer model = TestModels.linear(10, 2);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, 240, 10, 11);
        ThreatModel threat = threat(ball, ball == Ball.L1 ? .1f : .5f);
        Apgd one = new Apgd(ApgdOptions.of(Variant.TARGETED).withIterations(1));
        Apgd three = new Apgd(ApgdOptions.of(Variant.TARGETED).withIterations(1).withRestarts(3));
        assertKept(TestModels.evaluate(model, data, threat, 120, one), TestModels.evaluate(model, data, threat, 120, three));
    }

    @ParameterizedTest(name = "{1} {2}")
    @MethodSource("cases")
    void aModelThatIsNotANumberSomewhereGetsNoAdversarialImageThatIsNone(Attack attack, String name, Ball ball) {
        Layer model = TestModels.network(2);
        float[] weight = model.namedParameters().get("6.weight").tensor().toArray();
        Arrays.fill(weight, 0, weight.length / CLASSES, Float.NaN); // the first logit of every image
        model.namedParameters().get("6.weight").set(weight);
        RobustnessResult result = TestModels.evaluate(model, data(), threat(ball, 1), 8, attack);
        for (float value : result.adversarial()) {
            assertTrue(value >= 0 && value <= 1, "value " + value);
        }
        assertEquals(0, result.rejected());
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

    /// Steps count within a batch too: a single batch is most of the work, and whoever waits wants to know how long.
    @ParameterizedTest(name = "{1} {2}")
    @MethodSource("cases")
    void theShareThatIsDoneRisesFromStepToStep(Attack attack, String name, Ball ball) {
        Layer model = TestModels.network(2);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, 7, CLASSES, 9);
        for (int batch : new int[] {7, 3}) {
            List<Double> shares = new ArrayList<>();
            RobustnessEvaluation.Listener listener = new RobustnessEvaluation.Listener() {
                @Override
                public void attack(String one, int images, Optional<RobustnessResult.AttackResult> result) {}

                @Override
                public void progress(String one, double done, int robust) {
                    shares.add(done);
                }
            };
            try (Device device = Device.scalar(1)) {
                new RobustnessEvaluation(List.of(attack), threat(ball, 1e-4f), false, batch, 7).run(model, data, device, listener);
            }
            for (int k = 1; k < shares.size(); k++) {
                assertTrue(shares.get(k) >= shares.get(k - 1) - 1e-7, name + " " + shares);
            }
            assertEquals(1, shares.getLast(), 1e-12);
            long restarts = attack.restarts(CLASSES);
            assertTrue(name.equals("fgsm") || shares.stream().distinct().count() >= 6 * restarts, name + " " + shares);
        }
    }

    static Stream<Ball> balls() {
        return Stream.of(Ball.values());
    }

    static Stream<Arguments> ballsOnDevices() {
        return balls().flatMap(ball -> Stream.of(TestDevice.values()).map(on -> Arguments.of(on, ball)));
    }

    @ParameterizedTest(name = "{1} {2}")
    @MethodSource("cases")
    void shiftedLogitsChangeNoDecision(Attack attack, String name, Ball ball) {
        Layer model = TestModels.network(2);
        Dataset data = data();
        int[] before = TestModels.evaluate(model, data, threat(ball, 1), 8, attack).fooledBy();
        var bias = model.namedParameters().get("6.bias");
        float[] shifted = bias.tensor().toArray();
        for (int k = 0; k < shifted.length; k++) {
            shifted[k] += 4f;
        }
        bias.set(shifted);
        assertArrayEquals(before, TestModels.evaluate(model, data, threat(ball, 1), 8, attack).fooledBy());
    }

    @ParameterizedTest
    @MethodSource("ballsOnDevices")
    void anEnsembleKeepsWhatItsFirstAttacksFound(TestDevice on, Ball ball) {
        Layer model = on.network();
        List<Attack> list = attacks().map(Supplier::get).toList();
        RobustnessResult all = TestModels.evaluate(on, model, data(), threat(ball, .6f), 8, 2, list.toArray(Attack[]::new));
        int robust = all.cleanCorrect();
        for (int first = 1; first <= 4; first++) {
            RobustnessResult some = TestModels.evaluate(on, model, data(), threat(ball, .6f), 8, 2,
                    list.subList(0, first).toArray(Attack[]::new));
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

    /// FAB looks for the nearest point that errs: what more steps find is never farther away.
    @ParameterizedTest
    @MethodSource("balls")
    void theDistanceThatFabFindsNeverGrowsWithItsSteps(Ball ball) {
        Layer model = TestModels.network(2);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, 12, CLASSES, 9);
        for (FabOptions options : List.of(FabOptions.UNTARGETED, FabOptions.TARGETED)) {
            double[] nearest = new double[data.size()];
            Arrays.fill(nearest, Double.POSITIVE_INFINITY);
            double[] first = nearest;
            for (int steps : new int[] {1, 3, 10, 30}) {
                RobustnessResult result = TestModels.evaluate(model, data, threat(ball, 3), 12, new Fab(options.withIterations(steps)));
                double[] now = new double[data.size()];
                for (int i = 0; i < now.length; i++) {
                    now[i] = result.fooledBy()[i] >= 0 ? result.distances()[i] : Double.POSITIVE_INFINITY;
                    assertTrue(now[i] <= nearest[i],
                            options + ", image " + i + " after " + steps + " steps: " + now[i] + " after " + nearest[i]);
                }
                first = steps == 1 ? now : first;
                nearest = now;
            }
            assertTrue(Arrays.stream(nearest).sum() < Arrays.stream(first).sum(), "more steps find nearer points");
        }
    }

    /// A step of Auto-PGD in every norm on every loss: the best loss never falls, and is that of the best point.
    @ParameterizedTest
    @MethodSource("balls")
    void theBestLossOfApgdNeverFalls(Ball ball) {
        Layer model = TestModels.network(2);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, 5, CLASSES, 9);
        ThreatModel threat = threat(ball, .5f);
        for (AttackLoss loss : AttackLoss.values()) {
            try (Device device = Device.scalar(1);
                    Victim victim = new Victim(model, device, TestModels.shape(TestModels.SHAPE), 5);
                    ApgdProgram program = new ApgdProgram(victim, loss, ball, 1)) {
                new Points(data, new int[] {0, 1, 2, 3, 4}).restart(0, victim, batch -> climb(program, threat, batch));
            }
        }
    }

    private static void climb(ApgdProgram program, ThreatModel threat, PointBatch batch) {
        program.start(batch.clean(), batch.labels(), IntStream.of(batch.labels()).map(label -> (label + 1) % CLASSES).toArray());
        ApgdSteps steps = threat.ball() == Ball.L1
                ? new SparseSteps(threat.eps(), 40, 5, batch.length())
                : new MomentumSteps(threat.eps(), .75, 40, 5);
        program.begin(batch.clean(), threat.eps(), steps.firstStep());
        float[] best = program.bestLoss();
        float[] start = best.clone();
        for (int step = 0; step < 40; step++) {
            steps.prepare(program, step);
            program.step();
            steps.stepped(program, step);
            float[] now = program.bestLoss(), loss = program.loss.toArray();
            for (int i = 0; i < 5; i++) {
                assertEquals(Math.max(best[i], loss[i]), now[i], "image " + i + " in step " + step);
            }
            best = now;
        }
        for (int i = 0; i < 5; i++) {
            assertTrue(best[i] > start[i], "the loss rises");
        }
    }

    @ParameterizedTest
    @MethodSource("balls")
    void theBestLossOfPgdNeverFalls(Ball ball) {
        Layer model = TestModels.network(2);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, 5, CLASSES, 9);
        ThreatModel threat = threat(ball, .05f);
        float[] clean = pixels(data);
        int[] labels = IntStream.range(0, 5).map(data::label).toArray();
        try (Device device = Device.scalar(1);
                Victim victim = new Victim(model, device, TestModels.shape(TestModels.SHAPE), 5);
                PgdProgram run = new PgdProgram(victim, ball, false)) {
            run.start(clean, clean, labels, threat.eps(), threat.eps() / 4);
            float[] best = new float[5];
            for (int step = 0; step < 12; step++) {
                run.step();
                for (int i = 0; i < 5; i++) {
                    float now = run.bestLoss()[i];
                    assertTrue(now >= best[i] || run.fooled()[i] != 0, "image " + i + " in step " + step);
                    best[i] = now;
                }
            }
        }
    }
}
