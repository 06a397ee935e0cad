package dev.normlab.attacks;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/// Tries every attack on a linear model, where the exact answer is known in closed form ([LinearOracle]), and says how close each comes to
/// it.
///
/// The radius lies in the middle of the images' exact distances. No attack can leave fewer images robust than are, and none may be too
/// weak: of the images that can be fooled
///
/// - APGD-T, FAB, FAB-T and so any ensemble with one of them fool all in linf and l2, and in l1 all nearer than the radius divided by 1.15;
/// - APGD on the other losses, and FGSM and PGD in linf and l2, at least half;
/// - Square, and FGSM and PGD in l1, where they move few values, at least a tenth.
///
/// The length of FAB's perturbations is compared with the exact distance: at least 1, at most 1.02 (linf), 1.03 (l2) and 1.15 (l1) times as
/// long.
public final class SelfTest {

    private static final ImageShape SHAPE = new ImageShape(3, 8, 8);
    private static final int CLASSES = 5;
    private static final int IMAGES = 96;
    private static final double ROUNDING = 1e-5;
    private static final double HALF = 0.5;
    private static final double TENTH = 0.1;

    private final Device device;
    private final long seed;
    private final Sequential model;
    private final LinearOracle oracle;
    private final Dataset data;

    /// What came of one attack.
    ///
    /// @param ball        the norm
    /// @param attack      its name
    /// @param eps         the radius
    /// @param images      all of which are right without an attack
    /// @param exactRobust images that are robust
    /// @param mostRobust  images that an attack of this kind may leave robust
    /// @param robust      images that the attack did not fool
    /// @param ratio       the largest ratio of a perturbation to the smallest there is; for FAB only
    /// @param holds       whether that is as it must be
    public record Row(ThreatModel.Ball ball, String attack, float eps, int images, int exactRobust, int mostRobust, int robust,
            Optional<Double> ratio, boolean holds) {}

    /// A test on a device.
    ///
    /// @param device where to compute
    /// @param seed   of the weights, the images and the attacks
    public SelfTest(Device device, long seed) {
        this.device = device;
        this.seed = seed;
        Linear linear = new Linear(SHAPE.values(), CLASSES, true);
        this.model = new Sequential(new Flatten(), linear);
        model.initialize(seed);
        this.oracle = new LinearOracle(linear);
        this.data = images();
    }

    /// Uniform images with the classes that the model gives them.
    private Dataset images() {
        float[] values = new float[IMAGES * SHAPE.values()];
        RandomStream.of(seed, "self-test images").fillUniform(values, 0, 1);
        int[] labels;
        try (Victim victim = new Victim(model, device, Shape.of(SHAPE.channels(), SHAPE.height(), SHAPE.width()), IMAGES)) {
            labels = victim.predict(values);
        }
        return Dataset.ofUnits("self-test", SHAPE, IntStream.range(0, CLASSES).mapToObj(Integer::toString).toList(), values, labels);
    }

    /// Runs all attacks in all norms.
    public List<Row> run() {
        List<Row> rows = new ArrayList<>();
        for (ThreatModel.Ball ball : ThreatModel.Ball.values()) {
            for (Attack attack : AttackList.of(AttackList.ATTACKS, ball, settings())) {
                rows.add(row(ball, attack));
            }
        }
        return rows;
    }

    private static AttackList.Settings settings() {
        AttackList.Settings all = AttackList.Settings.DEFAULT;
        return new AttackList.Settings(all.pgd(), all.iterations(), all.restarts(), all.targets(), OptionalInt.of(300), all.draws());
    }

    /// Runs an attack in a norm; its name says what it must achieve.
    Row row(ThreatModel.Ball ball, Attack attack) {
        double[] distances = distances(ball);
        float eps = middle(distances);
        RobustnessResult result = evaluate(attack, new ThreatModel(ball, eps));
        int exact = beyond(distances, eps);
        int most = mostRobust(ball, attack.name(), eps, distances);
        boolean counts = result.rejected() == 0 && result.robustCorrect() >= exact && result.robustCorrect() <= most;
        if (!(attack instanceof Fab)) {
            return new Row(ball, attack.name(), eps, IMAGES, exact, most, result.robustCorrect(), Optional.empty(), counts);
        }
        double largest = 0;
        double least = Double.POSITIVE_INFINITY;
        RobustnessResult everything = evaluate(attack, new ThreatModel(ball, ball == ThreatModel.Ball.LINF ? 1 : SHAPE.values()));
        for (int i = 0; i < IMAGES; i++) {
            double ratio = everything.fooledBy()[i] >= 0 ? everything.distances()[i] / distances[i] : Double.POSITIVE_INFINITY;
            largest = Math.max(largest, ratio);
            least = Math.min(least, ratio);
        }
        // the targeted attack stops at its first target here, which need not be the nearest
        boolean lengths = least >= 1 - ROUNDING && (attack.name().equals("fab-t") || largest <= longest(ball));
        return new Row(ball, attack.name(), eps, IMAGES, exact, most, result.robustCorrect(), Optional.of(largest), counts && lengths);
    }

    private static int beyond(double[] distances, double eps) {
        return (int) Arrays.stream(distances).filter(distance -> distance > eps).count();
    }

    private static int mostRobust(ThreatModel.Ball ball, String attack, double eps, double[] distances) {
        int exact = beyond(distances, eps);
        boolean l1 = ball == ThreatModel.Ball.L1;
        double most = switch (attack) {
            case "apgd-t", "fab", "fab-t" -> l1 ? beyond(distances, eps / longest(ball)) : exact;
            case "square" -> IMAGES - TENTH * (IMAGES - exact);
            case "fgsm", "pgd" -> IMAGES - (l1 ? TENTH : HALF) * (IMAGES - exact);
            default -> IMAGES - HALF * (IMAGES - exact);
        };
        return (int) most;
    }

    /// How many times as long as the shortest perturbation the longest one of FAB may be.
    private static double longest(ThreatModel.Ball ball) {
        return switch (ball) {
            case LINF -> 1.02;
            case L2 -> 1.03;
            case L1 -> 1.15;
        };
    }

    private RobustnessResult evaluate(Attack attack, ThreatModel threat) {
        return new RobustnessEvaluation(List.of(attack), threat, false, IMAGES, seed).run(model, data, device, (name, images, result) -> {
        });
    }

    private double[] distances(ThreatModel.Ball ball) {
        float[] image = new float[SHAPE.values()];
        return IntStream.range(0, IMAGES).mapToDouble(i -> {
            data.image(i, image, 0);
            return oracle.distance(ball, image, data.label(i));
        }).toArray();
    }

    /// The middle of the widest gap between two distances in the middle third, so that no image is on the edge.
    private static float middle(double[] distances) {
        double[] sorted = distances.clone();
        Arrays.sort(sorted);
        int widest = sorted.length / 2;
        for (int i = sorted.length / 3; i < 2 * sorted.length / 3; i++) {
            widest = sorted[i + 1] - sorted[i] > sorted[widest + 1] - sorted[widest] ? i : widest;
        }
        return (float) ((sorted[widest] + sorted[widest + 1]) / 2);
    }
}
