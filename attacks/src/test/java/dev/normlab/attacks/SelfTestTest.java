package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
            }
        }
    }
}
