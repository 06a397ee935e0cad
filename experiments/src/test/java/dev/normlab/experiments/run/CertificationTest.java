package dev.normlab.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.AttackList;
import dev.normlab.attacks.LinearOracle;
import dev.normlab.attacks.RobustnessEvaluation;
import dev.normlab.attacks.RobustnessResult;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.attacks.Victim;
import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.experiments.store.RunResult.AttackScore;
import dev.normlab.lip.norm.NormException;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CertificationTest {

    private static final ImageShape SHAPE = new ImageShape(2, 4, 5);
    private static final int N = 30;

    private static Layer linear() {
        return new Sequential(new Flatten(), new Linear(SHAPE.values(), 3, true)).initialize(2);
    }

    private static Layer network() {
        return new Sequential(new Conv2d(2, 4, 3, 1, 1, true), new BatchNorm2d(4), new ReLU(), new Conv2d(4, 6, 3, 2, 1, true), new ReLU(),
                new Flatten(), new Linear(36, 3, true)).initialize(2);
    }

    /// Uniform images with the classes that a model gives them.
    private static Dataset images(Layer model) {
        float[] values = new float[N * SHAPE.values()];
        RandomStream.of(6, "certified images").fillUniform(values, 0, 1);
        try (Device device = Device.scalar(1);
                Victim victim = new Victim(model, device, Shape.of(SHAPE.channels(), SHAPE.height(), SHAPE.width()), N)) {
            return Dataset.ofUnits("images", SHAPE, List.of("a", "b", "c"), values, victim.predict(values));
        }
    }

    private static Certification certify(Layer model, Dataset data, int batchSize) {
        try (Device device = Device.scalar(1)) {
            return Certification.of(model, data, batchSize, device);
        }
    }

    @ParameterizedTest
    @EnumSource(Ball.class)
    void forALinearModelTheRadiusIsTheDistanceToTheNearestBoundary(Ball ball) {
        Layer model = linear();
        Dataset data = images(model);
        Certification certificate = certify(model, data, 7);
        Linear linear = (Linear) model.namedLayers().get("1");
        LinearOracle oracle = new LinearOracle(linear);
        float[] x = new float[SHAPE.values()];
        for (int i = 0; i < N; i++) {
            data.image(i, x, 0);
            double radius = certificate.radius(ball, i);
            // the box can only make the way longer
            assertTrue(radius <= oracle.distance(ball, x, data.label(i)), ball + ", image " + i);
            double exact = withoutBox(linear, ball, x, data.label(i));
            assertTrue(radius <= exact, ball + ", image " + i + ": " + radius + " beyond " + exact);
            // 1e-4 of the largest logit is kept back
            assertEquals(exact, radius, .01 * exact + 1e-3, ball + ", image " + i);
        }
    }

    /// The least margin per dual norm of the difference of rows.
    private static double withoutBox(Linear linear, Ball ball, float[] x, int label) {
        float[] w = linear.weight().tensor().toArray();
        float[] b = linear.bias().orElseThrow().tensor().toArray();
        double least = Double.POSITIVE_INFINITY;
        for (int k = 0; k < 3; k++) {
            double margin = (double) b[label] - b[k];
            double largest = 0;
            double squares = 0;
            double sum = 0;
            for (int j = 0; j < x.length; j++) {
                double difference = (double) w[label * x.length + j] - w[k * x.length + j];
                margin += difference * x[j];
                largest = Math.max(largest, Math.abs(difference));
                squares += difference * difference;
                sum += Math.abs(difference);
            }
            double dual = ball == Ball.LINF ? sum : ball == Ball.L2 ? Math.sqrt(squares) : largest;
            least = k == label ? least : Math.min(least, margin / dual);
        }
        return least;
    }

    @ParameterizedTest
    @EnumSource(Ball.class)
    void noAttackFoolsAnImageWithinItsCertifiedRadius(Ball ball) {
        Layer model = network();
        Dataset data = images(model);
        Certification certificate = certify(model, data, 8);
        double[] radii = certificate.radii(ball);
        double[] sorted = Arrays.stream(radii).sorted().toArray();
        assertTrue(sorted[N / 4] > 0, "most images have a radius");
        AttackList.Settings settings = new AttackList.Settings(AttackList.Settings.DEFAULT.pgd(), OptionalInt.of(30), OptionalInt.empty(),
                OptionalInt.empty(), OptionalInt.of(200), OptionalInt.empty());
        int fooled = 0;
        for (double factor : new double[] {1, 20, 60}) {
            ThreatModel threat = new ThreatModel(ball, (float) Math.min(factor * sorted[N / 2], ball == Ball.LINF ? 1 : 1e9));
            assertTrue(factor > 1 || certificate.certified(ball, Math.nextDown(threat.eps())) >= N / 3,
                    "small networks have certified accuracy");
            RobustnessResult result;
            try (Device device = Device.scalar(2)) {
                result = new RobustnessEvaluation(AttackList.of(List.of("standard", "pgd", "fgsm"), ball, settings), threat, true, 16, 3)
                        .run(model, data, device, (name, images, done) -> {
                        });
            }
            for (int i = 0; i < N; i++) {
                assertTrue(radii[i] <= threat.eps() || result.fooledBy()[i] < 0,
                        "image " + i + " of radius " + radii[i] + " at " + threat.eps());
            }
            assertEquals(0, certificate.contradictions(result, ball));
            assertTrue(certificate.certified(ball, threat.eps()) <= result.robustCorrect());
            fooled += result.cleanCorrect() - result.robustCorrect();
        }
        assertTrue(fooled > 0, "the attacks do something");
    }

    @Test
    void aFooledImageWithinItsRadiusIsAContradiction() {
        Layer model = linear();
        Dataset data = images(model);
        Certification certificate = certify(model, data, N);
        RobustnessResult result;
        try (Device device = Device.scalar(1)) {
            result = new RobustnessEvaluation(AttackList.of(List.of("fab"), Ball.L2, AttackList.Settings.DEFAULT),
                    new ThreatModel(Ball.L2, 9), false,
                    16, 3).run(model, data, device, (name, images, done) -> {
                    });
        }
        assertEquals(N, result.cleanCorrect() - result.robustCorrect());
        double[] halved = Arrays.stream(result.distances()).map(distance -> distance / 2).toArray();
        RobustnessResult wrong = new RobustnessResult(result.n(), result.cleanCorrect(), result.robustCorrect(), result.attacks(),
                result.adversarial(),
                result.labels(), result.predictions(), result.fooledBy(), halved, 0, result.rechecks(), List.of());
        assertEquals(0, certificate.contradictions(result, Ball.L2));
        assertTrue(certificate.contradictions(wrong, Ball.L2) > 0);
    }

    @Test
    void wrongImagesAndNumbersThatAreNoneHaveNoRadius() {
        Layer model = network();
        Dataset right = images(model);
        float[] values = new float[N * SHAPE.values()];
        IntStream.range(0, N).forEach(i -> right.image(i, values, i * SHAPE.values()));
        int[] wrongLabels = IntStream.range(0, N).map(i -> (right.label(i) + 1) % 3).toArray();
        Dataset wrong = Dataset.ofUnits("wrong", SHAPE, List.of("a", "b", "c"), values, wrongLabels);
        Certification nothing = certify(model, wrong, 4);
        assertEquals(0, nothing.largestRadius(Ball.LINF));
        assertEquals(0, nothing.medianRadius(Ball.LINF));
        assertEquals("no image has a certified radius", nothing.verdict(Ball.LINF, .1));
        float[] bias = {Float.NaN, 0, 0};
        model.namedParameters().get("6.bias").set(bias);
        assertEquals(0, certify(model, right, 4).largestRadius(Ball.L2));
    }

    @Test
    void radiiInOneNormGiveRadiiInTheOthersAndNothingDependsOnTheBatch() {
        Layer model = network();
        Dataset data = images(model);
        Certification certificate = certify(model, data, 7);
        double d = SHAPE.values();
        for (int i = 0; i < N; i++) {
            double rinf = certificate.radius(Ball.LINF, i);
            double r2 = certificate.radius(Ball.L2, i);
            double r1 = certificate.radius(Ball.L1, i);
            assertTrue(r1 >= r2 && r2 >= rinf && rinf >= r2 / Math.sqrt(d) * (1 - 1e-12) && r2 >= r1 / Math.sqrt(d) * (1 - 1e-12));
        }
        assertEquals(Arrays.toString(certificate.radii(Ball.L2)), Arrays.toString(certify(model, data, 100).radii(Ball.L2)));
        assertTrue(model.isTraining(), "the mode is brought back");
    }

    @Test
    void theVerdictSaysHowVacuousACertificateIs() {
        Layer model = network();
        Certification certificate = certify(model, images(model), 7);
        double median = certificate.medianRadius(Ball.LINF);
        String vacuous = certificate.verdict(Ball.LINF, 1000 * median);
        assertTrue(vacuous.contains("eps is 1.00e+03 times the median, so that the certificate is vacuous here"), vacuous);
        assertTrue(!certificate.verdict(Ball.LINF, median / 2).contains("eps is"));
        double[] radii = Arrays.stream(certificate.radii(Ball.LINF)).filter(radius -> radius > 0).toArray();
        assertTrue(Arrays.stream(radii).filter(radius -> radius >= median).count() >= (radii.length + 1) / 2);
        assertTrue(vacuous.startsWith(radii.length + " of 30 images have a certified linf radius above 0, half of them one of at least"),
                vacuous);
        List<AttackScore> scores = AttackScores.certified(new ThreatModel(Ball.LINF, .5f), certificate, N, 1);
        assertEquals(List.of("certified", "certified"), scores.stream().map(AttackScore::name).toList());
        assertEquals(0, scores.getFirst().correct());
        assertTrue(scores.getLast().correct() >= N / 4 && scores.getLast().eps() < .5);
    }

    @Test
    void theVerdictCountsOnlyImagesThatHaveARadius() {
        Layer model = linear();
        Dataset right = images(model);
        float[] values = new float[N * SHAPE.values()];
        IntStream.range(0, N).forEach(i -> right.image(i, values, i * SHAPE.values()));
        int[] labels = IntStream.range(0, N).map(i -> i < 20 ? (right.label(i) + 1) % 3 : right.label(i)).toArray();
        Dataset mostlyWrong = Dataset.ofUnits("mostly wrong", SHAPE, List.of("a", "b", "c"), values, labels);
        String verdict = certify(model, mostlyWrong, 4).verdict(Ball.L2, 1e-6);
        assertTrue(verdict.matches("(\\d|10) of 30 images have a certified l2 radius above 0, .*"), verdict);
    }

    @Test
    void aNetworkWithoutABoundIsRefused() {
        Layer inner = network();
        Layer model = new Layer() {
            private final Layer child = child("inner", inner);

            @Override
            protected Tensor compute(Tape tape, Tensor x) {
                return Arithmetic.exp(tape, child.forward(tape, x));
            }
        };
        Dataset data = images(inner);
        assertThrows(NormException.class, () -> certify(model, data, 4));
    }
}
