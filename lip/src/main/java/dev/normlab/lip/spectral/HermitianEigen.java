package dev.normlab.lip.spectral;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Eigenvalues, and on request eigenvectors, of a Hermitian matrix: Householder reflections to a tridiagonal matrix, then implicit QL steps
/// (Golub & Van Loan, Matrix Computations, section 8.3).
///
/// The reflections are written for rows: the rank-two update of one step and the matrix-vector product of the next share one pass over the
/// rows, and all loops run along rows. Eigenvalues are accurate relative to the largest one.
final class HermitianEigen {

    private static final int MOST_STEPS = 60;
    /// Fourth powers of numbers of a larger exponent are no numbers of double precision.
    private static final int FAR = 200;
    // Steps after which an element is negligible that is small beside the whole matrix. Usually two or three are enough.
    private static final int PATIENCE = 20;

    private final int n;
    private final boolean real;
    private final ComplexMatrix a;
    private final double[] diagonal;
    private final double[] off;
    private final double[] beta;
    private final double[] phaseRe;
    private final double[] phaseIm;
    private final double negligible;
    private final int exponent;

    /// @param a Hermitian; it is overwritten
    private HermitianEigen(ComplexMatrix a) {
        this.n = a.rows();
        this.real = a.isReal();
        this.a = a;
        this.diagonal = new double[n];
        this.off = new double[n];
        this.beta = new double[n];
        this.phaseRe = new double[n];
        this.phaseIm = new double[n];
        if (n > 0) {
            phaseRe[0] = 1;
        }
        double size = a.frobenius();
        this.exponent = size > 0 && Math.abs(Math.getExponent(size)) > FAR ? Math.getExponent(size) : 0;
        if (exponent != 0) {
            a.scale(Math.scalb(1.0, -exponent));
        }
        double norm = Math.scalb(size, -exponent);
        this.negligible = 0x1p-120 * norm * norm;
        tridiagonalize();
    }

    /// Eigenvalues and eigenvectors.
    ///
    /// @param values  in no particular order
    /// @param vectors row `j` holds the conjugates of the eigenvector of `values[j]`: with the rows as `Vᴴ`, `A = V·diag(values)·Vᴴ`
    record Decomposition(double[] values, ComplexMatrix vectors) {}

    /// The eigenvalues in no particular order.
    ///
    /// @param a Hermitian; it is overwritten
    static double[] values(ComplexMatrix a) {
        HermitianEigen eigen = new HermitianEigen(a);
        eigen.solve(null);
        return eigen.diagonal;
    }

    private void solve(double @Nullable [][] z) {
        implicitQl(diagonal, off, z);
        for (int i = 0; i < n; i++) {
            diagonal[i] = Math.scalb(diagonal[i], exponent);
        }
    }

    /// The eigenvalues above a limit with their eigenvectors.
    ///
    /// @param a Hermitian; it is overwritten
    static Decomposition above(ComplexMatrix a, double limit) {
        HermitianEigen eigen = new HermitianEigen(a);
        int n = eigen.n;
        double[][] z = new double[n][n];
        for (int i = 0; i < n; i++) {
            z[i][i] = 1;
        }
        eigen.solve(z);
        int count = 0;
        for (double value : eigen.diagonal) {
            count += value > limit ? 1 : 0;
        }
        double[] values = new double[count];
        double[][] chosen = new double[count][];
        int next = 0;
        for (int i = 0; i < n; i++) {
            if (eigen.diagonal[i] > limit) {
                values[next] = eigen.diagonal[i];
                chosen[next++] = z[i];
            }
        }
        return new Decomposition(values, eigen.backTransformed(chosen));
    }

