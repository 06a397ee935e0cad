package dev.normlab.lip.spectral;

/// The linear part of a layer as a map of vectors, without its matrix.
///
/// How the numbers of a vector are arranged is up to the operator: sums over all positions, such as inner products, mean the same in every
/// arrangement, and positions that stand for nothing are zero.
public interface LinearOperator {

    /// The length of the arrays of inputs.
    int inputs();

    /// The length of the arrays of outputs.
    int outputs();

    /// The number of inputs in the mathematical sense, positions that stand for nothing left out.
    int dimension();

    /// `y = M·x`.
    ///
    /// @param x `[inputs]`
    /// @param y `[outputs]`, overwritten
    void apply(float[] x, float[] y);

    /// `x = Mᵀ·y`.
    ///
    /// @param y `[outputs]`
    /// @param x `[inputs]`, overwritten
    void applyTransposed(float[] y, float[] x);

    /// Fills an array of inputs with numbers from a source; positions that stand for nothing become zero.
    void fill(FloatSource source, float[] x);

    /// Numbers one after the other.
    @FunctionalInterface
    interface FloatSource {

        /// The next number.
        float next();
    }

    /// A matrix `[rows, columns]`, row-major.
    ///
    /// @param matrix not copied
    static LinearOperator ofMatrix(int rows, int columns, float[] matrix) {
        return new MatrixOperator(rows, columns, matrix);
    }
}
