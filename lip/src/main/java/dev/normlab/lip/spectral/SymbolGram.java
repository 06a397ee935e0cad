package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.StoragePool;
import dev.normlab.lip.spectral.CircularSymbol.Places;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The largest singular value of a convolution's matrix `S(ω) = Σ_l W_l·exp(iω·l)` at any frequency, and its right singular vector, in
/// single precision and quickly: a search, not a measurement.
///
/// `SᴴS = Σ_d P_d·exp(iω·d)` with `P_d = Σ_l W_lᵀ·W_(l+d)`. These products of taps are made once, two differences `d` and `-d` together;
/// then the Gram matrix of a frequency is a sum of real matrices, and a step of Lanczos one product with it: of the smaller side, and in a
/// core's own cache. A hundred frequencies cost about as much as the products.
///
/// Complex vectors are pairs of arrays. Matrices are arrays of rows, so that all loops add multiples of one array to another. They are
/// lent by the device's pool and go back at the end.
final class SymbolGram implements AutoCloseable {

    // Outputs whose weights one chunk of work copies, and the side of squares that are transposed at once.
    private static final int STRIP = 32;
    private static final int SQUARE = 32;
    // Relative to the first Rayleigh quotient: a vector that is shorter is rounding.
    private static final double NOISE = 1e-5;

    private final int rows;
    private final int columns;
    private final boolean transposed;
    private final Places places;
    private final StoragePool pool;
    private final List<float[]> lent = new ArrayList<>();
    // [lags]: [columns, rows]
    private final float[][] taps;
    private final float[][] constant;
    private final List<Difference> differences = new ArrayList<>();
    private final AtFrequency[] perWorker;

    /// What adds up to `P_d·exp(iω·d) + P_dᵀ·exp(-iω·d)`: `even·cos(ω·d) + i·odd·sin(ω·d)`.
    ///
    /// @param even `P_d + P_dᵀ`
    /// @param odd  `P_d - P_dᵀ`
    private record Difference(int h, int w, float[][] even, float[][] odd) {}

    /// A singular value with its right singular vector (of the transposed matrix where that is the one with fewer columns).
    record Right(double value, float[] re, float[] im) {}

    /// Makes the products.
    ///
    /// @param s large enough that no tap goes around
    SymbolGram(CircularConvolution s, float[] weight, int group, Device device) {
        this.places = new Places(s);
        this.rows = places.rows();
        this.columns = places.columns();
        this.transposed = places.rows() != places.outputs() || places.columns() != places.inputs();
        this.pool = device.pool();
        this.taps = new float[places.lags()][];
        for (int lag = 0; lag < taps.length; lag++) {
            taps[lag] = zeros(rows * columns);
        }
        this.constant = matrix();
        this.perWorker = new AtFrequency[device.workers().threads()];
        Arrays.setAll(perWorker, _ -> new AtFrequency());
        try {
            copyTaps(weight, group, device);
            addProducts(device);
        } catch (RuntimeException | Error failure) {
            close();
            throw failure;
        }
    }

    private void copyTaps(float[] weight, int group, Device device) {
        int strips = (places.outputs() + STRIP - 1) / STRIP;
        device.workers().run(strips, (strip, _) -> {
            int to = Math.min(places.outputs(), (strip + 1) * STRIP);
            places.forEachWeight(group, strip * STRIP, to, (index, lag, row, column) -> taps[lag][column * rows + row] += weight[index]);
        });
    }

    private record Offset(int h, int w) {

        /// Whether this and not its negative stands for both.
        boolean leads() {
            return h > 0 || h == 0 && w >= 0;
        }

        boolean isNone() {
            return h == 0 && w == 0;
        }
    }

    private record Lags(int first, int second) {}

    private void addProducts(Device device) {
        Map<Offset, List<Lags>> pairs = new LinkedHashMap<>();
        for (int first = 0; first < taps.length; first++) {
            for (int second = 0; second < taps.length; second++) {
                Offset offset = new Offset(places.lagH()[second] - places.lagH()[first], places.lagW()[second] - places.lagW()[first]);
                if (offset.leads()) {
                    pairs.computeIfAbsent(offset, _ -> new ArrayList<>()).add(new Lags(first, second));
                }
            }
        }
        float[] sum = lend(columns * columns);
        float[] product = lend(columns * columns);
        pairs.forEach((offset, all) -> {
            for (int i = 0; i < all.size(); i++) {
                multiply(all.get(i), i == 0 ? sum : product, device);
                if (i > 0) {
                    device.workers().run((columns + STRIP - 1) / STRIP,
                            (strip, _) -> add(sum, product, strip * STRIP * columns, Math.min(columns, (strip + 1) * STRIP) * columns));
                }
            }
            Difference difference = new Difference(offset.h, offset.w, offset.isNone() ? constant : matrix(), matrix());
            int squares = (columns + SQUARE - 1) / SQUARE;
            device.workers().run(squares, (square, _) -> split(sum, square * SQUARE, offset.isNone() ? 0.5f : 1, difference));
            if (!offset.isNone()) {
                differences.add(difference);
            }
        });
    }