    /// Reflections `H_k = I - β v vᴴ` with `T = H_{n-2} .. H_0 · A · H_0 .. H_{n-2}`; row `k` of `a` keeps `v` of step `k` beyond the
    /// diagonal.
    private void tridiagonalize() {
        double[] vRe = new double[n];
        double[] vIm = new double[n];
        double[] wRe = new double[n];
        double[] wIm = new double[n];
        double[] pRe = new double[n];
        double[] pIm = new double[n];
        for (int k = 0; k < n; k++) {
            if (k > 0) {
                rankTwo(k, k, vRe, vIm, wRe, wIm);
            }
            diagonal[k] = a.re[k][k];
            if (k == n - 1) {
                return;
            }
            double[] oldRe = vRe.clone();
            double[] oldIm = vIm.clone();
            reflector(k, vRe, vIm);
            Arrays.fill(pRe, 0);
            Arrays.fill(pIm, 0);
            for (int i = k + 1; i < n; i++) {
                if (k > 0) {
                    rankTwo(i, k + 1, oldRe, oldIm, wRe, wIm);
                }
                // p += conj(row i)·v_i, which is column i of A times v_i
                Rows.add(pRe, vRe[i], a.re[i], k + 1, n);
                if (!real) {
                    Rows.add(pRe, vIm[i], a.im[i], k + 1, n);
                    Rows.add(pIm, vIm[i], a.re[i], -vRe[i], a.im[i], k + 1, n);
                }
            }
            secondVector(k, vRe, vIm, pRe, pIm, wRe, wIm);
            for (int j = k + 1; j < n; j++) {
                a.re[k][j] = vRe[j];
                a.im[k][j] = vIm[j];
            }
        }
    }

    /// Row `i -= v_i·wᴴ + w_i·vᴴ` from a column on.
    private void rankTwo(int i, int from, double[] vRe, double[] vIm, double[] wRe, double[] wIm) {
        if (real) {
            Rows.add(a.re[i], -vRe[i], wRe, -wRe[i], vRe, from, n);
            return;
        }
        Rows.add(a.re[i], -vRe[i], wRe, -vIm[i], wIm, -wRe[i], vRe, -wIm[i], vIm, from, n);
        Rows.add(a.im[i], -vIm[i], wRe, vRe[i], wIm, -wIm[i], vRe, wRe[i], vIm, from, n);
    }

    /// The reflector that clears column `k` below the element next to the diagonal, and that element's size and phase.
    private void reflector(int k, double[] vRe, double[] vIm) {
        double tail = 0;
        for (int j = k + 1; j < n; j++) {
            vRe[j] = a.re[k][j];
            vIm[j] = -a.im[k][j];
            if (j > k + 1) {
                tail += vRe[j] * vRe[j] + vIm[j] * vIm[j];
            }
        }
        double x = vRe[k + 1];
        double y = vIm[k + 1];
        double head = Math.sqrt(x * x + y * y);
        double norm = Math.sqrt(head * head + tail);
        double unitRe = head > 0 ? x / head : 1;
        double unitIm = head > 0 ? y / head : 0;
        beta[k] = 0;
        double sign = 1;
        if (tail > negligible) {
            sign = -1;
            vRe[k + 1] = x + unitRe * norm;
            vIm[k + 1] = y + unitIm * norm;
            beta[k] = 1 / (norm * (norm + head));
        }
        off[k] = norm;
        phaseRe[k + 1] = sign * (phaseRe[k] * unitRe - phaseIm[k] * unitIm);
        phaseIm[k + 1] = sign * (phaseRe[k] * unitIm + phaseIm[k] * unitRe);
    }

    /// `w = β·p - (β²/2)·(vᴴp)·v`, so that `H A H = A - v wᴴ - w vᴴ`.
    private void secondVector(int k, double[] vRe, double[] vIm, double[] pRe, double[] pIm, double[] wRe, double[] wIm) {
        double inner = Rows.dot(vRe, pRe, k + 1, n) + Rows.dot(vIm, pIm, k + 1, n);
        double half = beta[k] * beta[k] * inner / 2;
        for (int j = k + 1; j < n; j++) {
            wRe[j] = beta[k] * pRe[j] - half * vRe[j];
            wIm[j] = beta[k] * pIm[j] - half * vIm[j];
        }
    }

