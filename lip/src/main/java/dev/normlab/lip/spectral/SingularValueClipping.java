package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Workers;
import dev.normlab.lip.spectral.CircularSymbol.Places;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// Singular value clipping of a circular convolution (Sedghi, Gupta & Long, ICLR 2019) and of a matrix: the weights move towards the
/// nearest ones whose singular values are at most `limit`.
///
/// One *pass* clips the matrix of every frequency and keeps of the result what lies on the kernel's own taps. Both steps are orthogonal
/// projections, but the second breaks what the first has reached: after a single pass, as the paper does it, the norm is well above the
/// limit (2 becomes 2.26 for a 16 x 8 x 3 x 3 kernel). Repeated, the passes converge to a kernel that satisfies both. Finally the kernel
/// may be scaled by the measured norm, so that the limit holds in any case.
///
/// What is bounded is the circular layer. For a zero-padded one see [PaddedClipping].
public final class SingularValueClipping {

    // Complex numbers of frequencies that are in memory at once.
    private static final long MOST_AT_ONCE = 1L << 22;

    // Passes after the first go this much further than the projection: half as many are needed, and the result lies hardly farther away. A
    // first pass that does so loses far more of the kernel than it must.
    private static final double REPEATED_STEP = 1.8;

    private SingularValueClipping() {}

    /// How to clip.
    ///
    /// @param limit     the largest singular value allowed
    /// @param passes    the most passes; they end earlier when the norm is at most `limit·(1 + tolerance)`
    /// @param tolerance when repeated passes end
    /// @param rescale   whether the kernel is finally scaled down by its measured norm, if that is above `limit`
    /// @param method    how singular values are found
    public record Options(double limit, int passes, double tolerance, boolean rescale, SvdMethod method) {

        /// Checks the values.
        ///
        /// @throws IllegalArgumentException if the limit is not positive, there is no pass, or the tolerance is negative
        public Options {
            if (!(limit > 0 && limit < Double.POSITIVE_INFINITY) || passes < 1 || !(tolerance >= 0)) {
                throw new IllegalArgumentException(
                        "singular value clipping needs a positive limit, at least one pass and a tolerance of at least 0, "
                                + "but got " + limit + ", " + passes + " and " + tolerance);
            }
        }

        /// A single pass, as in the paper: the norm afterwards may be above the limit.
        public static Options once(double limit) {
            return new Options(limit, 1, 0, false, SvdMethod.GRAM);
        }

        /// Passes until the norm is at most `limit·(1 + 1e-4)`, at most 100, then scaling.
        public static Options repeat(double limit) {
            return new Options(limit, 100, 1e-4, true, SvdMethod.GRAM);
        }
    }

    /// The clipped weights.
    ///
    /// @param weight as given, in a new array
    /// @param before the norm before, or the limit if no singular value was above it: the weights are then the same bit for bit
    /// @param after  the norm after
    /// @param passes how many changed the weights
    public record Result(float[] weight, double before, double after, int passes) {}

    /// Clips a circular convolution.
    ///
    /// @param weight `[o, c/groups, kh, kw]`, row-major, not modified
    /// @throws ArithmeticException if the weights are not finite
    public static Result circular(CircularConvolution s, float[] weight, Options options, Workers workers) {
        ConvolutionSpectrum.requireFinite(weight);
        float[] clipped = weight.clone();
        double before = options.limit();
        int passes = 0;
        while (passes < options.passes()) {
            double step = passes == 0 ? 1 : REPEATED_STEP;
            double largest = pass(s, clipped, options.limit(), options.tolerance(), step, options.method(), workers);
            before = passes == 0 ? largest : before;
            if (largest <= options.limit() * (1 + options.tolerance())) {
                return new Result(clipped, before, largest, passes);
            }
            passes++;
        }
        double after = ConvolutionSpectrum.largest(s, clipped, workers);
        if (options.rescale() && after > options.limit()) {
            after = scale(clipped, options.limit() / after) * after;
        }
        return new Result(clipped, before, after, passes);
    }

    /// One pass without measuring the norm afterwards: what training takes part in every few steps.
    ///
    /// @param weight changed in place
    /// @return the norm before, or the limit if no singular value was above it
    /// @throws ArithmeticException if the weights are not finite
    public static double pass(CircularConvolution s, float[] weight, double limit, SvdMethod method, Workers workers) {
        ConvolutionSpectrum.requireFinite(weight);
        return pass(s, weight, limit, 0, 1, method, workers);
    }

