package dev.normlab.experiments.stats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class SampleTest {

    /// The deciles and quartiles are those that NumPy's `quantile` gives.
    @Test
    void quantilesInterpolateBetweenOrderStatistics() {
        Sample sample = Sample.of(15, 20, 35, 40, 50);
        assertEquals(15, sample.quantile(0));
        assertEquals(17, sample.quantile(0.1), 1e-12);
        assertEquals(20, sample.quantile(0.25), 1e-12);
        assertEquals(29, sample.quantile(0.4), 1e-12);
        assertEquals(50, sample.quantile(1));
    }

    @Test
    void medianMeanAndDeviationDoNotDependOnTheOrder() {
        Sample sample = Sample.of(9, 2, 4, 7, 4, 5, 5, 4);
        assertEquals(4.5, sample.median());
        assertEquals(5, sample.mean());
        assertEquals(Math.sqrt(32.0 / 7), sample.standardDeviation(), 1e-12);
    }

    @Test
    void equalValuesHaveExactlyNoSpread() {
        assertEquals(0.0, Sample.of(0.1, 0.1, 0.1).standardDeviation());
        assertEquals(0.0, Sample.of(3).standardDeviation());
    }

    @Test
    void emptyAndNonFiniteSamplesAreRefused() {
        assertThrows(IllegalArgumentException.class, Sample::of);
        assertThrows(IllegalArgumentException.class, () -> Sample.of(1, Double.NaN));
        assertThrows(IllegalArgumentException.class, () -> Sample.of(1, 2).quantile(1.5));
    }
}
