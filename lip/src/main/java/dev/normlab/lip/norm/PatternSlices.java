package dev.normlab.lip.norm;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.lip.norm.TapPatterns.AxisGeometry;
import java.util.List;

/// Which slices of a convolution's weight are compared for a norm when its borders are circular, reflected or replicated: the counterpart
/// of [dev.normlab.engine.kernel.SliceNormSizes] for blocks of taps instead of single ones.
///
/// A slice is one output channel (linf: a row of the matrix) or one global input channel (l1: a column) with one pattern of each axis.
/// Written with a pattern as a 0/1 matrix `E` (blocks x taps), its sum is `Σ |E_A K[o, c] E_Bᵀ|`, where blocks count as often as the
/// pattern says.
///
/// @param byOutput true for slices of one output channel (linf), false for one input channel (l1)
/// @param rows     the patterns of the kernel's rows
/// @param columns  the patterns of the kernel's columns
public record PatternSlices(int o, int groupInputs, int groups, boolean byOutput, TapPatterns rows, TapPatterns columns) {

    /// The slices of a convolution.
    ///
    /// @param s    its sizes, padding included
    /// @param mode what stands outside of the image; zero padding works as well, in more time than by tap sets
    public static PatternSlices of(Conv2dSizes s, PadMode mode, Norm norm) {
        AxisGeometry h = new AxisGeometry(mode, s.h(), s.oh(), s.kh(), s.strideH(), s.dilationH(), s.padTop());
        AxisGeometry w = new AxisGeometry(mode, s.w(), s.ow(), s.kw(), s.strideW(), s.dilationW(), s.padLeft());
        boolean byOutput = norm == Norm.LINF;
        return byOutput
                ? new PatternSlices(s.o(), s.groupInputs(), s.groups(), true, TapPatterns.ofOutputs(h), TapPatterns.ofOutputs(w))
                : new PatternSlices(s.o(), s.groupInputs(), s.groups(), false, TapPatterns.ofInputs(h), TapPatterns.ofInputs(w));
    }

    /// Number of channels that are compared: `o`, or all `groupInputs * groups` input channels.
    public int channels() {
        return byOutput ? o : groupInputs * groups;
    }

    /// Taps of a kernel.
    public int area() {
        return rows.taps() * columns.taps();
    }

    /// Products of a block of rows and a block of columns.
    public int blockPairs() {
        return rows.blocks().size() * columns.blocks().size();
    }

    /// Products of a pattern of rows and a pattern of columns.
    public int patternPairs() {
        return rows.patterns().size() * columns.patterns().size();
    }

    /// How often a block pair occurs in a pattern pair.
    public int multiplicity(int patternPair, int blockPair) {
        List<Integer> row = rows.patterns().get(patternPair / columns.patterns().size());
        List<Integer> column = columns.patterns().get(patternPair % columns.patterns().size());
        return row.get(blockPair / columns.blocks().size()) * column.get(blockPair % columns.blocks().size());
    }

    /// The norm in double precision and where it is attained; `tapSet` is the index of the pattern pair.
    ///
    /// @param weight `[o, c/groups, kh, kw]`, row-major
    public ConvolutionNorms.Value norm(float[] weight) {
        ConvolutionNorms.Value best = new ConvolutionNorms.Value(0, -1, -1);
        for (int channel = 0; channel < channels(); channel++) {
            ConvolutionNorms.Value value = norm(weight, channel);
            if (best.channel() < 0 || value.norm() > best.norm() || Double.isNaN(value.norm()) && !Double.isNaN(best.norm())) {
                best = value;
            }
        }
        return best;
    }

    /// The largest sum of one channel's slices.
    public ConvolutionNorms.Value norm(float[] weight, int channel) {
        double[] table = blockSums(weight, channel);
        ConvolutionNorms.Value best = new ConvolutionNorms.Value(0, channel, -1);
        for (int pattern = 0; pattern < patternPairs(); pattern++) {
            double sum = 0;
            for (int pair = 0; pair < table.length; pair++) {
                sum += multiplicity(pattern, pair) * table[pair];
            }
            if (best.tapSet() < 0 || sum > best.norm() || Double.isNaN(sum) && !Double.isNaN(best.norm())) {
                best = new ConvolutionNorms.Value(sum, channel, pattern);
            }
        }
        return best;
    }

    /// `Σ |Σ K|` per block pair: the inner sum over the block pair's taps, the outer one over the kernels of the channel.
    private double[] blockSums(float[] weight, int channel) {
        double[] table = new double[blockPairs()];
        for (int kernel : kernels(channel)) {
            int first = kernel * area();
            for (int pair = 0; pair < table.length; pair++) {
                double sum = 0;
                for (int t : rows.blocks().get(pair / columns.blocks().size())) {
                    for (int u : columns.blocks().get(pair % columns.blocks().size())) {
                        sum += weight[first + t * columns.taps() + u];
                    }
                }
                table[pair] += Math.abs(sum);
            }
        }
        return table;
    }

    /// The kernels `o * groupInputs + c` that belong to a channel: all inputs of an output channel, or all outputs that an input channel
    /// reaches.
    public int[] kernels(int channel) {
        int groupOutputs = o / groups;
        int[] kernels = new int[byOutput ? groupInputs : groupOutputs];
        for (int i = 0; i < kernels.length; i++) {
            kernels[i] = byOutput
                    ? channel * groupInputs + i
                    : (channel / groupInputs * groupOutputs + i) * groupInputs + channel % groupInputs;
        }
        return kernels;
    }
}
