package dev.normlab.lip.spectral;

import dev.normlab.engine.kernel.Workers;
import java.util.Arrays;

/// All singular values of a circular convolution (Sedghi, Gupta & Long, The Singular Values of Convolutional Layers, ICLR 2019), extended
/// to strides, groups and dilation.
///
/// The layer's matrix is block-diagonal over frequencies, and each block is a small matrix of channels (see `CircularSymbol`): its singular
/// values together are those of the layer. Frequencies `ω` and `-ω` have conjugate blocks and share their values, which halves the work.
/// Groups are blocks of their own. Frequencies run in parallel; results do not depend on the number of threads.
public final class ConvolutionSpectrum {

    // Frequencies that one chunk of work looks at: the number is fixed by the work alone.
    private static final int MOST_CHUNKS = 64;

    private ConvolutionSpectrum() {}

    /// All `min(rows, columns)` singular values of the layer's matrix, largest first; what the blocks lack is filled up with zeros.
    ///
    /// @param weight `[o, c/groups, kh, kw]`, row-major
    /// @throws ArithmeticException if the weights are not finite
    public static double[] values(CircularConvolution s, float[] weight, SvdMethod method, Workers workers) {
        requireFinite(weight);
        double[] all = new double[s.singularValues()];
        int filled = 0;
        for (int group = 0; group < s.groups(); group++) {
            CircularSymbol symbol = CircularSymbol.of(s, weight, group).prepare(workers);
            boolean byLags = method == SvdMethod.GRAM && symbol.gramByLagsIsCheaper();
            CircularSymbol gram = byLags ? symbol.gram(workers) : symbol;
            double[][] perFrequency = new double[symbol.frequencies().size()][];
            workers.run(perFrequency.length, (k, _) -> perFrequency[k] = byLags
                    ? GramSvd.ofGram(gram.at(k))
                    : method.singularValues(symbol.at(k)));
            for (int k = 0; k < perFrequency.length; k++) {
                for (int copy = 0; copy < symbol.frequencies().get(k).weight(); copy++) {
                    System.arraycopy(perFrequency[k], 0, all, filled, perFrequency[k].length);
                    filled += perFrequency[k].length;
                }
            }
        }
        return descending(all);
    }

    /// The largest singular value: that of [#values] by the Gram matrices, without the others.
    ///
    /// Most frequencies cost a Cholesky factorisation only, which shows that they have no larger value than one that is known.
    ///
    /// @param weight `[o, c/groups, kh, kw]`, row-major
    /// @throws ArithmeticException if the weights are not finite
    public static double largest(CircularConvolution s, float[] weight, Workers workers) {
        requireFinite(weight);
        double largest = 0;
        for (int group = 0; group < s.groups(); group++) {
            largest = Math.max(largest, largest(CircularSymbol.of(s, weight, group).prepare(workers), workers));
        }
        return largest;
    }

    static double largest(CircularSymbol symbol, Workers workers) {
        boolean byLags = symbol.gramByLagsIsCheaper();
        CircularSymbol gram = byLags ? symbol.gram(workers) : symbol;
        int frequencies = symbol.frequencies().size();
        int chunks = Math.min(MOST_CHUNKS, (frequencies + 3) / 4);
        double[] squares = new double[chunks];
        workers.run(chunks, (chunk, _) -> {
            for (int k = chunk; k < frequencies; k += chunks) {
                ComplexMatrix g = byLags ? gram.at(k) : symbol.at(k).gram();
                if (!Cholesky.isBelow(g, squares[chunk])) {
                    for (double value : HermitianEigen.values(g)) {
                        squares[chunk] = Math.max(squares[chunk], value);
                    }
                }
            }
        });
        return Math.sqrt(Arrays.stream(squares).max().orElse(0));
    }

    static double[] descending(double[] values) {
        Arrays.sort(values);
        for (int i = 0, j = values.length - 1; i < j; i++, j--) {
            double value = values[i];
            values[i] = values[j];
            values[j] = value;
        }
        return values;
    }

    static void requireFinite(float[] weight) {
        for (int i = 0; i < weight.length; i++) {
            if (!Float.isFinite(weight[i])) {
                throw new ArithmeticException("weight number " + i + " is " + weight[i] + ": the layer has no singular values");
            }
        }
    }
}
