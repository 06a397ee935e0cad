package dev.normlab.lip.spectral;

import org.jspecify.annotations.Nullable;

/// What clipping takes from a matrix with at least as many rows as columns: `E = Σ_{σ > r} (σ - r)·u·vᴴ`, so that `A - E = U·min(D, r)·Vᴴ`.
///
/// @param matrix  `E`, or null if no singular value is above `r`: nothing is then taken, not even a rounding error
/// @param largest the largest singular value of `A`, or `r` if none is above it
record Excess(@Nullable ComplexMatrix matrix, double largest) {

    /// The excess of a matrix.
    ///
    /// @param tall not modified
    static Excess of(ComplexMatrix tall, double limit, SvdMethod method) {
        if (method == SvdMethod.GRAM) {
            return byGram(tall, limit);
        }
        double largest = method.singularValues(tall)[0];
        if (largest <= limit) {
            return new Excess(null, limit);
        }
        ComplexMatrix excess = new ComplexMatrix(tall.rows(), tall.columns(), tall.isReal());
        ComplexMatrix clipped = method.clip(tall, limit);
        for (int i = 0; i < tall.rows(); i++) {
            Rows.add(excess.re[i], 1, tall.re[i], -1, clipped.re[i], 0, tall.columns());
            if (!tall.isReal()) {
                Rows.add(excess.im[i], 1, tall.im[i], -1, clipped.im[i], 0, tall.columns());
            }
        }
        return new Excess(excess, largest);
    }

    /// Only the eigenvectors of the Gram matrix that belong to what is clipped are needed: `E = A·V₊·(1 - r/D₊)·V₊ᴴ`.
    private static Excess byGram(ComplexMatrix tall, double limit) {
        ComplexMatrix gram = tall.gram();
        if (limit > 0 && Cholesky.isBelow(gram, limit * limit)) {
            return new Excess(null, limit);
        }
        HermitianEigen.Decomposition eigen = HermitianEigen.above(gram, limit * limit);
        double[] values = eigen.values();
        if (values.length == 0) {
            return new Excess(null, limit);
        }
        ComplexMatrix vectors = eigen.vectors();
        ComplexMatrix images = new ComplexMatrix(tall.rows(), values.length, tall.isReal());
        images.addProduct(tall, vectors.conjugateTranspose(), 1);
        double largest = 0;
        for (int j = 0; j < values.length; j++) {
            double value = Math.sqrt(values[j]);
            largest = Math.max(largest, value);
            Rows.scale(vectors.re[j], 1 - limit / value, 0, tall.columns());
            Rows.scale(vectors.im[j], 1 - limit / value, 0, tall.columns());
        }
        ComplexMatrix excess = new ComplexMatrix(tall.rows(), tall.columns(), tall.isReal());
        excess.addProduct(images, vectors, 1);
        return new Excess(excess, largest);
    }
}
