package dev.normlab.lip.spectral;

import java.util.Arrays;
import org.ejml.data.ZMatrixRMaj;

/// Singular values as square roots of the eigenvalues of the smaller Gram matrix, `Aᴴ·A = V·D²·Vᴴ`.
///
/// Clipping needs only the eigenvectors of what is clipped (see `Excess`).
final class GramSvd implements ComplexSvd {

    @Override
    public double[] singularValues(ZMatrixRMaj a) {
        return singularValues(ComplexMatrix.of(a));
    }

    @Override
    public ZMatrixRMaj clip(ZMatrixRMaj a, double limit) {
        return clip(ComplexMatrix.of(a), limit).toEjml();
    }

    @Override
    public double[] singularValues(ComplexMatrix a) {
        ComplexMatrix tall = a.rows() < a.columns() ? a.conjugateTranspose() : a;
        return ofGram(tall.gram());
    }

    /// The singular values, largest first, of a matrix with this Gram matrix.
    ///
    /// @param gram overwritten
    static double[] ofGram(ComplexMatrix gram) {
        double[] values = HermitianEigen.values(gram);
        for (int i = 0; i < values.length; i++) {
            values[i] = -Math.sqrt(Math.max(0, values[i]));
        }
        Arrays.sort(values);
        for (int i = 0; i < values.length; i++) {
            values[i] = -values[i];
        }
        return values;
    }

    @Override
    public ComplexMatrix clip(ComplexMatrix a, double limit) {
        if (a.rows() < a.columns()) {
            return clip(a.conjugateTranspose(), limit).conjugateTranspose();
        }
        ComplexMatrix clipped = a.copy();
        ComplexMatrix excess = Excess.of(a, limit, SvdMethod.GRAM).matrix();
        for (int i = 0; i < a.rows() && excess != null; i++) {
            Rows.add(clipped.re[i], -1, excess.re[i], 0, a.columns());
            Rows.add(clipped.im[i], -1, excess.im[i], 0, a.columns());
        }
        return clipped;
    }
}
