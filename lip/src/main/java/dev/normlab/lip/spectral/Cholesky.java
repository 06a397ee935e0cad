package dev.normlab.lip.spectral;

/// Asks by a Cholesky factorisation whether all eigenvalues of a Hermitian matrix are below a limit: `limit·I - A = L·Lᴴ` exists exactly
/// then. It takes a small part of the time of the eigenvalues.
final class Cholesky {

    private Cholesky() {}

    /// Whether all eigenvalues are below the limit, up to rounding.
    ///
    /// @param a Hermitian, not modified
    static boolean isBelow(ComplexMatrix a, double limit) {
        int n = a.rows();
        for (int i = 0; i < n; i++) {
            if (!(a.re[i][i] < limit)) {
                return false;
            }
        }
        // right-looking, on rows: row k of the rest times conj(column k) is taken from the rows below
        ComplexMatrix rest = new ComplexMatrix(n, n, a.isReal());
        for (int i = 0; i < n; i++) {
            Rows.add(rest.re[i], -1, a.re[i], i, n);
            Rows.add(rest.im[i], -1, a.im[i], i, n);
            rest.re[i][i] += limit;
        }
        for (int k = 0; k < n; k++) {
            double pivot = rest.re[k][k];
            if (!(pivot > 0)) {
                return false;
            }
            for (int i = k + 1; i < n; i++) {
                // rest[i][j] -= conj(rest[k][i])·rest[k][j] / pivot
                double x = -rest.re[k][i] / pivot;
                double y = rest.im[k][i] / pivot;
                if (a.isReal()) {
                    Rows.add(rest.re[i], x, rest.re[k], i, n);
                } else {
                    Rows.add(rest.re[i], x, rest.re[k], -y, rest.im[k], i, n);
                    Rows.add(rest.im[i], x, rest.im[k], y, rest.re[k], i, n);
                }
            }
        }
        return true;
    }
}
