package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.Workers;
import dev.normlab.lip.norm.ConvolutionNorms;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.norm.PatternSlices;

/// A guaranteed upper bound of a layer's l2 norm, its largest singular value.
///
/// For a zero-padded convolution it is the smallest of
///
/// - the norm of the whole matrix, if that is small enough to be written down;
/// - the largest singular value of the circular convolution that contains it, on a torus just so much larger that no output reads across
///   its seam
///   ([CircularConvolution#around]; taps that only ever read padding are left out). The circular convolution on the image's own size is
///   *not* a bound;
/// - `sqrt(‖M‖₁·‖M‖∞)`.
///
/// For other borders it is the smaller one of the last and of what [#ofConvolution(Conv2dSizes, PadMode, float[], Workers)] says.
///
/// All are raised by what rounding in double precision can take away, so that the guarantee is one of the numbers, not only of the formula.
///
/// @param source which one it is
public record L2Bound(double value, Source source) {

    // Above this smaller side the matrix itself takes longer than its torus.
    private static final int LARGEST_DENSE = 256;
    private static final long MOST_DENSE = 1L << 21;

    /// Where a bound comes from.
    public enum Source {
        /// The singular values of the whole matrix.
        MATRIX,
        /// The circular convolution around it.
        TORUS,
        /// `sqrt(‖M‖₁·‖M‖∞)`.
        L1_LINF
    }

    /// The bound of a zero-padded convolution of one image.
    ///
    /// @param weight `[o, c/groups, kh, kw]`, row-major
    /// @throws ArithmeticException if the weights are not finite
    public static L2Bound ofConvolution(Conv2dSizes s, float[] weight, Workers workers) {
        ConvolutionSpectrum.requireFinite(weight);
        long rows = (long) s.o() * s.oh() * s.ow();
        long columns = (long) s.c() * s.h() * s.w();
        if (Math.min(rows, columns) <= LARGEST_DENSE && rows * columns <= MOST_DENSE) {
            double largest = largest(DenseConvolution.matrix(s, weight));
            return l1Linf(s, weight).orSmaller(new L2Bound(largest, Source.MATRIX));
        }
        return ofTorus(s, weight, workers);
    }

    /// The bound of a convolution of one image with any borders.
    ///
    /// A circular border that makes the layer a convolution on a torus has the norm of that. Any other border is a linear map before an
    /// unpadded convolution; its norm is the square root of how often it reads the pixel that it reads most often. `sqrt(‖M‖₁·‖M‖∞)` is
    /// taken where it is smaller.
    ///
    /// @param weight `[o, c/groups, kh, kw]`, row-major
    /// @throws ArithmeticException if the weights are not finite
    public static L2Bound ofConvolution(Conv2dSizes s, PadMode mode, float[] weight, Workers workers) {
        if (mode == PadMode.ZERO) {
            return ofConvolution(s, weight, workers);
        }
        L2Bound sums = l1Linf(s, mode, weight);
        if (CircularConvolution.is(s, mode)) {
            return sums.orSmaller(new L2Bound(ofTorus(CircularConvolution.of(s), weight, workers), Source.TORUS));
        }
        double border = Math
                .sqrt((double) mostReads(s.h(), s.padTop(), s.padBottom(), mode) * mostReads(s.w(), s.padLeft(), s.padRight(), mode));
        L2Bound unpadded = ofConvolution(ConvolutionOperator.unpadded(s), weight, workers);
        return sums.orSmaller(new L2Bound(unpadded.value * border * (1 + 0x1p-50), unpadded.source));
    }

    private static int mostReads(int size, int before, int after, PadMode mode) {
        int[] reads = new int[size];
        int most = 0;
        for (int position = -before; position < size + after; position++) {
            most = Math.max(most, ++reads[mode.source(position, size)]);
        }
        return most;
    }

    private static double ofTorus(CircularConvolution torus, float[] weight, Workers workers) {
        ConvolutionSpectrum.requireFinite(weight);
        double largest = 0;
        for (int group = 0; group < torus.groups(); group++) {
            CircularSymbol symbol = CircularSymbol.of(torus, weight, group).prepare(workers);
            largest = Math.max(largest, Rounding.raised(ConvolutionSpectrum.largest(symbol, workers), symbol));
        }
        return largest;
    }

    /// The bound of a zero-padded convolution without its whole matrix.
    ///
    /// @param weight `[o, c/groups, kh, kw]`, row-major
    /// @throws ArithmeticException if the weights are not finite
    public static L2Bound ofTorus(Conv2dSizes s, float[] weight, Workers workers) {
        ConvolutionSpectrum.requireFinite(weight);
        double largest = ofTorus(CircularConvolution.around(s), LiveTaps.of(s, weight), workers);
        return l1Linf(s, weight).orSmaller(new L2Bound(largest, Source.TORUS));
    }

    /// The bound of a matrix `[rows, columns]`, row-major: its norm, raised by what rounding can take away.
    ///
    /// @throws ArithmeticException if the weights are not finite
    public static L2Bound ofMatrix(int rows, int columns, float[] matrix) {
        ConvolutionSpectrum.requireFinite(matrix);
        boolean tall = rows >= columns;
        ComplexMatrix dense = new ComplexMatrix(tall ? rows : columns, tall ? columns : rows, true);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                dense.set(tall ? i : j, tall ? j : i, matrix[i * columns + j], 0);
            }
        }
        return new L2Bound(largest(dense), Source.MATRIX);
    }

    private static double largest(ComplexMatrix tall) {
        double computed = GramSvd.ofGram(tall.gram())[0];
        return Rounding.raised(computed, tall.rows(), tall.columns(), tall.frobenius());
    }

    private static L2Bound l1Linf(Conv2dSizes s, float[] weight) {
        double l1 = ConvolutionNorms.norm(ConvolutionNorms.slices(s, Norm.L1), weight).norm();
        double linf = ConvolutionNorms.norm(ConvolutionNorms.slices(s, Norm.LINF), weight).norm();
        return new L2Bound(Math.sqrt(l1 * linf) * (1 + 0x1p-50 * weight.length), Source.L1_LINF);
    }

    private static L2Bound l1Linf(Conv2dSizes s, PadMode mode, float[] weight) {
        double squared = raisedNorm(PatternSlices.of(s, mode, Norm.L1), weight) * raisedNorm(PatternSlices.of(s, mode, Norm.LINF), weight);
        return new L2Bound(Math.sqrt(squared) * (1 + 0x1p-50), Source.L1_LINF);
    }

    /// An exact norm of sums of taps that may cancel: what rounding takes is a share of the same sums of absolute taps.
    private static double raisedNorm(PatternSlices slices, float[] weight) {
        float[] magnitudes = weight.clone();
        for (int i = 0; i < magnitudes.length; i++) {
            magnitudes[i] = Math.abs(magnitudes[i]);
        }
        return slices.norm(weight).norm() + 0x1p-50 * (weight.length + slices.blockPairs()) * slices.norm(magnitudes).norm();
    }

    private L2Bound orSmaller(L2Bound other) {
        return other.value < value ? other : this;
    }
}
