package dev.normlab.experiments.stats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProportionTest {

    /// The score intervals of R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998),
    /// table I, method 3.
    @ParameterizedTest
    @CsvSource({"81, 263, 0.2553, 0.3662", "15, 148, 0.0624, 0.1605", "0, 20, 0.0000, 0.1611", "1, 29, 0.0061, 0.1718"})
    void wilsonIntervalsAgreeWithNewcombesTable(long successes, long trials, double low, double high) {
        Interval interval = new Proportion(successes, trials).wilson95();
        assertEquals(low, interval.low(), 5e-5);
        assertEquals(high, interval.high(), 5e-5);
    }

    @Test
    void theEndsOfTheIntervalAreZStandardErrorsFromTheObservedFraction() {
        Proportion proportion = new Proportion(187, 1000);
        Interval interval = proportion.wilson(2.5);
        for (double p : new double[] {interval.low(), interval.high()}) {
            assertEquals(2.5, Math.abs(proportion.fraction() - p) / Math.sqrt(p * (1 - p) / 1000), 1e-9);
        }
    }

    @Test
    void failuresMirrorSuccesses() {
        Interval few = new Proportion(3, 40).wilson95();
        Interval many = new Proportion(37, 40).wilson95();
        assertEquals(few.low(), 1 - many.high(), 1e-12);
        assertEquals(few.high(), 1 - many.low(), 1e-12);
    }

    @Test
    void allOrNoSuccessesReachTheEndExactly() {
        assertEquals(0.0, new Proportion(0, 7).wilson95().low());
        assertEquals(1.0, new Proportion(7, 7).wilson95().high());
        assertTrue(new Proportion(7, 7).wilson95().low() < 1);
    }

    @Test
    void impossibleCountsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Proportion(0, 0));
        assertThrows(IllegalArgumentException.class, () -> new Proportion(-1, 5));
        assertThrows(IllegalArgumentException.class, () -> new Proportion(6, 5));
        assertThrows(IllegalArgumentException.class, () -> new Proportion(1, 5).wilson(0));
    }

    @Test
    void intervalsOverlapWhenTheyShareAPoint() {
        assertTrue(new Interval(0, 1).overlaps(new Interval(1, 2)));
        assertFalse(new Interval(0, 1).overlaps(new Interval(1.1, 2)));
        assertThrows(IllegalArgumentException.class, () -> new Interval(2, 1));
    }
}
