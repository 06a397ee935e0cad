package dev.normlab.testkit;

import dev.normlab.engine.tensor.Tensor;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.IntToDoubleFunction;

/// What an operation should give: row-major values computed in double, and how far each may be off.
///
/// @param values     the true values
/// @param tolerances the allowed distance of each
public record Expected(double[] values, double[] tolerances) {

    /// Half the distance between 1 and the next float: the relative error of one rounding.
    public static final double ROUNDING = 0x1p-24;

    /// Values that every backend must give exactly (0 and -0 are equal).
    public static Expected exactly(double[] values) {
        return new Expected(values, new double[values.length]);
    }

    /// Values that every backend must give exactly.
    public static Expected exactly(int count, IntToDoubleFunction value) {
        return exactly(fill(count, value));
    }

    /// Values that may be off by `roundings` roundings of `max(|value|, scale)`.
    public static Expected rounded(double roundings, double scale, double[] values) {
        return new Expected(values, fill(values.length, i -> roundings * ROUNDING * Math.max(Math.abs(values[i]), scale)));
    }

    /// Sums of `terms` float products or fewer, whose absolute values add up to `magnitudes`.
    public static Expected sums(double[] values, double[] magnitudes, int terms) {
        return new Expected(values, fill(values.length, i -> sumTolerance(terms, magnitudes[i])));
    }

    /// How far a float sum of `terms` terms, whose absolute values add up to `magnitude`, may be off: `4 * 2^-24 * sqrt(terms) *
    /// magnitude`. Rounding errors walk at random, hence the root.
    public static double sumTolerance(int terms, double magnitude) {
        return 4 * ROUNDING * Math.sqrt(Math.max(1, terms)) * magnitude;
    }

    /// Sums that are computed together with their neighbours, as the fast mode of convolutions does: each may be off by twice what
    /// [#sums] allows for the largest of them. An error is not bounded by a small sum's own terms, because larger ones share its tile.
    public static Expected fastSums(double[] values, double[] magnitudes, int terms) {
        double largest = Arrays.stream(magnitudes).max().orElse(0);
        return new Expected(values, fill(values.length, i -> 2 * sumTolerance(terms, largest)));
    }

    /// The same values, which may be off by more, on devices that round the factors of matrix products: if they are off by `2^-24` of
    /// themselves, [#sums] allows `4 * 2^-24 * sqrt(terms)` of the terms' magnitudes, and two factors that are off by `rounding` make a sum
    /// wrong by at most twice `rounding` of these. So half of what grows with the rounding is enough for one term, and more than enough for
    /// several.
    ///
    /// @param rounding the largest relative error of a factor
    public Expected withFactorsOf(double rounding) {
        double times = Math.max(1, rounding / ROUNDING / 2);
        return new Expected(values, fill(values.length, i -> times * tolerances[i]));
    }

    static double[] fill(int count, IntToDoubleFunction value) {
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = value.applyAsDouble(i);
        }
        return values;
    }

    /// Fails with the first element that is off, the number of such elements, and the largest error.
    public void check(String what, Tensor actual) {
        double[] got = toDoubles(actual);
        if (got.length != values.length) {
            throw new AssertionError(what + ": expected " + values.length + " elements, but got " + got.length);
        }
        int wrong = 0;
        int first = -1;
        double largest = 0;
        for (int i = 0; i < got.length; i++) {
            if (!agrees(got[i], values[i], tolerances[i])) {
                first = wrong++ == 0 ? i : first;
                largest = Math.max(largest, Math.abs(got[i] - values[i]));
            }
        }
        if (wrong > 0) {
            throw new AssertionError(String.format(Locale.ROOT,
                    "%s %s: element %d is %.9g, expected %.9g within %.3g; %d of %d elements are off, by up to %.3g",
                    what, actual.shape(), first, got[first], values[first], tolerances[first], wrong, got.length, largest));
        }
    }

    private static boolean agrees(double got, double value, double tolerance) {
        if (Double.isNaN(value)) {
            return Double.isNaN(got);
        }
        return got == value || Math.abs(got - value) <= tolerance || got == (double) (float) value;
    }

    static double[] toDoubles(Tensor tensor) {
        return switch (tensor.dtype()) {
            case FLOAT32 -> {
                float[] floats = tensor.toArray();
                yield fill(floats.length, i -> floats[i]);
            }
            case INT32 -> {
                int[] ints = tensor.toIntArray();
                yield fill(ints.length, i -> ints[i]);
            }
        };
    }
}