    private void multiply(Lags lags, float[] product, Device device) {
        device.kernels().matrices().gemm(new GemmSizes(columns, columns, rows, false, true), matrix(lags.first), matrix(lags.second), null,
                Storage.ofFloats(Shape.of(columns, columns), Layout.PLAIN, product), device.workspace());
    }

    private Storage matrix(int lag) {
        return Storage.ofFloats(Shape.of(columns, rows), Layout.PLAIN, taps[lag]);
    }

    // factor·(P + Pᵀ) and factor·(P - Pᵀ), some rows of them, in squares that stay in the cache.
    private void split(float[] p, int firstRow, float factor, Difference d) {
        for (int column = 0; column < columns; column += SQUARE) {
            for (int i = firstRow; i < Math.min(columns, firstRow + SQUARE); i++) {
                for (int j = column; j < Math.min(columns, column + SQUARE); j++) {
                    float here = factor * p[i * columns + j];
                    float there = factor * p[j * columns + i];
                    d.even[i][j] = here + there;
                    d.odd[i][j] = here - there;
                }
            }
        }
    }

    private float[][] matrix() {
        float[][] matrix = new float[columns][];
        Arrays.setAll(matrix, _ -> lend(columns));
        return matrix;
    }

    private float[] zeros(int length) {
        float[] array = lend(length);
        Arrays.fill(array, 0f);
        return array;
    }

    private float[] lend(int length) {
        float[] array = pool.takeFloats(length, true);
        lent.add(array);
        return array;
    }

    @Override
    public void close() {
        lent.forEach(pool::giveBack);
        lent.clear();
    }

    /// The length of the vectors: the smaller side of the matrices.
    int columns() {
        return columns;
    }

    /// The vector of inputs that belongs to a right vector at a frequency: itself, or the conjugate of its image where the matrices are
    /// transposed. Interleaved.
    float[] inputs(Right right, double f, double g) {
        if (!transposed) {
            return interleaved(right.re, right.im, columns, 1);
        }
        float[] re = new float[rows];
        float[] im = new float[rows];
        for (int lag = 0; lag < taps.length; lag++) {
            double angle = f * places.lagH()[lag] + g * places.lagW()[lag];
            double cos = StrictMath.cos(angle);
            double sin = StrictMath.sin(angle);
            for (int column = 0; column < columns; column++) {
                float p = (float) (cos * right.re[column] - sin * right.im[column]);
                float q = (float) (cos * right.im[column] + sin * right.re[column]);
                for (int row = 0; row < rows; row++) {
                    float tap = taps[lag][column * rows + row];
                    re[row] += p * tap;
                    im[row] += q * tap;
                }
            }
        }
        return interleaved(re, im, rows, -1);
    }

    private static float[] interleaved(float[] re, float[] im, int length, float sign) {
        float[] both = new float[2 * length];
        for (int i = 0; i < length; i++) {
            both[2 * i] = re[i];
            both[2 * i + 1] = sign * im[i];
        }
        return both;
    }

    /// The Gram matrix at a frequency, in radians for each position; valid until the worker asks for another.
    AtFrequency at(double f, double g, int worker) {
        AtFrequency matrix = perWorker[worker];
        matrix.moveTo(f, g);
        return matrix;
    }

    /// The Gram matrix at one frequency.
    final class AtFrequency {

        private final float[][] re = matrix();
        private final float[][] im = matrix();
        // what the product adds up to
        private final float[] sumRe = zeros(columns);
        private final float[] sumIm = zeros(columns);

        private void moveTo(double f, double g) {
            int count = differences.size();
            float[] cos = new float[count + 3]; // zeros at the end: differences are added four at a time
            float[] sin = new float[count + 3];
            for (int k = 0; k < count; k++) {
                double angle = f * differences.get(k).h + g * differences.get(k).w;
                cos[k] = (float) StrictMath.cos(angle);
                sin[k] = (float) StrictMath.sin(angle);
            }
            for (int row = 0; row < columns; row++) {
                System.arraycopy(constant[row], 0, re[row], 0, columns);
                Arrays.fill(im[row], 0f);
                for (int k = 0; k < count; k += 4) {
                    Difference a = differences.get(k);
                    Difference b = differences.get(Math.min(k + 1, count - 1));
                    Difference c = differences.get(Math.min(k + 2, count - 1));
                    Difference d = differences.get(Math.min(k + 3, count - 1));
                    add(re[row], columns, cos[k], a.even[row], cos[k + 1], b.even[row], cos[k + 2], c.even[row], cos[k + 3], d.even[row]);
                    add(im[row], columns, sin[k], a.odd[row], sin[k + 1], b.odd[row], sin[k + 2], c.odd[row], sin[k + 3], d.odd[row]);
                }
            }
        }

