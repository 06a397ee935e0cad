package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Workers;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The matrices of one group of a circular convolution, one for each frequency: `S(ω) = Σ_l M_l · exp(iω·l)` over a few lags `l` on a
/// torus.
///
/// A convolution of stride `s` on `h x w` pixels is a convolution of stride 1 on the `h/s x w/s` outputs, once the `s²` pixels under each
/// output are regarded as channels: tap position `td mod h = l·s + a` reads phase `a` at lag `l`. Regrouping pixels changes no singular
/// value. (The same matrices up to a rotation of their columns as from folding the frequencies `f + q·h/s`, and without its factor `1/s`.)
///
/// Matrices are kept *tall*: with fewer outputs than inputs, all are transposed.
final class CircularSymbol {

    // With more lags a fast Fourier transform takes fewer operations than the sum over lags.
    private static final int MOST_DIRECT_LAGS = 36;
    private static final long MOST_TRANSFORMED = 1L << 25;

    private final int rows;
    private final int columns;
    private final int h;
    private final int w;
    private final int[] lagH;
    private final int[] lagW;
    private final double[][][] matrices;
    private final RootsOfUnity roots;
    private final List<Frequency> frequencies;
    private ComplexMatrix @Nullable [] transformed;

    CircularSymbol(int rows, int columns, int h, int w, int[] lagH, int[] lagW, double[][][] matrices) {
        this.rows = rows;
        this.columns = columns;
        this.h = h;
        this.w = w;
        this.lagH = lagH;
        this.lagW = lagW;
        this.matrices = matrices;
        this.roots = new RootsOfUnity(h * w);
        this.frequencies = Frequency.of(h, w);
    }

    /// The symbol of one group.
    ///
    /// @param weight `[o, c/groups, kh, kw]` of the whole layer
    static CircularSymbol of(CircularConvolution s, float[] weight, int group) {
        Places places = new Places(s);
        int rows = places.rows();
        int columns = places.columns();
        double[][][] matrices = new double[places.lags()][rows][columns];
        places.forEachWeight(group, (index, lag, row, column) -> matrices[lag][row][column] += weight[index]);
        return new CircularSymbol(rows, columns, s.outputRows(), s.outputColumns(), places.lagH(), places.lagW(), matrices);
    }

    int rows() {
        return rows;
    }

    int columns() {
        return columns;
    }

    int lags() {
        return matrices.length;
    }

    /// The number of positions of the torus, and of frequencies.
    int positions() {
        return h * w;
    }

    /// `M_l` for the lag of this number.
    double[][] matrix(int lag) {
        return matrices[lag];
    }

    /// One of every pair of frequencies.
    List<Frequency> frequencies() {
        return frequencies;
    }

    /// Prepares many evaluations: kernels of many taps are transformed as a whole, if that fits the memory.
    CircularSymbol prepare(Workers workers) {
        if (matrices.length > MOST_DIRECT_LAGS && (long) frequencies.size() * rows * columns <= MOST_TRANSFORMED) {
            transformAll(workers);
        }
        return this;
    }

    /// `S(ω)` for one of [#frequencies], a new matrix.
    ComplexMatrix at(int index) {
        Frequency frequency = frequencies.get(index);
        ComplexMatrix[] known = transformed;
        if (known != null) {
            return known[index].copy();
        }
        ComplexMatrix s = new ComplexMatrix(rows, columns, !frequency.paired());
        for (int lag = 0; lag < matrices.length; lag += 2) {
            int next = Math.min(lag + 1, matrices.length - 1);
            double counts = lag + 1 < matrices.length ? 1 : 0;
            double c = cos(frequency, lag);
            double d = counts * cos(frequency, next);
            double p = sin(frequency, lag);
            double q = counts * sin(frequency, next);
            for (int i = 0; i < rows; i++) {
                Rows.add(s.re[i], c, matrices[lag][i], d, matrices[next][i], 0, columns);
                if (frequency.paired()) {
                    Rows.add(s.im[i], p, matrices[lag][i], q, matrices[next][i], 0, columns);
                }
            }
        }
        return s;
    }

    /// `cos(ω·l)`.
    double cos(Frequency frequency, int lag) {
        return roots.cos(angle(frequency, lag));
    }

    /// `sin(ω·l)`.
    double sin(Frequency frequency, int lag) {
        return roots.sin(angle(frequency, lag));
    }

