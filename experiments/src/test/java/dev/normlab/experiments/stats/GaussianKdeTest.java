package dev.normlab.experiments.stats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class GaussianKdeTest {

    @Test
    void theDensityIntegratesToOne() {
        Sample sample = Sample.of(1, 1.5, 4, 4.2, 9, 30);
        GaussianKde estimate = GaussianKde.of(sample).orElseThrow();
        double from = sample.min() - 8 * estimate.bandwidth();
        double step = (sample.max() - sample.min() + 16 * estimate.bandwidth()) / 4000;
        double area = 0;
        for (int i = 0; i < 4000; i++) {
            area += estimate.density(from + (i + 0.5) * step) * step;
        }
        assertEquals(1, area, 1e-9);
    }

    @Test
    void oneKernelIsTheNormalDensity() {
        GaussianKde estimate = GaussianKde.withBandwidth(Sample.of(2), 0.5);
        assertEquals(0.7978845608028654, estimate.density(2), 1e-12);
        assertEquals(0.7978845608028654 * Math.exp(-2), estimate.density(3), 1e-12);
    }

    /// s = 3.0276503540974917, IQR = 4.5, so the rule takes s: 0.9 * min(3.02765, 3.35821) * 10^(-1/5).
    @Test
    void theBandwidthFollowsSilvermansRule() {
        Sample sample = Sample.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
        assertEquals(0.9 * 3.0276503540974917 * 0.6309573444801932, GaussianKde.silvermanBandwidth(sample), 1e-12);
        Sample heavyTail = Sample.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 1000);
        assertEquals(0.9 * 4.5 / 1.34 * 0.6309573444801932, GaussianKde.silvermanBandwidth(heavyTail), 1e-12);
    }

    @Test
    void samplesWithoutSpreadHaveNoEstimate() {
        assertTrue(GaussianKde.of(Sample.of(4)).isEmpty());
        assertTrue(GaussianKde.of(Sample.of(0.1, 0.1, 0.1)).isEmpty());
        assertTrue(GaussianKde.of(Sample.of(1, 1, 1, 1, 1, 1, 2)).isPresent());
        assertThrows(IllegalArgumentException.class, () -> GaussianKde.withBandwidth(Sample.of(1, 2), 0));
    }
}
