package dev.normlab.lip.spectral;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.ejml.data.ZMatrixRMaj;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Jacobi rotations, EJML's embedding and the Gram matrix against each other, degenerate matrices included.
class ComplexSvdTest {

    private static ComplexMatrix gaussian(Random random, int rows, int columns) {
        ComplexMatrix a = new ComplexMatrix(rows, columns);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                a.set(i, j, random.nextGaussian(), random.nextGaussian());
            }
        }
        return a;
    }

    /// Orthonormal columns by Gram-Schmidt, twice.
    private static ComplexMatrix orthonormal(Random random, int rows, int columns) {
        ComplexMatrix q = gaussian(random, columns, rows); // a vector a row
        for (int j = 0; j < columns; j++) {
            for (int pass = 0; pass < 2; pass++) {
                for (int i = 0; i < j; i++) {
                    double re = Rows.dot(q.re[i], q.re[j], 0, rows) + Rows.dot(q.im[i], q.im[j], 0, rows);
                    double im = Rows.dot(q.re[i], q.im[j], 0, rows) - Rows.dot(q.im[i], q.re[j], 0, rows);
                    Rows.add(q.re[j], -re, q.re[i], im, q.im[i], 0, rows);
                    Rows.add(q.im[j], -re, q.im[i], -im, q.re[i], 0, rows);
                }
            }
            double norm = Math.sqrt(Rows.dot(q.re[j], q.re[j], 0, rows) + Rows.dot(q.im[j], q.im[j], 0, rows));
            Rows.scale(q.re[j], 1 / norm, 0, rows);
            Rows.scale(q.im[j], 1 / norm, 0, rows);
        }
        return q.conjugateTranspose();
    }

    /// A matrix with these singular values.
    private static ComplexMatrix withValues(Random random, int rows, int columns, double[] values) {
        ComplexMatrix u = orthonormal(random, rows, values.length);
        ComplexMatrix v = orthonormal(random, columns, values.length);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < values.length; j++) {
                u.set(i, j, u.re[i][j] * values[j], u.im[i][j] * values[j]);
            }
        }
        ComplexMatrix a = new ComplexMatrix(rows, columns);
        a.addProduct(u, v.conjugateTranspose(), 1);
        return a;
    }

    /// The trial-th matrix of ten kinds: zero, unitary, rank one, repeated values, one row, one column, condition 1e12, and Gaussian ones.
    private static ComplexMatrix matrix(int trial) {
        Random random = new Random(trial);
        int rows = 1 + random.nextInt(12);
        int columns = 1 + random.nextInt(12);
        int n = Math.min(rows, columns);
        double[] values = new double[n];
        switch (trial % 10) {
            case 0 -> {
                return new ComplexMatrix(rows, columns);
            }
            case 1 -> {
                return orthonormal(random, rows, rows);
            }
            case 2 -> values[0] = 3;
            case 3 -> {
                for (int i = 0; i < n; i++) {
                    values[i] = i % 2 == 0 ? 2 : 0.5;
                }
            }
            case 4 -> {
                return gaussian(random, 1, columns);
            }
            case 5 -> {
                return gaussian(random, rows, 1);
            }
            case 6 -> {
                for (int i = 0; i < n; i++) {
                    values[i] = Math.pow(1e12, -(double) i / Math.max(1, n - 1));
                }
            }
            case 7 -> {
                ComplexMatrix twins = gaussian(random, rows, columns);
                for (int j = 1; j < columns; j++) {
                    for (int i = 0; i < rows; i++) {
                        twins.set(i, j, twins.re[i][0], twins.im[i][0]);
                    }
                }
                return twins;
            }
            default -> {
                return gaussian(random, rows, columns);
            }
        }
        return withValues(random, rows, columns, values);
    }

    @Test
    void jacobiEqualsTheEmbeddingOnManyMatricesDegenerateOnesIncluded() {
        for (int trial = 0; trial < 600; trial++) {
            ZMatrixRMaj a = matrix(trial).toEjml();
            double[] jacobi = SvdMethod.JACOBI.singularValues(a);
            double[] embedding = SvdMethod.EJML.singularValues(a);
            double[] gram = SvdMethod.GRAM.singularValues(a);
            assertEquals(Math.min(a.numRows, a.numCols), jacobi.length);
            assertEquals(jacobi.length, embedding.length);
            assertEquals(jacobi.length, gram.length);
            for (int i = 0; i < jacobi.length; i++) {
                String message = "value " + i + " of trial " + trial + ", " + a.numRows + "x" + a.numCols;
                assertEquals(embedding[i], jacobi[i], 1e-10 * jacobi[0], message);
                assertEquals(jacobi[i], gram[i], 2e-7 * jacobi[0], message);
                assertTrue(i == 0 || jacobi[i] <= jacobi[i - 1], "descending: " + message);
            }
        }
    }

    @Test
    void jacobiKeepsTheRelativeAccuracyOfTinyColumns() {
        Random random = new Random(5);
        ComplexMatrix q = orthonormal(random, 8, 5);
        double[] scales = {1, 1e-4, 1e-8, 1e-12, 1e-15};
        for (int i = 0; i < 8; i++) {
            for (int j = 0; j < 5; j++) {
                q.set(i, j, q.re[i][j] * scales[j], q.im[i][j] * scales[j]);
            }
        }
        double[] values = SvdMethod.JACOBI.singularValues(q.toEjml());
        for (int j = 0; j < 5; j++) {
            assertEquals(scales[j], values[j], 1e-13 * scales[j]);
        }
    }

    @Test
    void theThreeWaysClipToTheSameMatrix() {
        for (int trial = 0; trial < 200; trial++) {
            ZMatrixRMaj a = matrix(trial).toEjml();
            double limit = 0.6 * SvdMethod.JACOBI.singularValues(a)[0];
            ZMatrixRMaj jacobi = SvdMethod.JACOBI.clip(a, limit);
            ZMatrixRMaj embedding = SvdMethod.EJML.clip(a, limit);
            ZMatrixRMaj gram = SvdMethod.GRAM.clip(a, limit);
            for (int i = 0; i < a.data.length; i++) {
                assertEquals(jacobi.data[i], embedding.data[i], 1e-10 * (limit + 1e-300), "trial " + trial);
                assertEquals(jacobi.data[i], gram.data[i], 1e-9 * (limit + 1e-300), "trial " + trial);
            }
            assertTrue(SvdMethod.EJML.singularValues(jacobi)[0] <= limit * (1 + 1e-12));
        }
    }

    @Test
    void clippingLeavesAMatrixInsideAlone() {
        ComplexMatrix a = gaussian(new Random(3), 7, 4);
        double largest = SvdMethod.JACOBI.singularValues(a.toEjml())[0];
        ZMatrixRMaj before = a.toEjml();
        ZMatrixRMaj after = SvdMethod.GRAM.clip(before, largest * (1 + 1e-9));
        for (int i = 0; i < before.data.length; i++) {
            assertEquals(before.data[i], after.data[i]);
        }
    }

    @Test
    void theFactorsMultiplyToTheMatrixAndAreOrthonormal() {
        for (int trial = 8; trial < 200; trial += 10) {
            ComplexMatrix a = matrix(trial);
            JacobiSvd.Decomposition svd = JacobiSvd.decompose(a.toEjml());
            ComplexMatrix product = new ComplexMatrix(a.rows(), a.columns());
            ComplexMatrix scaled = svd.u().copy();
            for (int i = 0; i < a.rows(); i++) {
                for (int j = 0; j < svd.values().length; j++) {
                    scaled.set(i, j, scaled.re[i][j] * svd.values()[j], scaled.im[i][j] * svd.values()[j]);
                }
            }
            product.addProduct(scaled, svd.v().conjugateTranspose(), 1);
            product.addProduct(identity(a.rows()), a, -1);
            assertEquals(0, product.frobenius(), 1e-12 * svd.values()[0], "trial " + trial);
            for (ComplexMatrix factor : new ComplexMatrix[] {svd.u(), svd.v()}) {
                ComplexMatrix gram = factor.gram();
                gram.addProduct(identity(gram.rows()), identity(gram.rows()), -1);
                assertEquals(0, gram.frobenius(), 1e-12, "trial " + trial);
            }
        }
    }

    private static ComplexMatrix identity(int n) {
        ComplexMatrix identity = new ComplexMatrix(n, n);
        for (int i = 0; i < n; i++) {
            identity.re[i][i] = 1;
        }
        return identity;
    }

    @Test
    void hermitianEigenvaluesEqualEjmlsTridiagonalPath() {
        Random random = new Random(11);
        for (int n = 1; n <= 24; n++) {
            ComplexMatrix gram = gaussian(random, n + random.nextInt(3), n).gram();
            double[] expected = EjmlTridiagonal.eigenvalues(gram.toEjml());
            double[] own = ConvolutionSpectrum.descending(HermitianEigen.values(gram.copy()));
            for (int i = 0; i < n; i++) {
                assertEquals(expected[i], own[i], 1e-12 * expected[0], "n = " + n);
            }
            assertTrue(Cholesky.isBelow(gram, own[0] * (1 + 1e-9)), "n = " + n);
            assertTrue(!Cholesky.isBelow(gram, own[0] * (1 - 1e-9)), "n = " + n);
        }
    }

    @Test
    void theWayWithoutVectorsRefusesToClip() {
        for (SvdMethod method : SvdMethod.values()) {
            ZMatrixRMaj a = gaussian(new Random(1), 4, 3).toEjml();
            if (method.clips()) {
                assertEquals(4, method.clip(a, 1).numRows);
            } else {
                assertThrows(UnsupportedOperationException.class, () -> method.clip(a, 1));
            }
            assertEquals(method, SvdMethod.parse(method.label()));
        }
    }

    /// All eigenvalues but one are rounding errors of that one: elements beside the diagonal stay as large as they, and some kernels were
    /// said not to converge.
    @Test
    void wideMatricesOfRankOneHaveEigenvalues() {
        Random random = new Random(5);
        for (int trial = 0; trial < 200; trial++) {
            int n = 40 + random.nextInt(40);
            ComplexMatrix column = gaussian(random, n, 1);
            ComplexMatrix row = gaussian(random, 3 * n, 1);
            ComplexMatrix a = new ComplexMatrix(3 * n, n, false);
            a.addProduct(row, column.conjugateTranspose(), 1);
            ComplexMatrix gram = a.gram();
            double expected = gram.frobenius();
            double[] values = ConvolutionSpectrum.descending(HermitianEigen.values(gram.copy()));
            assertEquals(expected, values[0], 1e-12 * expected, "trial " + trial);
            assertEquals(0, values[1], 1e-12 * expected, "trial " + trial);
            HermitianEigen.Decomposition above = HermitianEigen.above(gram, expected / 2);
            assertEquals(1, above.values().length, "trial " + trial);
            assertEquals(expected, above.values()[0], 1e-12 * expected, "trial " + trial);
        }
    }

    @ParameterizedTest
    @EnumSource(SvdMethod.class)
    void nanIsRefused(SvdMethod method) {
        ZMatrixRMaj a = gaussian(new Random(1), 4, 3).toEjml();
        a.set(2, 1, Double.NaN, 0);
        assertThrows(ArithmeticException.class, () -> method.singularValues(a));
    }
}