    private int angle(Frequency frequency, int lag) {
        return (int) (((long) frequency.f() * lagH[lag] % h * w + (long) frequency.g() * lagW[lag] % w * h) % ((long) h * w));
    }

    /// All matrices by one 2-D transform for each element: the weights lie on an image at their lags.
    private void transformAll(Workers workers) {
        ComplexMatrix[] all = new ComplexMatrix[frequencies.size()];
        for (int k = 0; k < all.length; k++) {
            all[k] = new ComplexMatrix(rows, columns, !frequencies.get(k).paired());
        }
        FourierTransform alongColumns = new FourierTransform(h);
        FourierTransform alongRows = new FourierTransform(w);
        workers.run(rows, (i, _) -> {
            for (int j = 0; j < columns; j++) {
                double[] re = new double[h * w];
                double[] im = new double[h * w];
                for (int lag = 0; lag < matrices.length; lag++) {
                    // at minus the lag, because a transform has exp(-iω·j)
                    re[(h - lagH[lag]) % h * w + (w - lagW[lag]) % w] += matrices[lag][i][j];
                }
                FourierTransform.forward2d(alongColumns, alongRows, re, im);
                for (int k = 0; k < all.length; k++) {
                    Frequency frequency = frequencies.get(k);
                    int at = frequency.f() * w + frequency.g();
                    all[k].set(i, j, re[at], frequency.paired() ? im[at] : 0);
                }
            }
        });
        transformed = all;
    }

    /// The symbol of the Gram matrices, `S(ω)ᴴ·S(ω) = Σ_l R_l·exp(iω·l)` with `R_l = Σ_(b - a = l) M_aᵀ·M_b`: products of real matrices for
    /// pairs of taps instead of complex ones for every frequency.
    CircularSymbol gram(Workers workers) {
        List<int[]> lags = new ArrayList<>();
        Map<Integer, List<int[]>> pairs = new LinkedHashMap<>();
        for (int a = 0; a < matrices.length; a++) {
            for (int b = 0; b < matrices.length; b++) {
                int differenceH = Math.floorMod(lagH[b] - lagH[a], h);
                int differenceW = Math.floorMod(lagW[b] - lagW[a], w);
                pairs.computeIfAbsent(differenceH * w + differenceW, _ -> {
                    lags.add(new int[] {differenceH, differenceW});
                    return new ArrayList<>();
                }).add(new int[] {a, b});
            }
        }
        double[][][] products = new double[lags.size()][columns][columns];
        int[] gramLagH = lags.stream().mapToInt(lag -> lag[0]).toArray();
        int[] gramLagW = lags.stream().mapToInt(lag -> lag[1]).toArray();
        List<Integer> keys = List.copyOf(pairs.keySet());
        int strip = 16;
        int strips = (columns + strip - 1) / strip;
        workers.run(strips * keys.size(), (chunk, _) -> {
            int lag = chunk / strips;
            int mirrored = (h - gramLagH[lag]) % h * w + (w - gramLagW[lag]) % w;
            if (keys.get(lag) <= mirrored) {
                int from = chunk % strips * strip;
                for (int[] pair : pairs.getOrDefault(keys.get(lag), List.of())) {
                    addTransposedProduct(products[lag], matrices[pair[0]], matrices[pair[1]], from, Math.min(columns, from + strip));
                }
            }
        });
        for (int lag = 0; lag < keys.size(); lag++) {
            int mirrored = (h - gramLagH[lag]) % h * w + (w - gramLagW[lag]) % w;
            if (keys.get(lag) > mirrored) {
                transpose(products[keys.indexOf(mirrored)], products[lag]);
            }
        }
        return new CircularSymbol(columns, columns, h, w, gramLagH, gramLagW, products);
    }

    /// Rows `from` to before `to` of `R += Aᵀ·B`.
    private void addTransposedProduct(double[][] r, double[][] a, double[][] b, int from, int to) {
        int k = 0;
        for (; k + 4 <= rows; k += 4) {
            for (int i = from; i < to; i++) {
                Rows.add(r[i], a[k][i], b[k], a[k + 1][i], b[k + 1], a[k + 2][i], b[k + 2], a[k + 3][i], b[k + 3], 0, columns);
            }
        }
        for (; k < rows; k++) {
            for (int i = from; i < to; i++) {
                Rows.add(r[i], a[k][i], b[k], 0, columns);
            }
        }
    }

