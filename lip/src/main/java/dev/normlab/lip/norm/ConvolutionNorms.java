package dev.normlab.lip.norm;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.SliceNormSizes.TapSet;
import java.util.ArrayList;
import java.util.List;

/// The exact l1 and linf norms of a zero-padded convolution (Liang & Huang, AAAI 2021, made exact for every geometry).
///
/// The largest absolute row or column sum of the layer's matrix is found without the matrix: the axes separate, so that with the tap sets of [TapSets]
///
///     ‖M‖∞ = max over o, (A, B) of Σ_c Σ_{t∈A} Σ_{u∈B} |K[o, c, t, u]|
///     ‖M‖₁ = max over input channels c, (A, B) of Σ_{o in the group of c} Σ_{t∈A} Σ_{u∈B} |K[o, c, t, u]|
///
/// One pass over the weights, then a tiny maximum over sets.
public final class ConvolutionNorms {

    private ConvolutionNorms() {}

    /// A norm and where it is attained.
    ///
    /// @param channel the output channel (linf) or global input channel (l1), -1 if the layer's matrix is zero because no tap reads an input
    /// @param tapSet  the index of the tap set in the sizes, -1 if there is none
    public record Value(double norm, int channel, int tapSet) {}

    /// Which slices of the weight are compared for a norm of this convolution.
    public static SliceNormSizes slices(Conv2dSizes s, Norm norm) {
        boolean byOutput = norm == Norm.LINF;
        List<List<Integer>> rows = byOutput
                ? TapSets.ofOutputs(s.h(), s.oh(), s.kh(), s.strideH(), s.dilationH(), s.padTop())
                : TapSets.ofInputs(s.h(), s.oh(), s.kh(), s.strideH(), s.dilationH(), s.padTop());
        List<List<Integer>> columns = byOutput
                ? TapSets.ofOutputs(s.w(), s.ow(), s.kw(), s.strideW(), s.dilationW(), s.padLeft())
                : TapSets.ofInputs(s.w(), s.ow(), s.kw(), s.strideW(), s.dilationW(), s.padLeft());
        List<TapSet> sets = new ArrayList<>();
        for (List<Integer> a : rows) {
            for (List<Integer> b : columns) {
                if (!a.isEmpty() && !b.isEmpty()) {
                    sets.add(new TapSet(a, b));
                }
            }
        }
        return new SliceNormSizes(s.o(), s.groupInputs(), s.kh(), s.kw(), s.groups(), byOutput, sets);
    }

    /// The slices of a linear layer `[out, in]`, seen as a convolution of one tap.
    public static SliceNormSizes linearSlices(int out, int in, Norm norm) {
        return new SliceNormSizes(out, in, 1, 1, 1, norm == Norm.LINF, List.of(new TapSet(List.of(0), List.of(0))));
    }

    /// The norm in double precision.
    ///
    /// @param weight `[o, c/groups, kh, kw]`, row-major
    public static Value norm(SliceNormSizes s, float[] weight) {
        Value best = new Value(0, -1, -1);
        for (int channel = 0; channel < s.channels(); channel++) {
            double[] taps = absoluteTaps(s, weight, channel);
            for (int set = 0; set < s.tapSets().size(); set++) {
                double sum = sum(s, taps, s.tapSets().get(set));
                if (best.channel < 0 || sum > best.norm || Double.isNaN(sum) && !Double.isNaN(best.norm)) {
                    best = new Value(sum, channel, set);
                }
            }
        }
        return best;
    }

    /// `Σ |K|` per tap `[kh, kw]`: over the inputs of one output channel, or over the outputs that one input channel reaches.
    private static double[] absoluteTaps(SliceNormSizes s, float[] weight, int channel) {
        int area = s.kh() * s.kw();
        double[] taps = new double[area];
        int groupOutputs = s.o() / s.groups();
        int count = s.byOutput() ? s.groupInputs() : groupOutputs;
        int first = s.byOutput()
                ? channel * s.groupInputs() * area
                : (channel / s.groupInputs() * groupOutputs * s.groupInputs() + channel % s.groupInputs()) * area;
        int stride = s.byOutput() ? area : s.groupInputs() * area;
        for (int i = 0; i < count; i++) {
            for (int tap = 0; tap < area; tap++) {
                taps[tap] += Math.abs(weight[first + i * stride + tap]);
            }
        }
        return taps;
    }

    private static double sum(SliceNormSizes s, double[] taps, TapSet set) {
        double sum = 0;
        for (int t : set.rows()) {
            for (int u : set.columns()) {
                sum += taps[t * s.kw() + u];
            }
        }
        return sum;
    }
}
