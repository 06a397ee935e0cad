package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.StoragePool;
import dev.normlab.lip.spectral.CircularSymbol.Places;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A few Lanczos steps for the largest singular value of a convolution's matrix at any frequency, in single precision and quickly: a
/// search, not a measurement.
///
/// Complex vectors are interleaved outside and a pair of arrays inside. The matrix is kept by rows and by columns, so that all loops add
/// multiples of one part of an array to another. Matrices are lent by the device's pool and go back at the end.
final class SymbolLanczos implements AutoCloseable {

    // Outputs whose weights one chunk of work copies.
    private static final int STRIP = 32;
    private static final int SQUARE = 32;

    private final int rows;
    private final int columns;
    private final boolean transposed;
    private final int[] lagH;
    private final int[] lagW;
    private final float[][][] byRows;
    private final float[][][] byColumns;
    private final StoragePool pool;
    private final List<float[]> lent = new ArrayList<>();
    private final AtFrequency[] perWorker;

    /// The largest singular value found, with its right singular vector, interleaved, and the image of that vector.
    record Triple(double value, float[] right, float[] image) {}

    SymbolLanczos(CircularConvolution s, float[] weight, int group, Device device) {
        Places places = new Places(s);
        this.rows = places.rows();
        this.columns = places.columns();
        this.transposed = places.rows() != places.outputs() || places.columns() != places.inputs();
        this.lagH = places.lagH();
        this.lagW = places.lagW();
        this.pool = device.pool();
        this.byRows = new float[places.lags()][][];
        this.byColumns = new float[places.lags()][][];
        for (int lag = 0; lag < byRows.length; lag++) {
            byRows[lag] = zeros(rows, columns);
            byColumns[lag] = zeros(columns, rows);
        }
        this.perWorker = new AtFrequency[device.workers().threads()];
        Arrays.setAll(perWorker, _ -> new AtFrequency());
        int strips = (places.outputs() + STRIP - 1) / STRIP;
        device.workers().run(strips, (strip, _) -> {
            int to = Math.min(places.outputs(), (strip + 1) * STRIP);
            places.forEachWeight(group, strip * STRIP, to, (index, lag, row, column) -> byRows[lag][row][column] += weight[index]);
        });
        device.workers().run(byRows.length, (lag, _) -> transpose(byRows[lag], byColumns[lag]));
    }

    // In squares, so that what is read and what is written stays in the cache.
    private void transpose(float[][] from, float[][] to) {
        for (int row = 0; row < rows; row += SQUARE) {
            for (int column = 0; column < columns; column += SQUARE) {
                for (int j = column; j < Math.min(columns, column + SQUARE); j++) {
                    for (int i = row; i < Math.min(rows, row + SQUARE); i++) {
                        to[j][i] = from[i][j];
                    }
                }
            }
        }
    }

    private float[][] zeros(int count, int length) {
        float[][] matrix = new float[count][];
        for (int i = 0; i < count; i++) {
            matrix[i] = pool.takeFloats(length, true);
            lent.add(matrix[i]);
            Arrays.fill(matrix[i], 0f);
        }
        return matrix;
    }

    @Override
    public void close() {
        lent.forEach(pool::giveBack);
        lent.clear();
    }

    int columns() {
        return columns;
    }

    /// The vector of inputs (interleaved) that belongs to a triple: its right vector, or the conjugate of its image where the matrices are
    /// transposed.
    float[] inputVector(Triple triple) {
        if (!transposed) {
            return triple.right;
        }
        float[] conjugate = triple.image.clone();
        for (int i = 1; i < conjugate.length; i += 2) {
            conjugate[i] = -conjugate[i];
        }
        return conjugate;
    }

    /// The matrix at a frequency, in radians for each position; valid until the worker asks for another.
    AtFrequency at(double f, double g, int worker) {
        AtFrequency matrix = perWorker[worker];
        matrix.moveTo(f, g);
        return matrix;
    }

    /// The matrix at one frequency.
    final class AtFrequency {

