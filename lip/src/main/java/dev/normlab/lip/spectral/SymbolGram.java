package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.StoragePool;
import dev.normlab.lip.spectral.CircularSymbol.Places;
import dev.normlab.lip.spectral.HermitianLanczos.Complex;
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
/// Matrices are arrays of rows, lent by the device's pool; they go back at the end.
final class SymbolGram implements AutoCloseable {

    // Gram matrices that one worker makes in one pass over the products: several, unless they are large.
    private static final int TOGETHER = 3;
    private static final int LARGE = 512;

    // Outputs whose weights one chunk of work copies, and the side of squares that are transposed at once.
    private static final int STRIP = 32;
    private static final int SQUARE = 32;

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
    // [workers, TOGETHER or 1]
    private final Gram[][] perWorker;
    private final HermitianLanczos[] lanczos;

    /// What adds up to `P_d·exp(iω·d) + P_dᵀ·exp(-iω·d)`: `even·cos(ω·d) + i·odd·sin(ω·d)`.
    ///
    /// @param even `P_d + P_dᵀ`
    /// @param odd  `P_d - P_dᵀ`
    private record Difference(int h, int w, float[][] even, float[][] odd) {}

    /// The Gram matrix at one frequency.
    private record Gram(float[][] re, float[][] im) {}

    /// A frequency, in radians for each position along the columns and along the rows.
    record WaveVector(double f, double g) {

        WaveVector moved(double df, double dg) {
            return new WaveVector(f + df, g + dg);
        }

        private double angle(int h, int w) {
            return f * h + g * w;
        }
    }

    /// A singular value with its right singular vector (of the transposed matrix where that is the one with fewer columns).
    record Right(double value, Complex vector) {}

    /// Makes the products.
    ///
    /// @param s large enough that no tap goes around
    SymbolGram(CircularConvolution s, float[] weight, int group, Device device) {
        this.places = new Places(s);
        this.rows = places.rows();
        this.columns = places.columns();
        this.transposed = places.transposed();
        this.pool = device.pool();
        this.taps = new float[places.lags()][];
        this.perWorker = new Gram[device.workers().threads()][columns > LARGE ? 1 : TOGETHER];
        this.lanczos = new HermitianLanczos[perWorker.length];
        try {
            for (int lag = 0; lag < taps.length; lag++) {
                taps[lag] = zeros(rows * columns);
            }
            this.constant = matrix();
            for (int worker = 0; worker < perWorker.length; worker++) {
                Arrays.setAll(perWorker[worker], _ -> new Gram(matrix(), matrix()));
                lanczos[worker] = new HermitianLanczos(columns);
            }
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
            int from = strip * STRIP;
            int to = Math.min(places.outputs(), from + STRIP);
            for (int ic = 0; ic < places.channels(); ic++) {
                for (int tap = 0; tap < places.taps(); tap++) {
                    copyTap(weight, group, from, to, ic, tap);
                }
            }
        });
    }

    // One tap of the outputs `from` to before `to`: where matrices are not transposed they lie side by side.
    private void copyTap(float[] weight, int group, int from, int to, int ic, int tap) {
        float[] matrix = taps[places.lag(tap)];
        int input = places.input(ic, tap);
        int next = places.index(group, 1, ic, tap) - places.index(group, 0, ic, tap);
        int index = places.index(group, from, ic, tap);
        int place = transposed ? from * rows + input : input * rows + from;
        for (int io = from; io < to; io++) {
            matrix[place] += weight[index];
            index += next;
            place += transposed ? rows : 1;
        }
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
                            (strip, _) -> Rows.add(sum, product, strip * STRIP * columns,
                                    Math.min(columns, (strip + 1) * STRIP) * columns));
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
    float[] inputs(Right right, WaveVector at) {
        if (!transposed) {
            return interleaved(right.vector.re(), right.vector.im(), columns, 1);
        }
        Complex v = right.vector;
        float[] re = new float[rows];
        float[] im = new float[rows];
        for (int lag = 0; lag < taps.length; lag++) {
            double angle = at.angle(places.lagH()[lag], places.lagW()[lag]);
            double cos = StrictMath.cos(angle);
            double sin = StrictMath.sin(angle);
            for (int column = 0; column < columns; column++) {
                float p = (float) (cos * v.re()[column] - sin * v.im()[column]);
                float q = (float) (cos * v.im()[column] + sin * v.re()[column]);
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

    /// The largest singular value at some frequencies, by Lanczos.
    ///
    /// @param start     of at least `columns` values, from which each search starts; from zeros the value is 0
    /// @param mostSteps products with a Gram matrix
    /// @param worker    who computes
    Right[] run(Complex start, int mostSteps, int worker, WaveVector... at) {
        Gram[] grams = perWorker[worker];
        Right[] found = new Right[at.length];
        for (int from = 0; from < at.length; from += grams.length) {
            WaveVector[] some = Arrays.copyOfRange(at, from, Math.min(at.length, from + grams.length));
            moveTo(some, grams);
            for (int i = 0; i < some.length; i++) {
                HermitianLanczos.Pair pair = lanczos[worker].run(grams[i].re, grams[i].im, start, mostSteps);
                found[from + i] = new Right(Math.sqrt(Math.max(0, pair.value())), pair.vector());
            }
        }
        return found;
    }

    // Row by row, so that the differences' rows are read once for all frequencies.
    private void moveTo(WaveVector[] at, Gram[] grams) {
        int count = differences.size();
        float[][] cos = new float[at.length][count + 3]; // zeros at the end: differences are added four at a time
        float[][] sin = new float[at.length][count + 3];
        for (int i = 0; i < at.length; i++) {
            for (int k = 0; k < count; k++) {
                double angle = at[i].angle(differences.get(k).h, differences.get(k).w);
                cos[i][k] = (float) StrictMath.cos(angle);
                sin[i][k] = (float) StrictMath.sin(angle);
            }
        }
        for (int row = 0; row < columns; row++) {
            for (int i = 0; i < at.length; i++) {
                System.arraycopy(constant[row], 0, grams[i].re[row], 0, columns);
                Arrays.fill(grams[i].im[row], 0f);
            }
            for (int k = 0; k < count; k += 4) {
                Difference a = differences.get(k);
                Difference b = differences.get(Math.min(k + 1, count - 1));
                Difference c = differences.get(Math.min(k + 2, count - 1));
                Difference d = differences.get(Math.min(k + 3, count - 1));
                for (int i = 0; i < at.length; i++) {
                    Rows.add(grams[i].re[row], columns, cos[i][k], a.even[row], cos[i][k + 1], b.even[row], cos[i][k + 2],
                            c.even[row],
                            cos[i][k + 3], d.even[row]);
                    Rows.add(grams[i].im[row], columns, sin[i][k], a.odd[row], sin[i][k + 1], b.odd[row], sin[i][k + 2],
                            c.odd[row],
                            sin[i][k + 3], d.odd[row]);
                }
            }
        }
    }
}