        /// Lanczos from a vector.
        ///
        /// @param startRe   its real part, at least `columns` long
        /// @param startIm   its imaginary part; from a vector of zeros the value is 0
        /// @param mostSteps products with the matrix
        Right run(float[] startRe, float[] startIm, int mostSteps) {
            int steps = Math.min(mostSteps, columns);
            float[][] x = new float[steps][columns];
            float[][] y = new float[steps][columns];
            double[] d = new double[steps];
            double[] e = new double[steps];
            set(x[0], y[0], startRe, startIm, Math.sqrt(square(startRe, startIm)));
            int k = 0;
            while (true) {
                apply(x[k], y[k]);
                d[k] = dot(x[k], sumRe) + dot(y[k], sumIm);
                add(sumRe, columns, (float) -d[k], x[k], k == 0 ? 0f : (float) -e[k - 1], x[Math.max(0, k - 1)]);
                add(sumIm, columns, (float) -d[k], y[k], k == 0 ? 0f : (float) -e[k - 1], y[Math.max(0, k - 1)]);
                e[k] = Math.sqrt(square(sumRe, sumIm));
                k++;
                if (k == steps || !(e[k - 1] > NOISE * d[0])) {
                    break;
                }
                set(x[k], y[k], sumRe, sumIm, e[k - 1]);
            }
            return largest(Arrays.copyOf(d, k), Arrays.copyOf(e, k), x, y);
        }

        private Right largest(double[] d, double[] e, float[][] x, float[][] y) {
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
            float[] right = new float[columns];
            float[] imaginary = new float[columns];
            for (int i = 0; i < k; i++) {
                add(right, columns, (float) z[best][i], x[i], 0, x[i]);
                add(imaginary, columns, (float) z[best][i], y[i], 0, y[i]);
            }
            set(right, imaginary, right, imaginary, Math.sqrt(square(right, imaginary)));
            return new Right(Math.sqrt(Math.max(0, d[best])), right, imaginary);
        }

        // sum = G·(x + iy): columns are the conjugates of rows.
        private void apply(float[] x, float[] y) {
            Arrays.fill(sumRe, 0f);
            Arrays.fill(sumIm, 0f);
            int i = 0;
            for (; i + 1 < columns; i += 2) {
                add(sumRe, columns, x[i], re[i], y[i], im[i], x[i + 1], re[i + 1], y[i + 1], im[i + 1]);
                add(sumIm, columns, y[i], re[i], -x[i], im[i], y[i + 1], re[i + 1], -x[i + 1], im[i + 1]);
            }
            if (i < columns) {
                add(sumRe, columns, x[i], re[i], y[i], im[i]);
                add(sumIm, columns, y[i], re[i], -x[i], im[i]);
            }
        }

        private double square(float[] x, float[] y) {
            return dot(x, x) + dot(y, y);
        }

        private double dot(float[] x, float[] y) {
            double a = 0;
            double b = 0;
            double c = 0;
            double d = 0;
            int i = 0;
            for (; i + 3 < columns; i += 4) {
                a += (double) x[i] * y[i];
                b += (double) x[i + 1] * y[i + 1];
                c += (double) x[i + 2] * y[i + 2];
                d += (double) x[i + 3] * y[i + 3];
            }
            for (; i < columns; i++) {
                a += (double) x[i] * y[i];
            }
            return a + b + (c + d);
        }

        // x, y = fromRe, fromIm divided by their length
        private void set(float[] x, float[] y, float[] fromRe, float[] fromIm, double length) {
            float factor = length > 0 ? (float) (1 / length) : 0f;
            for (int i = 0; i < columns; i++) {
                x[i] = factor * fromRe[i];
                y[i] = factor * fromIm[i];
            }
        }
    }

    // The same index everywhere, in arrays of their own: the compiler makes vectors of it.
    private static void add(float[] y, int length, float a, float[] x, float b, float[] z, float c, float[] u, float d, float[] v) {
        for (int i = 0; i < length; i++) {
            y[i] += a * x[i] + b * z[i] + (c * u[i] + d * v[i]);
        }
    }

    private static void add(float[] y, int length, float a, float[] x, float b, float[] z) {
        for (int i = 0; i < length; i++) {
            y[i] += a * x[i] + b * z[i];
        }
    }

    private static void add(float[] y, float[] x, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] += x[i];
        }
    }
}
