package dev.normlab.experiments.stats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class MeanEstimateTest {

    @Test
    void anIntervalIsStudentsT() {
        MeanEstimate estimate = MeanEstimate.of(1, 2, 3);
        assertEquals(2, estimate.mean());
        assertEquals(4.302652729911275 / Math.sqrt(3), estimate.halfWidth(), 1e-9);
        assertTrue(estimate.hasInterval());
        assertFalse(MeanEstimate.of(1).hasInterval());
    }

    @Test
    void equalValuesAreNoCertainty() {
        MeanEstimate same = MeanEstimate.of(0.8, 0.8, 0.8);
        assertFalse(same.hasInterval());
        assertEquals(0, same.error());
        MeanEstimate difference = same.minus(MeanEstimate.of(0.7, 0.7));
        assertEquals(0.1, difference.mean(), 1e-15);
        assertFalse(difference.hasInterval());
        assertFalse(difference.isApartFromZero(), "two samples without spread say nothing about chance");
        MeanEstimate one = same.minus(MeanEstimate.of(0.1, 0.11, 0.12));
        assertTrue(one.hasInterval() && one.isApartFromZero(), "the spread of one of them is an estimate");
    }

    @Test
    void whatRoundingLeavesIsNoDifference() {
        MeanEstimate difference = MeanEstimate.of(0.1 + 0.2).minus(MeanEstimate.of(0.3));
        assertEquals(0, difference.mean());
        assertEquals(2e-12, MeanEstimate.of(2e-12).minus(MeanEstimate.of(0.0)).mean());
    }
}
