package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.engine.kernel.Device;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Layer;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What attacks say beforehand of their passes is what they count.
class PassesTest {

    private static final int IMAGES = 5;
    private static final int CLASSES = 4;

    private static AttackList.Settings settings(int steps, int restarts, int targets, int queries) {
        return new AttackList.Settings(PgdOptions.DEFAULT.withIterations(steps).withRestarts(restarts), OptionalInt.of(steps),
                OptionalInt.of(restarts), OptionalInt.of(targets), OptionalInt.of(queries), OptionalInt.empty());
    }

    private static RobustnessResult evaluate(List<Attack> attacks, ThreatModel threat) {
        Layer model = TestDevice.SCALAR.network();
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, IMAGES, CLASSES, 4);
        try (Device device = TestDevice.SCALAR.open(1)) {
            return new RobustnessEvaluation(attacks, threat, true, 3, 1).run(model, data, device, (_, _, _) -> {
            });
        }
    }

    /// Two targets, and more of them than the model has wrong classes.
    @ParameterizedTest
    @EnumSource
    void anImageThatIsNotFooledTakesThePassesThatTheAttackSays(Ball ball) {
        ThreatModel threat = new ThreatModel(ball, 1e-6f);
        List<Attack> attacks = Stream.of(settings(5, 1, 2, 7), settings(4, 2, 9, 3))
                .flatMap(settings -> AttackList.of(Stream.concat(AttackList.ATTACKS.stream(), Stream.of("rand")).toList(), ball, settings)
                        .stream())
                .toList();
        RobustnessResult result = evaluate(attacks, threat);
        assertEquals(IMAGES, result.robustCorrect(), "nobody is fooled");
        for (int i = 0; i < attacks.size(); i++) {
            Passes passes = attacks.get(i).passes(threat, CLASSES);
            RobustnessResult.AttackResult counted = result.attacks().get(i);
            assertEquals(IMAGES * passes.forward(), counted.forwardPasses(), counted.name());
            assertEquals(IMAGES * passes.backward(), counted.backwardPasses(), counted.name());
        }
    }

    @Test
    void anImageThatIsFooledTakesAtMostAsMany() {
        ThreatModel threat = new ThreatModel(Ball.LINF, 0.3f);
        List<Attack> attacks = AttackList.of(AttackList.ATTACKS, Ball.LINF, settings(5, 2, 3, 20));
        RobustnessResult result = evaluate(attacks, threat);
        assertTrue(result.robustCorrect() < IMAGES, "somebody is fooled");
        for (int i = 0; i < attacks.size(); i++) {
            Passes passes = attacks.get(i).passes(threat, CLASSES);
            RobustnessResult.AttackResult counted = result.attacks().get(i);
            assertTrue(counted.forwardPasses() <= IMAGES * passes.forward(), counted.name());
            assertTrue(counted.backwardPasses() <= IMAGES * passes.backward(), counted.name());
        }
    }

    @Test
    void ensemblesTakeThePassesOfTheirAttacks() {
        ThreatModel threat = new ThreatModel(Ball.LINF, 8 / 255f);
        // APGD-CE once, APGD-T and FAB-T for nine targets, Square
        assertEquals(new Passes(101 + 9 * 101 + 9 * 200 + 5000, 101 + 9 * 101 + 9 * 100),
                AttackList.of(List.of("standard"), Ball.LINF, AttackList.Settings.DEFAULT).stream()
                        .map(attack -> attack.passes(threat, 10)).reduce(Passes.NONE, Passes::plus));
    }
}
