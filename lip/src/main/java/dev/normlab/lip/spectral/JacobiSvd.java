package dev.normlab.lip.spectral;

import org.ejml.data.ZMatrixRMaj;

/// One-sided Jacobi rotations (Hestenes 1958; Demmel & Veselić 1992 on its accuracy), for complex matrices.
///
/// The columns of `B = A·V` are made orthogonal, two at a time; then their lengths are the singular values, and the columns divided by them
/// are `U`. For columns `p` and `q` with `α = ‖p‖²`, `β = ‖q‖²` and `pᴴq = |γ|·e^(iφ)`, the rotation is
///
///     p' = c·p - s·e^(-iφ)·q,   q' = s·p + c·e^(-iφ)·q,   t = s/c = sign(ζ) / (|ζ| + sqrt(1 + ζ²)),   ζ = (β - α) / (2|γ|)
///
/// Sweeps over all pairs end when every pair is orthogonal to rounding. Columns are kept as rows of numbers, largest first.
final class JacobiSvd implements ComplexSvd {

    private static final int MOST_SWEEPS = 60;
    private static final double ORTHOGONAL = 0x1p-51;

    /// `A = U·D·Vᴴ` with as many terms as the smaller side. Columns of `U` that belong to zeros are zero.
    ///
    /// @param values largest first
    record Decomposition(ComplexMatrix u, double[] values, ComplexMatrix v) {}

    /// The rotated columns: row `j` of `b` is column `j` of `A·V`, row `j` of `v` is column `j` of `V`.
    private record Rotated(ComplexMatrix b, ComplexMatrix v, double[] lengths) {}

    @Override
    public double[] singularValues(ZMatrixRMaj a) {
        return rotate(tall(ComplexMatrix.of(a)), false).lengths;
    }

    @Override
    public ZMatrixRMaj clip(ZMatrixRMaj a, double limit) {
        ComplexMatrix tall = tall(ComplexMatrix.of(a));
        Rotated rotated = rotate(tall, true);
        ComplexMatrix removed = rotated.b;
        for (int j = 0; j < tall.columns(); j++) {
            double length = rotated.lengths[j];
            double share = length > limit ? 1 - limit / length : 0;
            Rows.scale(removed.re[j], share, 0, tall.rows());
            Rows.scale(removed.im[j], share, 0, tall.rows());
        }
        // tall -= Σ share_j · b_j · v_jᴴ: the rows of b are columns, without conjugation
        for (int j = 0; j < tall.columns(); j++) {
            for (int i = 0; i < tall.rows(); i++) {
                double x = removed.re[j][i];
                double y = removed.im[j][i];
                Rows.add(tall.re[i], -x, rotated.v.re[j], -y, rotated.v.im[j], 0, tall.columns());
                Rows.add(tall.im[i], -y, rotated.v.re[j], x, rotated.v.im[j], 0, tall.columns());
            }
        }
        return (a.numRows < a.numCols ? tall.conjugateTranspose() : tall).toEjml();
    }

    /// The whole decomposition.
    static Decomposition decompose(ZMatrixRMaj a) {
        ComplexMatrix tall = tall(ComplexMatrix.of(a));
        Rotated rotated = rotate(tall, true);
        int n = tall.columns();
        ComplexMatrix u = new ComplexMatrix(tall.rows(), n);
        ComplexMatrix v = new ComplexMatrix(n, n);
        for (int j = 0; j < n; j++) {
            double length = rotated.lengths[j];
            for (int i = 0; i < tall.rows() && length > 0; i++) {
                u.set(i, j, rotated.b.re[j][i] / length, rotated.b.im[j][i] / length);
            }
            for (int i = 0; i < n; i++) {
                v.set(i, j, rotated.v.re[j][i], rotated.v.im[j][i]);
            }
        }
        return a.numRows < a.numCols ? new Decomposition(v, rotated.lengths, u) : new Decomposition(u, rotated.lengths, v);
    }

    private static ComplexMatrix tall(ComplexMatrix a) {
        return a.rows() < a.columns() ? a.conjugateTranspose() : a;
    }