        private final float[][] rowsRe = zeros(rows, columns);
        private final float[][] rowsIm = zeros(rows, columns);
        private final float[][] columnsRe = zeros(columns, rows);
        private final float[][] columnsIm = zeros(columns, rows);

        private List<float[][]> parts() {
            return List.of(rowsRe, rowsIm, columnsRe, columnsIm);
        }

        private void moveTo(double f, double g) {
            for (float[][] part : parts()) {
                for (float[] row : part) {
                    Arrays.fill(row, 0f);
                }
            }
            for (int lag = 0; lag < lagH.length; lag += 3) {
                float[] cos = new float[3];
                float[] sin = new float[3];
                int[] at = new int[3];
                for (int k = 0; k < 3; k++) {
                    boolean counts = lag + k < lagH.length;
                    at[k] = counts ? lag + k : lag;
                    double angle = f * lagH[at[k]] + g * lagW[at[k]];
                    cos[k] = counts ? (float) StrictMath.cos(angle) : 0f;
                    sin[k] = counts ? (float) StrictMath.sin(angle) : 0f;
                }
                add(rowsRe, rowsIm, columns, cos, sin, byRows[at[0]], byRows[at[1]], byRows[at[2]]);
                add(columnsRe, columnsIm, rows, cos, sin, byColumns[at[0]], byColumns[at[1]], byColumns[at[2]]);
            }
        }

        /// Lanczos from a vector of inputs, interleaved.
        Triple fromInputs(float[] vector, int mostSteps) {
            if (!transposed) {
                return run(vector, mostSteps);
            }
            float[] x = part(vector, 0);
            float[] y = part(vector, 1);
            for (int i = 0; i < y.length; i++) {
                y[i] = -y[i];
            }
            float[] re = new float[columns];
            float[] im = new float[columns];
            applyAdjoint(x, y, re, im);
            return run(interleaved(re, im), mostSteps);
        }

        /// Lanczos on `SᴴS` from a vector, with full reorthogonalisation.
        ///
        /// @param start interleaved, `2·columns`; from zero the value is 0
        Triple run(float[] start, int mostSteps) {
            int steps = Math.min(mostSteps, columns);
            float[][] re = new float[steps][];
            float[][] im = new float[steps][];
            double[] d = new double[steps];
            double[] e = new double[steps];
            float[] x = part(start, 0);
            float[] y = part(start, 1);
            double length = Math.sqrt(square(x, y));
            scale(x, y, length > 0 ? 1 / length : 0);
            float[] imageRe = new float[rows];
            float[] imageIm = new float[rows];
            int k = 0;
            while (true) {
                re[k] = x;
                im[k] = y;
                apply(x, y, imageRe, imageIm);
                d[k] = square(imageRe, imageIm);
                k++;
                if (k == steps) {
                    break;
                }
                x = new float[columns];
                y = new float[columns];
                applyAdjoint(imageRe, imageIm, x, y);
                for (int i = k - 1; i >= 0; i--) {
                    double innerRe = dot(re[i], x) + dot(im[i], y);
                    double innerIm = dot(re[i], y) - dot(im[i], x);
                    add(x, (float) -innerRe, re[i], (float) innerIm, im[i]);
                    add(y, (float) -innerRe, im[i], (float) -innerIm, re[i]);
                }
                e[k - 1] = Math.sqrt(square(x, y));
                if (!(e[k - 1] > 1e-5 * d[0])) {
                    break;
                }
                scale(x, y, 1 / e[k - 1]);
            }
            return largest(Arrays.copyOf(d, k), Arrays.copyOf(e, k), re, im);
        }

