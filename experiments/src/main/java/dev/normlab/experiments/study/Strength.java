package dev.normlab.experiments.study;

import java.math.BigDecimal;

/// How strongly a method regularises: the number that is varied.
public record Strength(double value) {

    private static final double SMALLEST_PLAIN = 1e-3;

    /// The number as people write it: `0.001`, `1e-5`, `2`.
    @Override
    public String toString() {
        BigDecimal number = BigDecimal.valueOf(value).stripTrailingZeros();
        if (value == 0 || Math.abs(value) >= SMALLEST_PLAIN) {
            return number.toPlainString();
        }
        int exponent = number.precision() - number.scale() - 1;
        return number.scaleByPowerOfTen(-exponent).stripTrailingZeros().toPlainString() + "e" + exponent;
    }
}
