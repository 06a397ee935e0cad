package dev.normlab.lip.spectral;

import java.util.Arrays;
import org.ejml.data.ZMatrixRMaj;

/// Singular values as square roots of the eigenvalues of the smaller Gram matrix, `Aᴴ·A = V·D²·Vᴴ`.
///
/// Clipping needs only the eigenvectors of what is clipped: `U·min(D, r)·Vᴴ = A - A·V₊·(1 - r/D₊)·V₊ᴴ` over the singular values above `r`.
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
        clipInPlace(clipped, limit);
        return clipped;
    }

    /// Clips a matrix with at least as many rows as columns.
    ///
    /// @return the largest singular value before
    static double clipInPlace(ComplexMatrix tall, double limit) {
        HermitianEigen.Decomposition eigen = HermitianEigen.above(tall.gram(), limit * limit);
        double[] values = eigen.values();
        ComplexMatrix vectors = eigen.vectors();
        double largest = 0;
        for (double value : values) {
            largest = Math.max(largest, value);
        }
        if (values.length == 0) {
            return limit;
        }
        ComplexMatrix images = new ComplexMatrix(tall.rows(), values.length, tall.isReal());
        images.addProduct(tall, vectors.conjugateTranspose(), 1);
        for (int j = 0; j < values.length; j++) {
            double share = 1 - limit / Math.sqrt(values[j]);
            Rows.scale(vectors.re[j], share, 0, tall.columns());
            Rows.scale(vectors.im[j], share, 0, tall.columns());
        }
        tall.addProduct(images, vectors, -1);
        return Math.sqrt(largest);
    }
}
