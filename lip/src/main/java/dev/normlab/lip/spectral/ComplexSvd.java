package dev.normlab.lip.spectral;

import org.ejml.data.ZMatrixRMaj;

/// A way to the singular values of complex matrices `A = U·D·Vᴴ`, and to what is made of them here.
///
/// EJML has no complex singular value decomposition. [SvdMethod] lists the ways; each is tested against the others.
public interface ComplexSvd {

    /// The `min(rows, columns)` singular values, largest first.
    ///
    /// @param a not modified
    double[] singularValues(ZMatrixRMaj a);

    /// `U·min(D, limit)·Vᴴ`: the nearest matrix, in the Frobenius norm, whose largest singular value is at most `limit`.
    ///
    /// @param a     not modified
    /// @param limit at least 0
    /// @throws UnsupportedOperationException if this way finds no singular vectors ([SvdMethod#clips])
    ZMatrixRMaj clip(ZMatrixRMaj a, double limit);

    /// The singular values of a matrix of rows, largest first.
    ///
    /// @param a not modified
    default double[] singularValues(ComplexMatrix a) {
        return singularValues(a.toEjml());
    }

    /// Clips a matrix of rows.
    ///
    /// @param a not modified
    default ComplexMatrix clip(ComplexMatrix a, double limit) {
        return ComplexMatrix.of(clip(a.toEjml(), limit));
    }
}