    /// Turns eigenvectors of the real tridiagonal matrix, one a row, into those of the matrix.
    private ComplexMatrix backTransformed(double[][] chosen) {
        int count = chosen.length;
        ComplexMatrix columns = new ComplexMatrix(n, count, real);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < count; j++) {
                columns.re[i][j] = phaseRe[i] * chosen[j][i];
                columns.im[i][j] = phaseIm[i] * chosen[j][i];
            }
        }
        double[] sRe = new double[count];
        double[] sIm = new double[count];
        for (int k = n - 2; k >= 0; k--) {
            if (beta[k] == 0) {
                continue;
            }
            Arrays.fill(sRe, 0);
            Arrays.fill(sIm, 0);
            for (int i = k + 1; i < n; i++) {
                double vRe = a.re[k][i];
                double vIm = a.im[k][i];
                Rows.add(sRe, vRe, columns.re[i], vIm, columns.im[i], 0, count);
                if (!real) {
                    Rows.add(sIm, vRe, columns.im[i], -vIm, columns.re[i], 0, count);
                }
            }
            for (int i = k + 1; i < n; i++) {
                double vRe = -beta[k] * a.re[k][i];
                double vIm = -beta[k] * a.im[k][i];
                Rows.add(columns.re[i], vRe, sRe, -vIm, sIm, 0, count);
                if (!real) {
                    Rows.add(columns.im[i], vRe, sIm, vIm, sRe, 0, count);
                }
            }
        }
        return columns.conjugateTranspose();
    }

    /// Eigenvalues of a symmetric tridiagonal matrix, left in `d` in no particular order.
    ///
    /// @param d the diagonal, overwritten
    /// @param e the elements beside it, `e[i]` between `i` and `i + 1`; overwritten
    /// @param z null, or rows to which all rotations are applied: from the identity they become the eigenvectors
    static void implicitQl(double[] d, double[] e, double @Nullable [][] z) {
        int n = d.length;
        double largest = 0;
        for (int i = 0; i < n; i++) {
            largest = Math.max(largest, Math.max(Math.abs(d[i]), Math.abs(e[i])));
        }
        if (!(largest < Double.POSITIVE_INFINITY)) {
            throw new ArithmeticException("the matrix contains NaN or infinity: it has no eigenvalues");
        }
        for (int l = 0; l < n; l++) {
            for (int step = 0;; step++) {
                // beside eigenvalues that are rounding errors of a large one, no element becomes smaller than such errors
                double negligible = (step < PATIENCE ? 0x1p-60 : 0x1p-50) * largest;
                int m = l;
                while (m < n - 1 && Math.abs(e[m]) > 0x1p-53 * (Math.abs(d[m]) + Math.abs(d[m + 1])) + negligible) {
                    m++;
                }
                if (m == l) {
                    break;
                }
                if (step == MOST_STEPS) {
                    throw new ArithmeticException("an eigenvalue did not converge in " + MOST_STEPS
                            + " QL steps; does the matrix contain NaN or infinity?");
                }
                qlStep(d, e, l, m, z);
            }
        }
    }

    /// One implicit QL step with Wilkinson's shift on rows `l` to `m`, from the bottom up.
    private static void qlStep(double[] d, double[] e, int l, int m, double @Nullable [][] z) {
        double g = (d[l + 1] - d[l]) / (2 * e[l]);
        double root = Math.sqrt(g * g + 1);
        g = d[m] - d[l] + e[l] / (g + (g >= 0 ? root : -root));
        double s = 1;
        double c = 1;
        double p = 0;
        for (int i = m - 1; i >= l; i--) {
            double f = s * e[i];
            double b = c * e[i];
            double r = Math.sqrt(f * f + g * g);
            e[i + 1] = r;
            if (r == 0) {
                d[i + 1] -= p;
                e[m] = 0;
                return;
            }
            s = f / r;
            c = g / r;
            g = d[i + 1] - p;
            r = (d[i] - g) * s + 2 * c * b;
            p = s * r;
            d[i + 1] = g + p;
            g = c * r - b;
            if (z != null) {
                Rows.rotate(z[i], z[i + 1], c, s, z[i].length);
            }
        }
        d[l] -= p;
        e[l] = g;
        e[m] = 0;
    }
}
