package dev.normlab.engine.kernel;

import java.util.Arrays;

/// The Euclidean projection onto the l1 ball of radius `r`: the nearest point whose absolute values sum to at most `r`.
///
/// It shrinks every magnitude by one threshold, `x = sign(y)·max(0, |y| − θ)`. Points inside the ball are their own projection. Two ways to
/// θ: sorting (Duchi, Shalev-Shwartz, Singer & Chandra, ICML 2008), which is short, and Condat's (Mathematical Programming 158, 2016),
/// which takes linear time on all but contrived inputs.
public final class L1Ball {

    private L1Ball() {}

    /// Projects in place by Condat's algorithm.
    ///
    /// @param y any point of finite values
    /// @throws IllegalArgumentException if the radius is negative, NaN or infinite
    public static void project(double[] y, double r) {
        shrink(y, r, false);
    }

    /// Projects in place by sorting.
    ///
    /// @param y any point of finite values
    /// @throws IllegalArgumentException if the radius is negative, NaN or infinite
    public static void projectBySorting(double[] y, double r) {
        shrink(y, r, true);
    }

    private static void shrink(double[] y, double r, boolean sorting) {
        if (!(r >= 0 && r < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("l1 ball: the radius is a number of at least 0, but got " + r);
        }
        double[] magnitudes = new double[y.length];
        double sum = 0;
        for (int i = 0; i < y.length; i++) {
            magnitudes[i] = Math.abs(y[i]);
            sum += magnitudes[i];
        }
        if (sum <= r) {
            return;
        }
        double threshold = sorting ? thresholdBySorting(magnitudes, r) : threshold(magnitudes, r);
        for (int i = 0; i < y.length; i++) {
            y[i] = Math.copySign(Math.max(0, magnitudes[i] - threshold), y[i]);
        }
    }

    /// The threshold θ with `Σ max(0, y − θ) = r`, by sorting.
    ///
    /// @param magnitudes `y >= 0` with a sum above `r`
    static double thresholdBySorting(double[] magnitudes, double r) {
        double[] sorted = magnitudes.clone();
        Arrays.sort(sorted);
        double sum = 0;
        double threshold = 0;
        for (int count = 1; count <= sorted.length; count++) {
            double next = sorted[sorted.length - count];
            sum += next;
            double candidate = (sum - r) / count;
            if (count > 1 && candidate >= next) {
                break;
            }
            threshold = candidate;
        }
        return threshold;
    }

    /// The threshold θ with `Σ max(0, y − θ) = r`, by Condat's algorithm: one pass keeps the candidates of the support with a lower bound
    /// `rho` of θ that grows with each, setting them aside when one comes that is larger than the bound by more than `r`; then passes drop
    /// what lies below.
    ///
    /// @param magnitudes `y >= 0` with a sum above `r`
    static double threshold(double[] magnitudes, double r) {
        double[] kept = new double[magnitudes.length];
        double[] aside = new double[magnitudes.length];
        int count = 1;
        int asideCount = 0;
        kept[0] = magnitudes[0];
        double rho = magnitudes[0] - r;
        for (int i = 1; i < magnitudes.length; i++) {
            double y = magnitudes[i];
            if (y > rho) {
                rho += (y - rho) / (count + 1);
                if (rho <= y - r) {
                    System.arraycopy(kept, 0, aside, asideCount, count);
                    asideCount += count;
                    count = 0;
                    rho = y - r;
                }
                kept[count++] = y;
            }
        }
        for (int i = 0; i < asideCount; i++) {
            if (aside[i] > rho) {
                kept[count++] = aside[i];
                rho += (aside[i] - rho) / count;
            }
        }
        return exact(kept, drop(kept, count, rho), r);
    }

    /// Drops what does not exceed the bound until all that is left does; returns how many are left.
    private static int drop(double[] kept, int count, double bound) {
        double rho = bound;
        int before;
        do {
            before = count;
            int next = 0;
            int left = count;
            for (int i = 0; i < before; i++) {
                if (kept[i] > rho || left == 1) {
                    kept[next++] = kept[i];
                } else {
                    left--;
                    rho += (rho - kept[i]) / left;
                }
            }
            count = next;
        } while (count < before);
        return count;
    }

    /// The threshold of a known support, without the rounding errors that its running updates gather.
    private static double exact(double[] kept, int count, double r) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += kept[i];
        }
        return (sum - r) / count;
    }
}