    private static Rotated rotate(ComplexMatrix tall, boolean vectors) {
        int n = tall.columns();
        int m = tall.rows();
        ComplexMatrix b = new ComplexMatrix(n, m);
        ComplexMatrix v = new ComplexMatrix(vectors ? n : 0, n);
        for (int j = 0; j < n; j++) {
            for (int i = 0; i < m; i++) {
                b.set(j, i, tall.re[i][j], tall.im[i][j]);
            }
            if (vectors) {
                v.re[j][j] = 1;
            }
        }
        double[] squares = new double[n];
        boolean rotated = true;
        for (int sweep = 0; rotated; sweep++) {
            if (sweep == MOST_SWEEPS) {
                throw new ArithmeticException("Jacobi rotations did not converge in " + MOST_SWEEPS
                        + " sweeps; does the matrix contain NaN or infinity?");
            }
            for (int j = 0; j < n; j++) {
                squares[j] = square(b, j);
            }
            double negligible = negligible(squares);
            rotated = false;
            for (int p = 0; p < n - 1; p++) {
                moveLargestTo(p, squares, b, v);
                for (int q = p + 1; q < n; q++) {
                    rotated |= rotatePair(p, q, squares, b, v, negligible);
                }
            }
        }
        return sorted(b, v);
    }

    /// Columns whose squared length is below this are rounding errors of the others.
    private static double negligible(double[] squares) {
        double largest = 0;
        for (double square : squares) {
            largest = Math.max(largest, square);
        }
        return largest * 0x1p-120;
    }

    private static double square(ComplexMatrix b, int j) {
        return Rows.dot(b.re[j], b.re[j], 0, b.columns()) + Rows.dot(b.im[j], b.im[j], 0, b.columns());
    }

    /// De Rijk's order: the longest remaining column comes first, which saves sweeps.
    private static void moveLargestTo(int p, double[] squares, ComplexMatrix b, ComplexMatrix v) {
        int longest = p;
        for (int q = p + 1; q < squares.length; q++) {
            longest = squares[q] > squares[longest] ? q : longest;
        }
        if (longest != p) {
            double square = squares[p];
            squares[p] = squares[longest];
            squares[longest] = square;
            swap(b, p, longest);
            if (v.rows() > 0) {
                swap(v, p, longest);
            }
        }
    }

    private static void swap(ComplexMatrix a, int p, int q) {
        double[] row = a.re[p];
        a.re[p] = a.re[q];
        a.re[q] = row;
        row = a.im[p];
        a.im[p] = a.im[q];
        a.im[q] = row;
    }

    /// Makes two columns orthogonal; says whether that was needed.
    private static boolean rotatePair(int p, int q, double[] squares, ComplexMatrix b, ComplexMatrix v, double negligible) {
        int m = b.columns();
        double gammaRe = Rows.dot(b.re[p], b.re[q], 0, m) + Rows.dot(b.im[p], b.im[q], 0, m);
        double gammaIm = Rows.dot(b.re[p], b.im[q], 0, m) - Rows.dot(b.im[p], b.re[q], 0, m);
        double gamma = Math.sqrt(gammaRe * gammaRe + gammaIm * gammaIm);
        if (!(gamma > ORTHOGONAL * Math.sqrt(squares[p] * squares[q])) || squares[q] <= negligible || squares[p] <= negligible) {
            if (Double.isNaN(gamma)) {
                throw new ArithmeticException("the matrix contains NaN or infinity: it has no singular values");
            }
            return false;
        }
        double zeta = (squares[q] - squares[p]) / (2 * gamma);
        double t = 1 / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        t = zeta < 0 ? -t : t;
        double c = 1 / Math.sqrt(1 + t * t);
        double s = c * t;
        double unitRe = gammaRe / gamma;
        double unitIm = -gammaIm / gamma;
        rotateRows(b, p, q, c, s, unitRe, unitIm);
        if (v.rows() > 0) {
            rotateRows(v, p, q, c, s, unitRe, unitIm);
        }
        squares[p] = Math.max(0, squares[p] - t * gamma);
        squares[q] += t * gamma;
        return true;
    }

    private static void rotateRows(ComplexMatrix a, int p, int q, double c, double s, double unitRe, double unitIm) {
        multiply(a.re[q], a.im[q], unitRe, unitIm, a.columns());
        Rows.rotate(a.re[p], a.re[q], c, s, a.columns());
        Rows.rotate(a.im[p], a.im[q], c, s, a.columns());
    }

    private static void multiply(double[] re, double[] im, double unitRe, double unitIm, int n) {
        for (int j = 0; j < n; j++) {
            double x = re[j];
            double y = im[j];
            re[j] = x * unitRe - y * unitIm;
            im[j] = x * unitIm + y * unitRe;
        }
    }

    private static Rotated sorted(ComplexMatrix b, ComplexMatrix v) {
        int n = b.rows();
        double[] lengths = new double[n];
        for (int j = 0; j < n; j++) {
            lengths[j] = Math.sqrt(square(b, j));
        }
        for (int j = 0; j < n; j++) {
            moveLargestTo(j, lengths, b, v);
        }
        return new Rotated(b, v, lengths);
    }
}
