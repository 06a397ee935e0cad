package dev.normlab.engine.kernel;

import java.util.Arrays;
import java.util.List;

/// The Euclidean projection of magnitudes onto an intersection of overlapping l1 balls: the nearest `x >= 0` with `Σ_{j in S_i} x_j <= r`
/// for every set `S_i`.
///
/// The values are `y[i, tap]`, and the sets are sets of taps, so that all values of a tap share one threshold. With multipliers `λ >= 0` of
/// the sets, `θ_tap = Σ_{i contains tap} λ_i` and `x = max(0, y − θ)`, the dual `½‖x−y‖² + λᵀ(Ax − r)` is concave and piecewise quadratic,
/// so that Newton's method on its kinks (semismooth Newton, with halved steps until the dual rises) ends after a few steps: at most 9 on
/// every case tried, where Dykstra's alternating projections need up to 626 sweeps. If Newton's method should not converge, the multipliers
/// are raised one after the other, which always does.
public final class OverlappingSums {

    private static final int NEWTON_STEPS = 60;
    private static final int HALVINGS = 60;
    private static final int SWEEPS = 10_000;
    private static final double TOLERANCE = 1e-13;
    /// Newton's method can stall at the rounding of long sums; only a result worse than this is swept.
    private static final double ACCEPTED = 1e-10;

    private final double[] y;
    private final int area;
    private final List<int[]> sets;
    private final double r;
    private final double total;
    private final double[] lambda;
    private final double[] theta;
    private final double[] tapSums;
    private final double[] tapCounts;
    private final double[] gradient;
    private double dual;

    private OverlappingSums(double[] y, int area, List<int[]> sets, double r) {
        this.y = y;
        this.area = area;
        this.sets = sets;
        this.r = r;
        double sum = 0;
        for (double value : y) {
            sum += value;
        }
        this.total = sum;
        this.lambda = new double[sets.size()];
        this.theta = new double[area];
        this.tapSums = new double[area];
        this.tapCounts = new double[area];
        this.gradient = new double[sets.size()];
    }

    /// What was found.
    ///
    /// @param thresholds of the taps: the projection is `max(0, y − threshold)`
    /// @param steps      of Newton's method
    /// @param swept      whether the multipliers had to be raised one after the other
    public record Solution(double[] thresholds, int steps, boolean swept) {}

    /// Finds the projection.
    ///
    /// @param y    magnitudes `[.., taps]`, at least 0 and finite
    /// @param area the number of taps
    /// @param sets taps whose values sum to at most `r`
    public static Solution project(double[] y, int area, List<int[]> sets, double r) {
        OverlappingSums problem = new OverlappingSums(y, area, sets, r);
        int steps = problem.newton();
        boolean swept = !problem.isSolved(ACCEPTED);
        if (swept) {
            problem.ascend();
        }
        return new Solution(problem.theta, steps, swept);
    }

    private boolean isSolved(double tolerance) {
        double worst = 0;
        for (int i = 0; i < lambda.length; i++) {
            worst = Math.max(worst, Math.abs(Math.min(lambda[i], -gradient[i])));
        }
        return worst <= tolerance * total;
    }

    /// Evaluates dual and gradient at multipliers.
    private double evaluate(double[] at) {
        Arrays.fill(theta, 0);
        for (int i = 0; i < at.length; i++) {
            for (int tap : sets.get(i)) {
                theta[tap] += at[i];
            }
        }
        Arrays.fill(tapSums, 0);
        Arrays.fill(tapCounts, 0);
        double value = 0;
        for (int row = 0; row < y.length; row += area) {
            for (int tap = 0; tap < area; tap++) {
                double x = y[row + tap] - theta[tap];
                if (x > 0) {
                    tapSums[tap] += x;
                    tapCounts[tap]++;
                    value += theta[tap] * (0.5 * theta[tap] + x);
                } else {
                    value += 0.5 * y[row + tap] * y[row + tap];
                }
            }
        }
        for (int i = 0; i < at.length; i++) {
            double sum = 0;
            for (int tap : sets.get(i)) {
                sum += tapSums[tap];
            }
            gradient[i] = sum - r;
            value -= at[i] * r;
        }
        return value;
    }

