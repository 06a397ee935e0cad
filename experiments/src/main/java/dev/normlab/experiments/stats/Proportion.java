package dev.normlab.experiments.stats;

/// A count of successes among independent trials, such as the correctly classified images of a test set.
///
/// @param successes the number of successes, between 0 and `trials`
/// @param trials the number of trials, at least 1
public record Proportion(long successes, long trials) {

    /// The 0.975 quantile of the standard normal distribution, which makes two-sided 95% intervals.
    public static final double Z_95 = 1.959963984540054;

    /// Checks the values.
    ///
    /// @throws IllegalArgumentException if there are no trials, or the successes are not between 0 and the trials
    public Proportion {
        if (trials < 1 || successes < 0 || successes > trials) {
            throw new IllegalArgumentException(
                    "a proportion needs at least one trial and successes between 0 and the trials, but got " + successes + " of " + trials);
        }
    }

    /// The observed fraction of successes, in [0, 1].
    public double fraction() {
        return (double) successes / trials;
    }

    /// The two-sided 95% Wilson score interval of the true fraction.
    public Interval wilson95() {
        return wilson(Z_95);
    }

    /// The Wilson score interval, without continuity correction: all fractions p for which the observed fraction lies within `z` standard
    /// errors sqrt(p (1 - p) / n) of p.
    ///
    /// With observed fraction f and n trials the interval is `(f + z²/2n ± z sqrt(f (1 - f)/n + z²/4n²)) / (1 + z²/n)`. Unlike the Wald
    /// interval it stays inside [0, 1] and keeps a width at f = 0 and f = 1. Source: E. B. Wilson, "Probable inference, the law of
    /// succession, and statistical inference", J. Am. Stat. Assoc. 22 (1927).
    ///
    /// @param z the number of standard errors, positive; [#Z_95] for 95%
    /// @throws IllegalArgumentException if `z` is not positive and finite
    public Interval wilson(double z) {
        if (!(z > 0) || Double.isInfinite(z)) {
            throw new IllegalArgumentException("z must be positive and finite, but is " + z);
        }
        double f = fraction();
        double zz = z * z / trials;
        double centre = f + zz / 2;
        double reach = z * Math.sqrt(f * (1 - f) / trials + zz / (4 * trials));
        double low = successes == 0 ? 0 : (centre - reach) / (1 + zz);
        double high = successes == trials ? 1 : (centre + reach) / (1 + zz);
        return new Interval(low, high);
    }
}