    /// Clips a matrix `[rows, columns]`, row-major: the nearest one whose singular values are at most the limit.
    ///
    /// @param matrix not modified
    /// @throws ArithmeticException if the weights are not finite
    public static Result matrix(int rows, int columns, float[] matrix, double limit, SvdMethod method) {
        ConvolutionSpectrum.requireFinite(matrix);
        boolean tall = rows >= columns;
        ComplexMatrix a = new ComplexMatrix(tall ? rows : columns, tall ? columns : rows, true);
        for (int i = 0; i < matrix.length; i++) {
            int row = i / columns;
            int column = i % columns;
            a.set(tall ? row : column, tall ? column : row, matrix[i], 0);
        }
        Excess excess = Excess.of(a, limit, method);
        float[] clipped = matrix.clone();
        ComplexMatrix taken = excess.matrix();
        if (taken == null) {
            return new Result(clipped, limit, limit, 0);
        }
        for (int i = 0; i < clipped.length; i++) {
            int row = i / columns;
            int column = i % columns;
            clipped[i] = (float) (matrix[i] - taken.re[tall ? row : column][tall ? column : row]);
        }
        return new Result(clipped, excess.largest(), limit, 1);
    }

    /// Multiplies all weights by a factor below 1 so that no rounding makes up for it, and gives the factor.
    static double scale(float[] weight, double factor) {
        double reduced = factor * (1 - 0x1p-22);
        for (int i = 0; i < weight.length; i++) {
            weight[i] = (float) (weight[i] * reduced);
        }
        return reduced;
    }

    /// One pass in place: `K ← K - step·P(E)`, with `E` the kernel of what is above the limit at each frequency and `P` the restriction to
    /// the taps.
    ///
    /// @param tolerance if no value is above `limit·(1 + tolerance)`, nothing is changed
    /// @return the norm before, or the limit if it was not above it
    static double pass(CircularConvolution s, float[] weight, double limit, double tolerance, double step, SvdMethod method,
            Workers workers) {
        List<double[][][]> taken = new ArrayList<>();
        double largest = limit;
        for (int group = 0; group < s.groups(); group++) {
            CircularSymbol symbol = CircularSymbol.of(s, weight, group).prepare(workers);
            double[][][] excess = new double[symbol.lags()][symbol.rows()][symbol.columns()];
            largest = Math.max(largest, addExcess(symbol, limit, method, excess, workers));
            taken.add(excess);
        }
        if (largest > limit * (1 + tolerance)) {
            Places places = new Places(s);
            for (int group = 0; group < s.groups(); group++) {
                double[][][] excess = taken.get(group);
                places.forEachWeight(group, (index, lag, row, column) -> {
                    double share = excess[lag][row][column] / places.sharing(index % (s.kh() * s.kw()));
                    weight[index] = (float) (weight[index] - step * share);
                });
            }
        }
        return largest;
    }

    /// Adds the inverse Fourier transform, at the symbol's lags, of what is above the limit at all frequencies:
    /// `E_l = 1/(hw) · Σ_ω Re(E(ω)·exp(-iω·l))`.
    ///
    /// @return the largest singular value, or the limit if none is above it
    private static double addExcess(CircularSymbol symbol, double limit, SvdMethod method, double[][][] sums, Workers workers) {
        List<Frequency> frequencies = symbol.frequencies();
        int atOnce = (int) Math.max(1, Math.min(frequencies.size(), MOST_AT_ONCE / ((long) symbol.rows() * symbol.columns())));
        double largest = limit;
        for (int first = 0; first < frequencies.size(); first += atOnce) {
            int from = first;
            Excess[] found = new Excess[Math.min(atOnce, frequencies.size() - from)];
            workers.run(found.length, (k, _) -> found[k] = Excess.of(symbol.at(from + k), limit, method));
            int[] clipped = IntStream.range(0, found.length).filter(k -> found[k].matrix() != null).toArray();
            workers.run(symbol.rows(), (row, _) -> {
                for (int k : clipped) {
                    addExcess(symbol, frequencies.get(from + k), found[k], sums, row);
                }
            });
            largest = Math.max(largest, Arrays.stream(found).mapToDouble(Excess::largest).max().orElse(limit));
        }
        return largest;
    }

    private static void addExcess(CircularSymbol symbol, Frequency frequency, Excess excess, double[][][] sums, int row) {
        ComplexMatrix matrix = excess.matrix();
        if (matrix == null) {
            return;
        }
        double share = frequency.weight() / (double) symbol.positions();
        for (int lag = 0; lag < symbol.lags(); lag++) {
            Rows.add(sums[lag][row], share * symbol.cos(frequency, lag), matrix.re[row], share * symbol.sin(frequency, lag), matrix.im[row],
                    0, symbol.columns());
        }
    }
}