    private int newton() {
        dual = evaluate(lambda);
        int step = 0;
        while (step < NEWTON_STEPS && !isSolved(TOLERANCE)) {
            double[] direction = direction();
            if (!rise(direction)) {
                return step;
            }
            step++;
        }
        return step;
    }

    /// Solves `(A diag(counts) Aᵀ + tiny I) δ = g` on the free multipliers.
    private double[] direction() {
        int q = lambda.length;
        boolean[] free = new boolean[q];
        double[][] matrix = new double[q][q + 1];
        double largest = 0;
        for (double count : tapCounts) {
            largest = Math.max(largest, count);
        }
        for (int i = 0; i < q; i++) {
            free[i] = lambda[i] > 0 || gradient[i] > 0;
        }
        for (int i = 0; i < q; i++) {
            matrix[i][i] = free[i] ? 1e-12 * (1 + largest) : 1;
            for (int k = 0; free[i] && k < q; k++) {
                matrix[i][k] += free[k] ? commonCount(sets.get(i), sets.get(k)) : 0;
            }
            matrix[i][q] = free[i] ? gradient[i] : 0;
        }
        return solve(matrix);
    }

    private double commonCount(int[] a, int[] b) {
        double count = 0;
        for (int tap : a) {
            for (int other : b) {
                count += tap == other ? tapCounts[tap] : 0;
            }
        }
        return count;
    }

    /// Gaussian elimination with pivoting on `[A | b]`.
    private static double[] solve(double[][] matrix) {
        int q = matrix.length;
        for (int column = 0; column < q; column++) {
            int pivot = column;
            for (int row = column + 1; row < q; row++) {
                pivot = Math.abs(matrix[row][column]) > Math.abs(matrix[pivot][column]) ? row : pivot;
            }
            double[] swapped = matrix[pivot];
            matrix[pivot] = matrix[column];
            matrix[column] = swapped;
            for (int row = column + 1; row < q; row++) {
                double factor = matrix[row][column] / matrix[column][column];
                for (int k = column; factor != 0 && k <= q; k++) {
                    matrix[row][k] -= factor * matrix[column][k];
                }
            }
        }
        double[] x = new double[q];
        for (int row = q - 1; row >= 0; row--) {
            double sum = matrix[row][q];
            for (int k = row + 1; k < q; k++) {
                sum -= matrix[row][k] * x[k];
            }
            x[row] = sum / matrix[row][row];
        }
        return x;
    }

    /// Steps along a direction, halved until the dual rises; false if it never does.
    private boolean rise(double[] direction) {
        double[] before = lambda.clone();
        double dualBefore = dual;
        double alpha = 1;
        for (int halving = 0; halving < HALVINGS; halving++) {
            for (int i = 0; i < lambda.length; i++) {
                lambda[i] = Math.max(0, before[i] + alpha * direction[i]);
            }
            dual = evaluate(lambda);
            if (dual > dualBefore || isSolved(TOLERANCE)) {
                return true;
            }
            alpha /= 2;
        }
        System.arraycopy(before, 0, lambda, 0, before.length);
        dual = evaluate(lambda);
        return false;
    }

    /// Cyclic coordinate ascent: each multiplier in turn is set to its best value given the others, the threshold of an l1 ball.
    private void ascend() {
        for (int sweep = 0; sweep < SWEEPS && !isSolved(ACCEPTED); sweep++) {
            for (int i = 0; i < lambda.length; i++) {
                lambda[i] = 0;
                evaluate(lambda);
                if (gradient[i] > 0) {
                    lambda[i] = thresholdOf(sets.get(i));
                }
            }
            evaluate(lambda);
        }
    }

    private double thresholdOf(int[] set) {
        int rows = y.length / area;
        double[] magnitudes = new double[rows * set.length];
        for (int row = 0; row < rows; row++) {
            for (int k = 0; k < set.length; k++) {
                magnitudes[row * set.length + k] = Math.max(0, y[row * area + set[k]] - theta[set[k]]);
            }
        }
        return L1Ball.threshold(magnitudes, r);
    }
}
