package dev.normlab.lip.norm;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.LargestSlice;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.SliceNormSizes.TapSet;
import dev.normlab.engine.tensor.Storage;
import java.util.ArrayList;
import java.util.List;

/// The exact l1 and linf norms of a zero-padded convolution (Liang & Huang, AAAI 2021, made exact for every geometry).
///
/// The largest absolute row or column sum of the layer's matrix is found without the matrix: the axes separate, so that with the tap sets
/// of [TapSets]
///
///     ‖M‖∞ = max over o, (A, B) of Σ_c Σ_{t∈A} Σ_{u∈B} |K[o, c, t, u]|
///     ‖M‖₁ = max over input channels c, (A, B) of Σ_{o in the group of c} Σ_{t∈A} Σ_{u∈B} |K[o, c, t, u]|
///
/// One pass over the weights, then a tiny maximum over sets.
public final class ConvolutionNorms {

    private ConvolutionNorms() {}

    /// A norm and where it is attained.
    ///
    /// @param channel the output channel (linf) or global input channel (l1), -1 if the layer's matrix is zero because no tap reads an
    ///     input
    /// @param tapSet  the index of the tap set in the sizes, -1 if there is none
    public record Value(double norm, int channel, int tapSet) {

        private static Value of(LargestSlice slice) {
            return new Value(slice.norm(), slice.channel(), slice.tapSet());
        }
    }

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

    /// The norm in double precision, from plain loops.
    ///
    /// @param weight `[o, c/groups, kh, kw]`, row-major
    public static Value norm(SliceNormSizes s, float[] weight) {
        int taps = s.kh() * s.kw();
        double[] table = new double[s.channels() * taps];
        for (int io = 0; io < s.o(); io++) {
            for (int ic = 0; ic < s.groupInputs(); ic++) {
                int channel = s.byOutput() ? io : io / (s.o() / s.groups()) * s.groupInputs() + ic;
                for (int tap = 0; tap < taps; tap++) {
                    table[channel * taps + tap] += Math.abs(weight[(io * s.groupInputs() + ic) * taps + tap]);
                }
            }
        }
        return Value.of(LargestSlice.of(s, table, null));
    }

    /// The norm at the speed at which a device reads the weights: in double precision for weights of less than 1 MB, else within 1.8e-7
    /// of itself and for random weights within about 1e-9.
    ///
    /// @param weight `[o, c/groups, kh, kw]`, row-major
    public static Value norm(SliceNormSizes s, Storage weight, Device device) {
        SliceNormSizes slices = s.wholeRows();
        double[] table = device.workspace().scratchDoubles(0, "table of a norm", slices.channels() * slices.kh() * slices.kw());
        device.kernels().updates().absoluteSums(slices, weight, table, device.workspace());
        return Value.of(LargestSlice.of(slices, table, null));
    }
}
