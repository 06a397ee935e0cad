package dev.normlab.lip.spectral;

import org.ejml.data.ZMatrixRMaj;
import org.ejml.dense.row.decompose.hessenberg.TridiagonalDecompositionHouseholder_ZDRM;

/// Eigenvalues of a Hermitian matrix by EJML's reduction to a tridiagonal matrix and our implicit QL steps, and singular values as square
/// roots of those of the smaller Gram matrix: the values-only path on EJML, and the check of our own reduction.
public final class EjmlTridiagonal implements ComplexSvd {

    @Override
    public double[] singularValues(ZMatrixRMaj a) {
        ComplexMatrix given = ComplexMatrix.of(a);
        ComplexMatrix tall = given.rows() < given.columns() ? given.conjugateTranspose() : given;
        double[] values = eigenvalues(tall.gram().toEjml());
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.sqrt(Math.max(0, values[i]));
        }
        return values;
    }

    /// Not by this way, which finds no vectors.
    ///
    /// @throws UnsupportedOperationException always
    @Override
    public ZMatrixRMaj clip(ZMatrixRMaj a, double limit) {
        throw new UnsupportedOperationException("EJML's tridiagonal reduction gives singular values only: nothing can be clipped with it");
    }

    /// All eigenvalues, largest first, accurate relative to the largest.
    ///
    /// @param hermitian not modified
    /// @throws ArithmeticException if the matrix is not finite
    public static double[] eigenvalues(ZMatrixRMaj hermitian) {
        int n = hermitian.numRows;
        double[] d = new double[n];
        double[] e = new double[n];
        TridiagonalDecompositionHouseholder_ZDRM reduction = new TridiagonalDecompositionHouseholder_ZDRM();
        // matrices of one and two rows are tridiagonal already, and EJML 0.46.1 fails on two
        if (n > 2 && !reduction.decompose(hermitian.copy())) {
            throw new ArithmeticException("EJML's tridiagonal reduction failed; does the matrix contain NaN or infinity?");
        }
        ZMatrixRMaj t = n > 2 ? reduction.getT(null) : hermitian;
        for (int i = 0; i < n; i++) {
            d[i] = t.getReal(i, i);
            if (i + 1 < n) {
                double re = t.getReal(i, i + 1);
                double im = t.getImag(i, i + 1);
                // a diagonal of phases on both sides makes the elements beside the diagonal real
                e[i] = Math.sqrt(re * re + im * im);
            }
        }
        HermitianEigen.implicitQl(d, e, null);
        return ConvolutionSpectrum.descending(d);
    }
}
