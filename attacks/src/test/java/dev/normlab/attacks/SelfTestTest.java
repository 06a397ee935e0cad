package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import java.util.List;
import org.junit.jupiter.api.Test;

class SelfTestTest {

    @Test
    void everyAttackInEveryNormHoldsAgainstTheClosedForm() {
        try (Device device = Device.scalar(2)) {
            List<SelfTest.Row> rows = new SelfTest(device, 0).run();
            assertEquals(ThreatModel.Ball.values().length * AttackList.ATTACKS.size(), rows.size());
            for (SelfTest.Row row : rows) {
                assertTrue(row.holds(), row.toString());
                assertTrue(row.exactRobust() > row.images() / 5 && row.exactRobust() < row.images() * 4 / 5, row.toString());
                assertTrue(row.robust() < row.images(), "the attack does something: " + row);
                assertTrue(row.mostRobust() >= row.exactRobust() && row.mostRobust() < row.images(), row.toString());
            }
        }
    }

    /// The fast method under another name, or nothing at all.
    private record Weak(String name, boolean idle) implements Attack {

        @Override
        public Passes passes(ThreatModel threat, int classes) {
            return idle ? Passes.NONE : new Fgsm().passes(threat, classes);
        }

        @Override
        public void run(Victim victim, ThreatModel threat, Points points, long seed) {
            if (!idle) {
                new Fgsm().run(victim, threat, points, seed);
            }
        }
    }

    @Test
    void attacksThatFindTooLittleDoNotHold() {
        try (Device device = Device.scalar(2)) {
            SelfTest test = new SelfTest(device, 0);
            for (ThreatModel.Ball ball : ThreatModel.Ball.values()) {
                for (String name : AttackList.ATTACKS) {
                    SelfTest.Row row = test.row(ball, new Weak(name, true));
                    assertFalse(row.holds(), row.toString());
                    assertEquals(row.images(), row.robust());
                }
                for (String name : List.of("apgd-t", "fab", "fab-t")) {
                    SelfTest.Row row = test.row(ball, new Weak(name, false));
                    assertFalse(row.holds(), row.toString());
                }
            }
        }
    }
}
