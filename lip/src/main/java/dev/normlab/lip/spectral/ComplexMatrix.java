package dev.normlab.lip.spectral;

import java.util.Arrays;
import org.ejml.data.ZMatrixRMaj;

/// A complex matrix as two arrays of rows, real and imaginary parts apart: the form in which loops over rows become vector instructions.
///
/// A matrix may be marked *real*: its imaginary part is then zero, and products leave it out.
public final class ComplexMatrix {

    // Rows of the right factor that stay in the second-level cache while all rows of the product pass by.
    private static final int BLOCK = 32;

    private final int rows;
    private final int columns;
    private final boolean real;
    final double[][] re;
    final double[][] im;

    /// A matrix of zeros.
    public ComplexMatrix(int rows, int columns) {
        this(rows, columns, false);
    }

    ComplexMatrix(int rows, int columns, boolean real) {
        this.rows = rows;
        this.columns = columns;
        this.real = real;
        this.re = new double[rows][columns];
        this.im = new double[rows][columns];
    }

    /// A copy of an EJML matrix.
    public static ComplexMatrix of(ZMatrixRMaj a) {
        ComplexMatrix copy = new ComplexMatrix(a.numRows, a.numCols);
        for (int i = 0; i < a.numRows; i++) {
            for (int j = 0; j < a.numCols; j++) {
                copy.re[i][j] = a.getReal(i, j);
                copy.im[i][j] = a.getImag(i, j);
            }
        }
        return copy;
    }

    /// A copy as an EJML matrix.
    public ZMatrixRMaj toEjml() {
        ZMatrixRMaj copy = new ZMatrixRMaj(rows, columns);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                copy.set(i, j, re[i][j], im[i][j]);
            }
        }
        return copy;
    }

    /// The number of rows.
    public int rows() {
        return rows;
    }

    /// The number of columns.
    public int columns() {
        return columns;
    }

    /// Whether the imaginary part is known to be zero.
    public boolean isReal() {
        return real;
    }

    /// The real part of an element.
    public double real(int row, int column) {
        return re[row][column];
    }

    /// The imaginary part of an element.
    public double imaginary(int row, int column) {
        return im[row][column];
    }

    /// Changes an element.
    public void set(int row, int column, double realPart, double imaginaryPart) {
        re[row][column] = realPart;
        im[row][column] = imaginaryPart;
    }

    ComplexMatrix copy() {
        ComplexMatrix copy = new ComplexMatrix(rows, columns, real);
        for (int i = 0; i < rows; i++) {
            copy.re[i] = re[i].clone();
            copy.im[i] = im[i].clone();
        }
        return copy;
    }

    void clear() {
        for (int i = 0; i < rows; i++) {
            Arrays.fill(re[i], 0);
            Arrays.fill(im[i], 0);
        }
    }

    /// The conjugate transpose.
    ComplexMatrix conjugateTranspose() {
        ComplexMatrix result = new ComplexMatrix(columns, rows, real);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                result.re[j][i] = re[i][j];
                result.im[j][i] = -im[i][j];
            }
        }
        return result;
    }

    /// `‖A‖_F`.
    double frobenius() {
        double sum = 0;
        for (int i = 0; i < rows; i++) {
            sum += Rows.dot(re[i], re[i], 0, columns) + (real ? 0 : Rows.dot(im[i], im[i], 0, columns));
        }
        return Math.sqrt(sum);
    }

    void scale(double factor) {
        for (int i = 0; i < rows; i++) {
            Rows.scale(re[i], factor, 0, columns);
            Rows.scale(im[i], factor, 0, columns);
        }
    }

    /// `C += A·B` for this matrix `C`; with `sign = -1` it is `C -= A·B`.
    void addProduct(ComplexMatrix a, ComplexMatrix b, double sign) {
        for (int k0 = 0; k0 < b.rows; k0 += BLOCK) {
            int k1 = Math.min(b.rows, k0 + BLOCK);
            for (int i = 0; i < rows; i++) {
                for (int k = k0; k < k1; k += 2) {
                    int next = Math.min(k + 1, k1 - 1);
                    double second = k + 1 < k1 ? sign : 0;
                    addRows(i, columns, b, k, sign * a.re[i][k], sign * a.im[i][k], next, second * a.re[i][next], second * a.im[i][next]);
                }
            }
        }
    }

    /// The Gram matrix `Aᴴ·A`, Hermitian.
    ComplexMatrix gram() {
        ComplexMatrix g = new ComplexMatrix(columns, columns, real);
        for (int k0 = 0; k0 < rows; k0 += BLOCK) {
            int k1 = Math.min(rows, k0 + BLOCK);
            for (int i = 0; i < columns; i++) {
                for (int k = k0; k < k1; k += 2) {
                    int next = Math.min(k + 1, k1 - 1);
                    double second = k + 1 < k1 ? 1 : 0;
                    g.addRows(i, i + 1, this, k, re[k][i], -im[k][i], next, second * re[next][i], -second * im[next][i]);
                }
            }
        }
        for (int i = 0; i < columns; i++) {
            for (int j = 0; j < i; j++) {
                g.re[j][i] = g.re[i][j];
                g.im[j][i] = -g.im[i][j];
            }
            g.im[i][i] = 0;
        }
        return g;
    }

    /// Row `i += (p + qi)·(row k of b) + (r + si)·(row l of b)` up to column `to`.
    private void addRows(int i, int to, ComplexMatrix b, int k, double p, double q, int l, double r, double s) {
        if (real && b.real) {
            Rows.add(re[i], p, b.re[k], r, b.re[l], 0, to);
            return;
        }
        Rows.add(re[i], p, b.re[k], -q, b.im[k], r, b.re[l], -s, b.im[l], 0, to);
        Rows.add(im[i], p, b.im[k], q, b.re[k], r, b.im[l], s, b.re[l], 0, to);
    }
}