    private static void transpose(double[][] from, double[][] to) {
        for (int i = 0; i < from.length; i++) {
            for (int j = 0; j < from.length; j++) {
                to[i][j] = from[j][i];
            }
        }
    }

    /// Whether [#gram] takes fewer operations than the product at every frequency.
    boolean gramByLagsIsCheaper() {
        double byLags = matrices.length * (matrices.length + 1.0);
        double byFrequencies = 4.0 * frequencies.size();
        return byLags < byFrequencies && matrices.length <= MOST_DIRECT_LAGS;
    }

    /// Where every weight of a group lies in the symbol's matrices.
    static final class Places {

        private final CircularConvolution s;
        private final int phases;
        private final boolean transposed;
        private final int[] lagOfTap;
        private final int[] phaseOfTap;
        private final List<int[]> lags = new ArrayList<>();

        /// Receives a weight's index in `[o, c/groups, kh, kw]`, its lag, and its row and column.
        @FunctionalInterface
        interface Visitor {

            void weight(int index, int lag, int row, int column);
        }

        Places(CircularConvolution s) {
            this.s = s;
            this.phases = s.strideH() * s.strideW();
            this.transposed = s.o() / s.groups() < s.c() / s.groups() * phases;
            this.lagOfTap = new int[s.kh() * s.kw()];
            this.phaseOfTap = new int[s.kh() * s.kw()];
            Map<Integer, Integer> known = new LinkedHashMap<>();
            for (int t = 0; t < s.kh(); t++) {
                for (int u = 0; u < s.kw(); u++) {
                    int row = (int) ((long) t * s.dilationH() % s.h());
                    int column = (int) ((long) u * s.dilationW() % s.w());
                    int lagH = row / s.strideH();
                    int lagW = column / s.strideW();
                    int tap = t * s.kw() + u;
                    phaseOfTap[tap] = row % s.strideH() * s.strideW() + column % s.strideW();
                    lagOfTap[tap] = known.computeIfAbsent(lagH * s.outputColumns() + lagW, _ -> {
                        lags.add(new int[] {lagH, lagW});
                        return lags.size() - 1;
                    });
                }
            }
        }

        int outputs() {
            return s.o() / s.groups();
        }

        int inputs() {
            return s.c() / s.groups() * phases;
        }

        int rows() {
            return transposed ? inputs() : outputs();
        }

        int columns() {
            return transposed ? outputs() : inputs();
        }

        int lags() {
            return lags.size();
        }

        int[] lagH() {
            return lags.stream().mapToInt(lag -> lag[0]).toArray();
        }

        int[] lagW() {
            return lags.stream().mapToInt(lag -> lag[1]).toArray();
        }

        /// How many taps lie at the lag and phase of this tap: more than one if the kernel goes around the torus.
        int sharing(int tap) {
            int count = 0;
            for (int other = 0; other < lagOfTap.length; other++) {
                count += lagOfTap[other] == lagOfTap[tap] && phaseOfTap[other] == phaseOfTap[tap] ? 1 : 0;
            }
            return count;
        }

        void forEachWeight(int group, Visitor visitor) {
            for (int io = 0; io < outputs(); io++) {
                for (int ic = 0; ic < channels(); ic++) {
                    for (int tap = 0; tap < taps(); tap++) {
                        int input = input(ic, tap);
                        visitor.weight(index(group, io, ic, tap), lagOfTap[tap], transposed ? input : io, transposed ? io : input);
                    }
                }
            }
        }

        int channels() {
            return s.c() / s.groups();
        }

        int taps() {
            return lagOfTap.length;
        }

        int lag(int tap) {
            return lagOfTap[tap];
        }

        /// The column, or row if [#transposed], of a group's channel that meets a tap.
        int input(int ic, int tap) {
            return ic * phases + phaseOfTap[tap];
        }

        /// A weight's index in `[o, c/groups, kh, kw]`.
        int index(int group, int io, int ic, int tap) {
            return ((group * outputs() + io) * channels() + ic) * taps() + tap;
        }

        /// Whether rows are inputs and columns outputs.
        boolean transposed() {
            return transposed;
        }
    }
}
