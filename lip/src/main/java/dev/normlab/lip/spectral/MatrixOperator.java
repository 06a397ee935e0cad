package dev.normlab.lip.spectral;

import java.util.Arrays;

/// A matrix `[rows, columns]`, row-major, as an operator.
record MatrixOperator(int rows, int columns, float[] matrix) implements LinearOperator {

    @Override
    public int inputs() {
        return columns;
    }

    @Override
    public int outputs() {
        return rows;
    }

    @Override
    public int dimension() {
        return columns;
    }

    @Override
    public void apply(float[] x, float[] y) {
        for (int i = 0; i < rows; i++) {
            double sum = 0;
            for (int j = 0; j < columns; j++) {
                sum += (double) matrix[i * columns + j] * x[j];
            }
            y[i] = (float) sum;
        }
    }

    @Override
    public void applyTransposed(float[] y, float[] x) {
        double[] sums = new double[columns];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                sums[j] += (double) matrix[i * columns + j] * y[i];
            }
        }
        Arrays.fill(x, 0f);
        for (int j = 0; j < columns; j++) {
            x[j] = (float) sums[j];
        }
    }

    @Override
    public void fill(FloatSource source, float[] x) {
        for (int j = 0; j < columns; j++) {
            x[j] = source.next();
        }
    }
}
