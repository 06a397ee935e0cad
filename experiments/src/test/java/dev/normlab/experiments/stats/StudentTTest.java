package dev.normlab.experiments.stats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StudentTTest {

    /// SciPy's `t.ppf`.
    @ParameterizedTest
    @CsvSource({"1, 0.95, 12.706204736432095", "2, 0.95, 4.302652729696142", "3, 0.95, 3.182446305284263", "4, 0.95, 2.7764451051977987",
        "9, 0.95, 2.2621571627409915", "30, 0.95, 2.0422724563012373", "1000, 0.95, 1.9623390808264074", "1, 0.99, 63.65674116287399",
        "5, 0.5, 0.7266868438004226", "2.5, 0.95, 3.5582"})
    void quantilesAreThoseOfTables(double degrees, double confidence, double expected) {
        assertEquals(expected, StudentT.twoSided(degrees, confidence), degrees == 2.5 ? 0.02 : 1e-9 * expected);
    }

    @Test
    void oneDegreeOfFreedomIsCauchysDistribution() {
        for (double t : new double[] {0.1, 1, 5, 100}) {
            assertEquals(2 / Math.PI * StrictMath.atan(t), StudentT.inside(t, 1), 1e-13);
        }
    }

    @Test
    void manyDegreesOfFreedomAreTheNormalDistribution() {
        assertEquals(Proportion.Z_95, StudentT.twoSided(1e7, 0.95), 1e-5);
    }

    @Test
    void degreesAndConfidenceHaveTheirRange() {
        assertThrows(IllegalArgumentException.class, () -> StudentT.twoSided(0, 0.95));
        assertThrows(IllegalArgumentException.class, () -> StudentT.twoSided(3, 1));
        assertThrows(IllegalArgumentException.class, () -> StudentT.twoSided(Double.NaN, 0.95));
    }

    @Test
    void aMeanHasTheIntervalOfItsStandardError() {
        MeanEstimate estimate = MeanEstimate.of(1, 2, 3);
        assertEquals(2, estimate.mean());
        // With two degrees of freedom the quantile has a closed form: t = sqrt(2 p² / (1 - p²)).
        assertEquals(Math.sqrt(2 * 0.9025 / 0.0975) / Math.sqrt(3), estimate.halfWidth(), 1e-12);
        assertEquals(3, estimate.n());
        assertTrue(Double.isNaN(MeanEstimate.of(5).halfWidth()));
        assertTrue(Double.isNaN(MeanEstimate.of(4, 4).halfWidth()), "two equal values say nothing about chance either");
    }

    /// Degrees of freedom by hand: variances of the means 1/3 and 4/3, so (5/3)² / (1/9/2 + 16/9/2) = 50/17.
    @Test
    void aDifferenceHasWelchsInterval() {
        MeanEstimate difference = MeanEstimate.of(11, 12, 13).minus(MeanEstimate.of(0, 2, 4));
        assertEquals(10, difference.mean());
        assertEquals(Math.sqrt(5 / 3.0) * StudentT.twoSided(50 / 17.0, 0.95), difference.halfWidth(), 1e-12);
        assertTrue(difference.isApartFromZero());
        assertFalse(MeanEstimate.of(1, 2, 3).minus(MeanEstimate.of(0, 2, 4)).isApartFromZero());
        assertFalse(MeanEstimate.of(100).minus(MeanEstimate.of(0, 0.1)).isApartFromZero(), "one value says nothing about chance");
        assertFalse(MeanEstimate.of(2, 2).minus(MeanEstimate.of(1, 1)).isApartFromZero(), "nor do two pairs of them");
    }
}
