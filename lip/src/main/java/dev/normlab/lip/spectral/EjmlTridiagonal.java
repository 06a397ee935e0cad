package dev.normlab.lip.spectral;

import org.ejml.data.ZMatrixRMaj;
import org.ejml.dense.row.decompose.hessenberg.TridiagonalDecompositionHouseholder_ZDRM;

/// Eigenvalues of a Hermitian matrix by EJML's reduction to a tridiagonal matrix and our implicit QL steps: the values-only path on EJML,
/// and the check of our own reduction.
public final class EjmlTridiagonal {

    private EjmlTridiagonal() {}

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
