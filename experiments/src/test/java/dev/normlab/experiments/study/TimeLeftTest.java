package dev.normlab.experiments.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/// What is left of a study whose runs take a thousand seconds of work, by a clock that the test moves.
class TimeLeftTest {

    private static final List<PlannedRun> RUNS = StudyPlan.of(StudyConfig.of(ConfigTree.parse(StudyConfigTest.SMALL, "study.yaml"))).runs();
    /// Ninety epochs of ten and attacks like ten epochs more.
    private static final RelativeCost.Cost COST = new RelativeCost.Cost(90, 10, 100);

    private long nanos;
    private final TimeLeft left = new TimeLeft(() -> nanos);

    private void passes(double seconds) {
        nanos += Math.round(seconds * 1e9);
    }

    private void plan(int... epochs) {
        for (int i = 0; i < epochs.length; i++) {
            left.add(RUNS.get(i), COST, epochs[i]);
        }
    }

    private double seconds() {
        return left.seconds().orElse(Double.NaN);
    }

    @Test
    void nothingIsSaidBeforeTheFirstEpochAndThenTheRunsOwnPaceCounts() {
        plan(0, 0, 0);
        assertTrue(left.seconds().isEmpty());
        left.begin(RUNS.get(0), COST);
        left.trained(0);
        passes(10);
        left.trained(0.5);
        assertTrue(left.seconds().isEmpty(), "half an epoch is no pace");
        passes(10);
        left.trained(1);
        assertEquals(2 * (3000 - 10), seconds(), 1e-6, "two seconds for a unit of work");
        passes(5);
        assertEquals(2 * (3000 - 10) - 5, seconds(), 1e-6, "it counts down until the next step");
        passes(15);
        left.trained(2);
        assertEquals(2 * (3000 - 20), seconds(), 1e-6);
    }

    /// The first of 124 runs had been left at epoch 89 of 90: it ends in a minute, the others take hours.
    @Test
    void whatAnEarlierProcessDidIsNeitherLeftNorDoneByThisOne() {
        plan(89, 0, 50);
        left.begin(RUNS.get(0), COST);
        left.trained(89);
        passes(20);
        left.trained(90);
        assertEquals(2 * (100 + 1000 + 500), seconds(), 1e-6);
        left.attacked(0);
        passes(200);
        left.attacked(1);
        left.end(false);
        assertEquals(2 * (1000 + 500), seconds(), 1e-6);
    }

    @Test
    void anEpochAndAnAttackThatGoOnInTheirMiddleCountFromThere() {
        plan(0, 0);
        left.begin(RUNS.get(0), COST);
        left.trained(0.9);
        passes(1);
        left.trained(1);
        assertTrue(left.seconds().isEmpty(), "a tenth of an epoch is no pace");
        passes(10);
        left.trained(2);
        assertEquals(1000 - 20 + 1000, seconds(), 1e-6);
        left.end(true);
        left.begin(RUNS.get(1), COST);
        left.trained(90);
        left.attacked(0.8);
        assertEquals(980 + 20, seconds(), 1e-6, "at the pace of the run before: this has none of its own yet");
        passes(60);
        left.attacked(1);
        assertEquals((11.0 + 60) / (11 + 20) * 980, seconds(), 1e-6);
    }

    @Test
    void aRunUnderWayGoesOnAtItsOwnPaceAndTheOthersAtThatOfAll() {
        plan(0, 0, 0);
        left.begin(RUNS.get(0), COST);
        left.trained(0);
        passes(800);
        left.trained(90);
        left.attacked(0);
        passes(200);
        left.attacked(1);
        left.end(false);
        assertEquals(2000, seconds(), 1e-6);
        left.begin(RUNS.get(1), COST);
        left.trained(0);
        passes(900);
        left.trained(30);
        assertEquals(3.0 * 700 + 1900.0 / 1300 * 1000, seconds(), 1e-6);
    }

    @Test
    void aRunThatFailsOrIsAnothersGivesNoPaceAndOnlyTheLatterIsLeft() {
        plan(0, 0, 0);
        left.begin(RUNS.get(0), COST);
        left.trained(0);
        passes(10);
        left.trained(1);
        left.end(false); // diverged in its second epoch
        assertEquals(2000, seconds(), 1e-6, "it is credited the epoch that it did");
        passes(500); // waiting is no work
        left.begin(RUNS.get(1), COST);
        left.end(true);
        assertEquals(2000, seconds(), 1e-6);
        left.begin(RUNS.get(2), COST);
        left.end(false);
        assertEquals(1000, seconds(), 1e-6);
    }
}