        private Triple largest(double[] d, double[] e, float[][] re, float[][] im) {
            int k = d.length;
            double[][] z = new double[k][k];
            for (int i = 0; i < k; i++) {
                z[i][i] = 1;
            }
            e[k - 1] = 0;
            HermitianEigen.implicitQl(d, e, z);
            int best = 0;
            for (int i = 1; i < k; i++) {
                best = d[i] > d[best] ? i : best;
            }
            float[] x = new float[columns];
            float[] y = new float[columns];
            for (int i = 0; i < k; i++) {
                add(x, (float) z[best][i], re[i]);
                add(y, (float) z[best][i], im[i]);
            }
            float[] imageRe = new float[rows];
            float[] imageIm = new float[rows];
            apply(x, y, imageRe, imageIm);
            return new Triple(Math.sqrt(Math.max(0, d[best])), interleaved(x, y), interleaved(imageRe, imageIm));
        }

        private void apply(float[] x, float[] y, float[] outRe, float[] outIm) {
            Arrays.fill(outRe, 0f);
            Arrays.fill(outIm, 0f);
            multiply(columnsRe, columnsIm, rows, x, y, 1, outRe, outIm);
        }

        private void applyAdjoint(float[] x, float[] y, float[] outRe, float[] outIm) {
            multiply(rowsRe, rowsIm, columns, x, y, -1, outRe, outIm);
        }
    }

    private static float[] part(float[] interleaved, int which) {
        float[] part = new float[interleaved.length / 2];
        for (int i = 0; i < part.length; i++) {
            part[i] = interleaved[2 * i + which];
        }
        return part;
    }

    private static float[] interleaved(float[] re, float[] im) {
        float[] both = new float[2 * re.length];
        for (int i = 0; i < re.length; i++) {
            both[2 * i] = re[i];
            both[2 * i + 1] = im[i];
        }
        return both;
    }

    /// Adds the arrays of a matrix, or their conjugates with `sign = -1`, times the numbers of a vector, two at a time.
    ///
    /// @param length of the arrays, which may be longer
    private static void multiply(float[][] re, float[][] im, int length, float[] x, float[] y, float sign, float[] outRe, float[] outIm) {
        for (int i = 0; i < re.length; i += 2) {
            int next = Math.min(i + 1, re.length - 1);
            float p = i + 1 < re.length ? x[next] : 0f;
            float q = i + 1 < re.length ? y[next] : 0f;
            add(outRe, length, x[i], re[i], -sign * y[i], im[i], p, re[next], -sign * q, im[next]);
            add(outIm, length, y[i], re[i], sign * x[i], im[i], q, re[next], sign * p, im[next]);
        }
    }

    // The same index everywhere, in arrays of their own: the compiler makes vectors of it.
    private static void add(float[] y, int length, float a, float[] x, float b, float[] z, float c, float[] u, float d, float[] v) {
        for (int i = 0; i < length; i++) {
            y[i] += a * x[i] + b * z[i] + (c * u[i] + d * v[i]);
        }
    }

    private static void add(float[][] re, float[][] im, int length, float[] cos, float[] sin, float[][] p, float[][] q, float[][] r) {
        for (int i = 0; i < re.length; i++) {
            add(re[i], length, cos[0], p[i], cos[1], q[i], cos[2], r[i]);
            add(im[i], length, sin[0], p[i], sin[1], q[i], sin[2], r[i]);
        }
    }

    private static void add(float[] y, int length, float a, float[] x, float b, float[] z, float c, float[] u) {
        for (int i = 0; i < length; i++) {
            y[i] += a * x[i] + b * z[i] + c * u[i];
        }
    }

    private static void add(float[] y, float a, float[] x) {
        for (int i = 0; i < x.length; i++) {
            y[i] += a * x[i];
        }
    }

    private static void add(float[] y, float a, float[] x, float b, float[] z) {
        for (int i = 0; i < x.length; i++) {
            y[i] += a * x[i] + b * z[i];
        }
    }

    private static void scale(float[] x, float[] y, double factor) {
        float f = (float) factor;
        for (int i = 0; i < x.length; i++) {
            x[i] *= f;
            y[i] *= f;
        }
    }

    private static double square(float[] x, float[] y) {
        return dot(x, x) + dot(y, y);
    }

    private static double dot(float[] x, float[] y) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += (double) x[i] * y[i];
        }
        return sum;
    }
}
