package dev.normlab.lip.spectral;

/// What rounding in double precision can take from an upper bound.
///
/// A computed largest eigenvalue of a Gram matrix of `m x n` numbers differs from the exact one by at most a small multiple of `(m +
/// n²)·2^-53` times the squared size of what was summed (Higham, Accuracy and Stability of Numerical Algorithms, sections 3.5 and 10.1; for
/// a limit that a Cholesky factorisation has confirmed: Rump 2006). The allowances here are eight times that, and still below `1e-8` for
/// layers of 1024 channels.
final class Rounding {

    private static final double UNIT = 0x1p-50;

    private Rounding() {}

    /// A bound of a symbol's largest singular value, raised.
    static double raised(double bound, CircularSymbol symbol) {
        double size = 0;
        for (int lag = 0; lag < symbol.lags(); lag++) {
            size += frobenius(symbol.matrix(lag));
        }
        return raised(bound, symbol.rows(), symbol.columns(), size);
    }

    /// A bound of a matrix's largest singular value, raised.
    ///
    /// @param size the sum of the Frobenius norms of the matrices that were added up to the one whose values were computed
    static double raised(double bound, int rows, int columns, double size) {
        double n = Math.min(rows, columns);
        double relative = UNIT * n * n;
        double absolute = UNIT * Math.max(rows, columns) * size * size;
        return Math.sqrt(bound * bound * (1 + relative) + absolute) * (1 + UNIT);
    }

    static double frobenius(double[][] rows) {
        double sum = 0;
        for (double[] row : rows) {
            sum += Rows.dot(row, row, 0, row.length);
        }
        return Math.sqrt(sum);
    }
}
