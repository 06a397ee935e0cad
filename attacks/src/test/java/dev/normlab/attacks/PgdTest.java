package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import dev.normlab.nn.train.Evaluator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class PgdTest {

    private static final ImageShape SHAPE = new ImageShape(3, 4, 5);
    private static final RobustnessEvaluation.Listener SILENT = (name, images, result) -> {
    };

    private static ThreatModel large(Ball ball) {
        return new ThreatModel(ball, switch (ball) {
            case LINF -> 0.3f;
            case L2 -> 2f;
            case L1 -> 12f;
        });
    }

    private static Dataset images(int n, int classes, long seed) {
        RandomStream random = RandomStream.of(seed, "test images");
        float[] values = new float[n * SHAPE.values()];
        random.fillUniform(values, 0f, 1f);
        int[] labels = new int[n];
        for (int i = 0; i < n; i++) {
            labels[i] = random.nextInt(classes);
        }
        return Dataset.ofUnits("test", SHAPE, IntStream.range(0, classes).mapToObj(Integer::toString).toList(), values, labels);
    }

    private static Layer linear(int classes, long seed) {
        return new Sequential(new Flatten(), new Linear(SHAPE.values(), classes, true)).initialize(seed);
    }

    private static Layer network(long seed) {
        return new Sequential(new Conv2d(3, 8, 3, 1, 1, true), new BatchNorm2d(8), new ReLU(), new Conv2d(8, 8, 3, 2, 1, true), new ReLU(),
                new Flatten(), new Linear(8 * 2 * 3, 4, true)).initialize(seed);
    }

    private static RobustnessResult evaluate(Layer model, Dataset data, ThreatModel threat, int batchSize, Attack... attacks) {
        try (Device device = Device.scalar(1)) {
            return new RobustnessEvaluation(List.of(attacks), threat, false, batchSize, 7).run(model, data, device, SILENT);
        }
    }

    /// Whether a two-class linear model is robust at an image: its margin exceeds the most that the ball within the box can take away.
    private static boolean linfRobust(Linear linear, float[] x, int label, float eps) {
        float[] w = linear.weight().tensor().toArray();
        float[] b = linear.bias().orElseThrow().tensor().toArray();
        int d = x.length;
        double margin = b[label] - b[1 - label];
        double reach = 0;
        for (int i = 0; i < d; i++) {
            double slope = (double) w[label * d + i] - w[(1 - label) * d + i];
            margin += slope * x[i];
            reach += Math.abs(slope) * Math.min(eps, slope > 0 ? x[i] : 1 - x[i]);
        }
        return margin > reach;
    }

    @ParameterizedTest
    @CsvSource({"0.001", "0.01", "0.05", "0.2"})
    void pgdFindsExactlyTheVulnerableImagesOfATwoClassLinearModel(float eps) {
        Layer model = linear(2, 3);
        Linear linear = (Linear) model.namedLayers().get("1");
        Dataset data = images(200, 2, 5);
        RobustnessResult result = evaluate(model, data, new ThreatModel(Ball.LINF, eps), 64, new Pgd(PgdOptions.DEFAULT));
        float[] x = new float[SHAPE.values()];
        int robust = 0;
        for (int i = 0; i < data.size(); i++) {
            data.image(i, x, 0);
            robust += result.fooledBy()[i] != RobustnessResult.CLEAN_ERROR && linfRobust(linear, x, data.label(i), eps) ? 1 : 0;
        }
        assertEquals(robust, result.robustCorrect());
        assertEquals(0, result.rejected());
    }

    @ParameterizedTest
    @EnumSource(Ball.class)
    void resultsDoNotDependOnBatchSizeOrOrder(Ball ball) {
        Layer model = network(2);
        Dataset data = images(23, 4, 9);
        ThreatModel threat = large(ball);
        PgdOptions options = PgdOptions.DEFAULT.withIterations(6).withRestarts(2);
        RobustnessResult one = evaluate(model, data, threat, 1, new Pgd(options));
        RobustnessResult seven = evaluate(model, data, threat, 7, new Pgd(options));
        RobustnessResult all = evaluate(model, data, threat, 100, new Pgd(options));
        assertArrayEquals(one.adversarial(), seven.adversarial());
        assertArrayEquals(one.adversarial(), all.adversarial());
        assertArrayEquals(one.fooledBy(), seven.fooledBy());
        assertTrue(one.robustCorrect() < one.cleanCorrect(), "the attack does something");
    }

    @ParameterizedTest
    @EnumSource(Ball.class)
    void adversarialPointsAreAllowedAndOthersAreTheCleanImagesBitForBit(Ball ball) {
        Layer model = network(2);
        Dataset data = images(40, 4, 9);
        ThreatModel threat = large(ball);
        RobustnessResult result = evaluate(model, data, threat, 16, new Fgsm(), new Pgd(PgdOptions.DEFAULT));
        float[] x = new float[data.size() * SHAPE.values()];
        for (int i = 0; i < data.size(); i++) {
            data.image(i, x, i * SHAPE.values());
            boolean fooled = result.fooledBy()[i] >= 0;
            double distance = threat.distance(x, result.adversarial(), i * SHAPE.values(), SHAPE.values());
            assertTrue(threat.allows(x, result.adversarial(), i * SHAPE.values(), SHAPE.values()));
            assertEquals(fooled, distance > 0, "image " + i);
            assertEquals(fooled || result.fooledBy()[i] == RobustnessResult.CLEAN_ERROR, result.predictions()[i] != data.label(i));
        }
        assertEquals(0, result.rejected(), "no attack leaves the ball or the box");
        assertEquals(result.n(), data.size());
        assertTrue(result.robustCorrect() <= result.cleanCorrect());
    }

    @ParameterizedTest
    @EnumSource(Ball.class)
    void epsZeroFoolsNobody(Ball ball) {
        RobustnessResult result = evaluate(network(2), images(20, 4, 1), new ThreatModel(ball, 0f), 8, new Fgsm(),
                new Pgd(PgdOptions.DEFAULT));
        assertEquals(result.cleanCorrect(), result.robustCorrect());
    }

    @ParameterizedTest
    @EnumSource(Ball.class)
    void epsZeroGivesTheCleanImagesExactly(Ball ball) {
        Dataset data = images(6, 4, 1);
        try (Device device = Device.scalar(1);
                Victim victim = new Victim(network(2), device, Shape.of(3, 4, 5), 4)) {
            for (Attack attack : List.of(new Fgsm(), new Pgd(PgdOptions.DEFAULT.withRestarts(2)))) {
                Points points = new Points(data, new int[] {0, 1, 2, 3, 4, 5});
                float[] clean = points.adversarial().clone();
                attack.run(victim, new ThreatModel(ball, 0f), points, 3);
                assertArrayEquals(clean, points.adversarial(), attack.name());
            }
        }
    }

    @Test
    void robustAccuracyNeverRisesWithEps() {
        Layer model = network(4);
        Dataset data = images(60, 4, 2);
        int previous = Integer.MAX_VALUE;
        int first = evaluate(model, data, new ThreatModel(Ball.LINF, 0f), 32, new Pgd(PgdOptions.DEFAULT)).robustCorrect();
        for (float eps : new float[] {0f, 0.01f, 0.03f, 0.1f, 0.5f}) {
            int robust = evaluate(model, data, new ThreatModel(Ball.LINF, eps), 32, new Pgd(PgdOptions.DEFAULT)).robustCorrect();
            assertTrue(robust <= previous, "eps " + eps);
            previous = robust;
        }
        assertTrue(previous < first, "the largest ball breaks some images");
    }

    @Test
    void moreRestartsKeepWhatFewerFound() {
        Layer model = network(2);
        Dataset data = images(40, 4, 9);
        ThreatModel threat = new ThreatModel(Ball.LINF, 0.25f);
        RobustnessResult one = evaluate(model, data, threat, 16, new Pgd(PgdOptions.DEFAULT.withIterations(3)));
        RobustnessResult three = evaluate(model, data, threat, 16, new Pgd(PgdOptions.DEFAULT.withIterations(3).withRestarts(3)));
        for (int i = 0; i < data.size(); i++) {
            assertFalse(one.fooledBy()[i] >= 0 && three.fooledBy()[i] < 0, "image " + i + " was fooled by the first run");
        }
        assertTrue(one.robustCorrect() < one.cleanCorrect(), "the attack does something");
    }

    /// The cross entropy of every image of the points that an attack gives.
    private static double[] losses(Layer model, Dataset data, ThreatModel threat, Attack attack) {
        int[] all = IntStream.range(0, data.size()).toArray();
        Points points = new Points(data, all);
        try (Device device = Device.scalar(1); Victim victim = new Victim(model, device, Shape.of(3, 4, 5), 16)) {
            attack.run(victim, threat, points, 7);
            int[] labels = IntStream.of(all).map(data::label).toArray();
            Dataset moved = Dataset.ofUnits("moved", SHAPE, data.classNames(), points.adversarial(), labels);
            try (Evaluator evaluator = new Evaluator(model, 16, device)) {
                float[] logits = evaluator.logits(moved).toArray();
                int classes = logits.length / labels.length;
                return IntStream.of(all).mapToDouble(i -> {
                    double sum = IntStream.range(0, classes).mapToDouble(k -> Math.exp(logits[i * classes + k])).sum();
                    return points.fooled(i) ? Double.POSITIVE_INFINITY : Math.log(sum) - logits[i * classes + labels[i]];
                }).toArray();
            }
        }
    }

    @Test
    void anImageThatNoRestartFooledKeepsThePointOfTheHighestLossOfAll() {
        Layer model = network(2);
        Dataset data = images(40, 4, 9);
        ThreatModel threat = new ThreatModel(Ball.LINF, 0.02f);
        PgdOptions options = PgdOptions.DEFAULT.withIterations(1).withStepSize(1e-3f);
        double[] one = losses(model, data, threat, new Pgd(options));
        double[] five = losses(model, data, threat, new Pgd(options.withRestarts(5)));
        for (int i = 0; i < one.length; i++) {
            assertTrue(five[i] >= one[i] - 1e-6, "image " + i + ": " + five[i] + " after " + one[i]);
        }
    }

    @Test
    void aTargetedAttackReachesItsTarget() {
        Layer model = linear(3, 8);
        Dataset data = images(30, 3, 4);
        RobustnessResult result = evaluate(model, data, new ThreatModel(Ball.LINF, 0.5f), 16,
                new Pgd(PgdOptions.DEFAULT.withTarget(label -> (label + 1) % 3)));
        int reached = 0;
        for (int i = 0; i < data.size(); i++) {
            if (result.fooledBy()[i] >= 0) {
                assertEquals((data.label(i) + 1) % 3, result.predictions()[i]);
                reached++;
            }
        }
        assertTrue(reached > 0);
    }

    @Test
    void theModelKeepsItsModeAndWeights() {
        Layer model = network(2);
        float[] before = model.stateDict().get("0.weight").toArray();
        float[] mean = model.stateDict().get("1.running_mean").toArray();
        model.train();
        evaluate(model, images(10, 4, 1), new ThreatModel(Ball.LINF, 0.1f), 4, new Pgd(PgdOptions.DEFAULT));
        assertTrue(model.isTraining());
        assertArrayEquals(before, model.stateDict().get("0.weight").toArray());
        assertArrayEquals(mean, model.stateDict().get("1.running_mean").toArray());
    }

    @Test
    void anAttackNeverComputesWeightGradients() {
        try (Device device = Device.scalar(1)) {
            new RobustnessEvaluation(List.of(new Pgd(PgdOptions.DEFAULT)), new ThreatModel(Ball.LINF, 0.1f), false, 8, 1)
                    .run(network(2), images(8, 4, 1), device, SILENT);
            assertTrue(device.calls("CONV2D_BACKWARD_INPUT") > 0);
            assertEquals(0, device.calls("CONV2D_BACKWARD_WEIGHT"));
            assertEquals(0, device.calls("BATCH_NORM_BACKWARD_PARAMETERS"));
        }
    }

    @Test
    void unusableSettingsAreRefusedWithAReason() {
        assertThrows(IllegalArgumentException.class, () -> new ThreatModel(Ball.LINF, Float.NaN));
        assertThrows(IllegalArgumentException.class, () -> new ThreatModel(Ball.L2, -1f));
        IllegalArgumentException exception = assertThrows(IllegalArgumentException.class, () -> new ThreatModel(Ball.LINF, 8f));
        assertTrue(exception.getMessage().contains("did you mean 8.0/255"), exception.getMessage());
        assertThrows(IllegalArgumentException.class, () -> PgdOptions.DEFAULT.withIterations(0));
        assertThrows(IllegalArgumentException.class, () -> PgdOptions.DEFAULT.withStepSize(0));
    }
}
