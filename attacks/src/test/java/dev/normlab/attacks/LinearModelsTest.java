package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.engine.kernel.Device;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Layer;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Attacks against the closed form of linear models.
class LinearModelsTest {

    private static final int IMAGES = 60;

    private static double[] distances(Layer model, Dataset data, Ball ball) {
        LinearOracle oracle = TestModels.oracle(model);
        float[] x = new float[data.shape().values()];
        return IntStream.range(0, data.size()).mapToDouble(i -> {
            data.image(i, x, 0);
            return oracle.distance(ball, x, data.label(i));
        }).toArray();
    }

    /// A radius that about half of the images survive, in the middle of a gap between two distances.
    private static float middle(double[] distances) {
        double[] sorted = distances.clone();
        Arrays.sort(sorted);
        int at = sorted.length / 2;
        for (int i = sorted.length / 3; i < 2 * sorted.length / 3; i++) {
            at = sorted[i + 1] - sorted[i] > sorted[at + 1] - sorted[at] ? i : at;
        }
        return (float) ((sorted[at] + sorted[at + 1]) / 2);
    }

    static Stream<Arguments> exactAttacks() {
        Attack targeted = new Apgd(ApgdOptions.of(ApgdOptions.Variant.TARGETED));
        Attack fab = new Fab(FabOptions.UNTARGETED);
        Attack fabT = new Fab(FabOptions.TARGETED);
        return Stream.of(Ball.LINF, Ball.L2).flatMap(ball -> Stream.of(targeted, fab, fabT).map(attack -> Arguments.of(attack, ball)));
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("exactAttacks")
    void fooledImagesAreExactlyThoseWhoseSmallestPerturbationIsInTheBall(Attack attack, Ball ball) {
        Layer model = TestModels.linear(5, 3);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, IMAGES, 5, 5);
        double[] distances = distances(model, data, ball);
        float eps = middle(distances);
        RobustnessResult result = TestModels.evaluate(model, data, new ThreatModel(ball, eps), 32, attack);
        for (int i = 0; i < IMAGES; i++) {
            assertEquals(distances[i] < eps, result.fooledBy()[i] >= 0,
                    attack.name() + " " + ball + ", image " + i + " at " + distances[i] + ", eps " + eps);
        }
        assertEquals(0, result.rejected());
    }

    static Stream<Arguments> ensembles() {
        return Stream.of("standard", "plus").flatMap(name -> Stream.of(Ball.values()).map(ball -> Arguments.of(name, ball)));
    }

    /// In l1 no attack is exact; FAB's perturbations are at most 1.15 times as long as the smallest.
    @ParameterizedTest
    @MethodSource("ensembles")
    void ensemblesLeaveExactlyTheImagesThatAreRobust(String name, Ball ball) {
        Layer model = TestModels.linear(5, 3);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, IMAGES, 5, 5);
        double[] distances = distances(model, data, ball);
        float eps = middle(distances);
        AttackList.Settings all = AttackList.Settings.DEFAULT;
        AttackList.Settings settings = new AttackList.Settings(all.pgd(), all.iterations(), all.restarts(), all.targets(),
                OptionalInt.of(300), all.draws());
        RobustnessResult result = TestModels.evaluate(model, data, new ThreatModel(ball, eps), 32,
                AttackList.of(List.of(name), ball, settings).toArray(Attack[]::new));
        assertEquals(name.equals("standard") ? 4 : 6, result.attacks().size());
        double slack = ball == Ball.L1 ? 1.15 : 1;
        int robust = 0;
        for (int i = 0; i < IMAGES; i++) {
            boolean fooled = result.fooledBy()[i] >= 0;
            assertTrue(fooled ? distances[i] < eps : distances[i] * slack > eps,
                    "image " + i + " at " + distances[i] + ", eps " + eps + ", fooled: " + fooled);
            robust += distances[i] > eps ? 1 : 0;
        }
        assertEquals(0, result.rejected());
        assertTrue(robust > IMAGES / 5 && robust < IMAGES * 4 / 5, "both kinds of images are there: " + robust);
        assertTrue(result.robustCorrect() >= robust && result.robustCorrect() < IMAGES);
        assertEquals(result.robustCorrect(), result.attacks().getLast().robustCorrect());
    }

    @ParameterizedTest
    @EnumSource(Ball.class)
    void apgdOnTheCrossEntropyIsExactForTwoClasses(Ball ball) {
        Layer model = TestModels.linear(2, 3);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, IMAGES, 2, 5);
        double[] distances = distances(model, data, ball);
        float eps = middle(distances);
        RobustnessResult result = TestModels.evaluate(model, data, new ThreatModel(ball, eps), 32,
                new Apgd(ApgdOptions.of(ApgdOptions.Variant.CE)));
        for (int i = 0; i < IMAGES; i++) {
            assertEquals(distances[i] < eps, result.fooledBy()[i] >= 0, ball + ", image " + i + " at " + distances[i] + ", eps " + eps);
        }
    }

    @ParameterizedTest
    @EnumSource(Ball.class)
    void fabsPerturbationsAreHardlyLongerThanTheSmallest(Ball ball) {
        Layer model = TestModels.linear(4, 3);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, IMAGES, 4, 5);
        double[] distances = distances(model, data, ball);
        double bound = switch (ball) {
            case LINF -> 1.02;
            case L2 -> 1.03;
            case L1 -> 1.15;
        };
        ThreatModel everything = new ThreatModel(ball, ball == Ball.LINF ? 1 : 60);
        for (FabOptions options : new FabOptions[] {FabOptions.UNTARGETED, FabOptions.TARGETED.minimising()}) {
            Points points = new Points(data, IntStream.range(0, IMAGES).toArray());
            try (Device device = Device.scalar(1);
                    Victim victim = new Victim(model, device, TestModels.shape(TestModels.SHAPE), 32)) {
                new Fab(options).run(victim, everything, points, 1);
            }
            for (int i = 0; i < IMAGES; i++) {
                double ratio = -points.score(i) / distances[i];
                assertTrue(ratio >= 1 - 1e-5 && ratio <= bound, ball + " targeted " + options.targeted() + ", image " + i + ": " + ratio);
            }
        }
    }
}
