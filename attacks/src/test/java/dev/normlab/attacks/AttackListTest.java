package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.ApgdOptions.Variant;
import dev.normlab.attacks.ThreatModel.Ball;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The ensembles of AutoAttack, number for number.
class AttackListTest {

    private static final String SQUARE = "square: " + new SquareOptions(5000, 1, .8);
    private static final String FAB_T = "fab-t: " + new FabOptions(true, 100, 1, 9, .1, 1.05, .9, false);
    private static final String FAB = "fab: " + new FabOptions(false, 100, 5, 9, .1, 1.05, .9, false);
    private static final String APGD_T = apgd(Variant.TARGETED, 1, 9, 1, false);

    private static String apgd(Variant variant, int restarts, int targets, int draws, boolean largeFirst) {
        return variant.attack() + ": " + new ApgdOptions(variant, 100, restarts, targets, .75f, draws, largeFirst);
    }

    private static List<String> settings(Ball ball, AttackList.Settings settings, String... names) {
        return AttackList.of(List.of(names), ball, settings).stream().map(attack -> attack.name() + ": " + attack.settings()).toList();
    }

    private static List<String> settings(Ball ball, String... names) {
        return settings(ball, AttackList.Settings.DEFAULT, names);
    }

    @ParameterizedTest
    @EnumSource(value = Ball.class, names = {"LINF", "L2"})
    void standardIsThatOfThePaper(Ball ball) {
        assertEquals(List.of(apgd(Variant.CE, 1, 9, 1, false), APGD_T, FAB_T, SQUARE), settings(ball, "standard"));
    }

    @Test
    void standardInL1HasMoreRestartsFewerTargetsAndLargerRadiiAtFirst() {
        assertEquals(List.of(apgd(Variant.CE, 5, 9, 1, true), apgd(Variant.TARGETED, 1, 5, 1, true), FAB_T, SQUARE),
                settings(Ball.L1, "standard"));
    }

    @ParameterizedTest
    @EnumSource(Ball.class)
    void plusAndRandAreTheSameInEveryNorm(Ball ball) {
        List<String> plus = List.of(apgd(Variant.CE, 5, 9, 1, false), apgd(Variant.DLR, 5, 9, 1, false), FAB, SQUARE, APGD_T, FAB_T);
        assertEquals(plus, settings(ball, "plus"));
        assertEquals(plus, settings(ball, "apgd-ce", "apgd-dlr", "fab", "square", "apgd-t", "fab-t"));
        assertEquals(List.of(apgd(Variant.CE, 1, 9, 20, false), apgd(Variant.DLR, 1, 9, 20, false)), settings(ball, "rand"));
    }

    @Test
    void whatIsSaidReplacesEveryDefault() {
        AttackList.Settings said = new AttackList.Settings(PgdOptions.DEFAULT, OptionalInt.of(7), OptionalInt.of(2), OptionalInt.of(3),
                OptionalInt.of(11), OptionalInt.of(4));
        for (Ball ball : Ball.values()) {
            boolean large = ball == Ball.L1;
            assertEquals(
                    List.of("apgd-ce: " + new ApgdOptions(Variant.CE, 7, 2, 3, .75f, 4, large),
                            "apgd-t: " + new ApgdOptions(Variant.TARGETED, 7, 2, 3, .75f, 4, large),
                            "fab-t: " + new FabOptions(true, 7, 2, 3, .1, 1.05, .9, false), "square: " + new SquareOptions(11, 2, .8)),
                    settings(ball, said, "standard"));
            assertEquals(Stream.of(Variant.CE, Variant.DLR)
                    .map(variant -> variant.attack() + ": " + new ApgdOptions(variant, 7, 2, 3, .75f, 4, false)).toList(),
                    settings(ball, said, "rand"));
        }
    }

    @Test
    void anUnknownNameIsRefusedWithTheKnownOnes() {
        String message = assertThrows(IllegalArgumentException.class, () -> settings(Ball.L2, "apgd")).getMessage();
        assertTrue(message.contains("'apgd'") && message.contains("apgd-t") && message.contains("standard"), message);
    }
}
