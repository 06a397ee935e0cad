package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.Rechecks;
import dev.normlab.attacks.RobustnessResult;
import dev.normlab.attacks.ThreatModel;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class AttackReportTest {

    private static final int IMAGES = 4;

    private static AttackReport report(ThreatModel threat, int right) {
        int[] fooledBy = new int[IMAGES];
        Arrays.fill(fooledBy, 0, right, RobustnessResult.ROBUST);
        Arrays.fill(fooledBy, right, IMAGES, RobustnessResult.CLEAN_ERROR);
        RobustnessResult result = new RobustnessResult(IMAGES, right, right,
                List.of(new RobustnessResult.AttackResult("fgsm", right, 0, right, 1, right, right, 0, 0, true)), new float[IMAGES],
                new int[IMAGES], new int[IMAGES], fooledBy, new double[IMAGES], 0, new Rechecks(0, 0, 0), List.of());
        return new AttackReport(threat, false, List.of("fgsm"), result, Optional.empty(), Optional.empty(), List.of());
    }

    @Test
    void aReportBeginsWithTheSizeAsPeopleWriteIt() {
        assertEquals("linf eps 8/255: 4 images", report(new ThreatModel(ThreatModel.Ball.LINF, 8 / 255f), 2).lines().getFirst());
        assertEquals("l2 eps 0.5: 4 images", report(new ThreatModel(ThreatModel.Ball.L2, .5f), 2).lines().getFirst());
    }

    @Test
    void whereNoImageIsRightTheReportSaysThatNothingWasAttacked() {
        ThreatModel threat = new ThreatModel(ThreatModel.Ball.LINF, 8 / 255f);
        AttackReport empty = report(threat, 0);
        assertTrue(empty.lines().getLast().startsWith("  warning: the model gets no image right"), empty.lines().getLast());
        assertEquals(1, ((List<?>) empty.json().get("warnings")).size());
        assertEquals(List.of(), report(threat, 1).json().get("warnings"));
    }
}
