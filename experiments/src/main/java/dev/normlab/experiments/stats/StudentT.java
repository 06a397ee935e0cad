package dev.normlab.experiments.stats;

/// Student's t distribution. All logarithms and powers are `StrictMath`, so that tables have the same bytes on every machine.
public final class StudentT {

    private static final double[] LANCZOS = {676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
        12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7};
    private static final int MOST_TERMS = 10_000;
    private static final double TINY = 1e-300;
    private static final double PRECISION = 1e-15;
    private static final double LARGEST = 1e12;

    private StudentT() {}

    /// The number that a t variable exceeds with probability (1 - `confidence`) / 2: a mean of n values plus and minus this times their
    /// standard error, with n - 1 degrees of freedom, is the two-sided confidence interval.
    ///
    /// @param degrees    of freedom, above 0, not necessarily whole
    /// @param confidence in (0, 1), for example 0.95
    /// @throws IllegalArgumentException if a number is out of range
    public static double twoSided(double degrees, double confidence) {
        if (!(degrees > 0) || !(confidence > 0 && confidence < 1)) {
            throw new IllegalArgumentException(
                    "degrees of freedom are above 0 and a confidence is in (0, 1), but got " + degrees + " and " + confidence);
        }
        double low = 0;
        double high = 1;
        while (inside(high, degrees) < confidence && high < LARGEST) {
            high *= 2;
        }
        for (int i = 0; i < 200 && high - low > PRECISION * high; i++) {
            double middle = 0.5 * (low + high);
            if (inside(middle, degrees) < confidence) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return 0.5 * (low + high);
    }

    /// The probability that the absolute value of a t variable is at most `t`: 1 - I_x(degrees / 2, 1 / 2) with
    /// x = degrees / (degrees + t²).
    static double inside(double t, double degrees) {
        double x = degrees / (degrees + t * t);
        return 1 - incompleteBeta(x, 0.5 * degrees, 0.5);
    }

    /// The regularised incomplete beta function by its continued fraction (Abramowitz and Stegun 26.5.8), evaluated by Lentz's method.
    private static double incompleteBeta(double x, double a, double b) {
        if (x <= 0 || x >= 1) {
            return x <= 0 ? 0 : 1;
        }
        if (x > (a + 1) / (a + b + 2)) {
            return 1 - incompleteBeta(1 - x, b, a);
        }
        double front = StrictMath.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * StrictMath.log(x) + b * StrictMath.log1p(-x)) / a;
        double c = 1;
        double d = bounded(1 - (a + b) * x / (a + 1));
        double fraction = d;
        for (int m = 1; m < MOST_TERMS; m++) {
            double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = bounded(1 + even * d);
            c = away(1 + even / c);
            fraction *= d * c;
            double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
            d = bounded(1 + odd * d);
            c = away(1 + odd / c);
            double change = d * c;
            fraction *= change;
            if (Math.abs(change - 1) < PRECISION) {
                break;
            }
        }
        return front * fraction;
    }

    private static double bounded(double value) {
        return 1 / away(value);
    }

    /// The value, or a tiny one in the place of 0.
    private static double away(double value) {
        return Math.abs(value) < TINY ? TINY : value;
    }

    /// The logarithm of the gamma function by Lanczos' approximation with g = 7, to about 15 digits, for z > 0.
    private static double logGamma(double z) {
        if (z < 0.5) {
            return StrictMath.log(Math.PI / StrictMath.sin(Math.PI * z)) - logGamma(1 - z);
        }
        double sum = 0.99999999999980993;
        for (int i = 0; i < LANCZOS.length; i++) {
            sum += LANCZOS[i] / (z + i);
        }
        double t = z - 1 + LANCZOS.length - 0.5;
        return 0.5 * StrictMath.log(2 * Math.PI) + (z - 0.5) * StrictMath.log(t) - t + StrictMath.log(sum);
    }
}
