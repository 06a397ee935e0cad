package dev.normlab.lip.norm;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/// Which kernel taps meet in one row or column of a zero-padded convolution's matrix, along one axis.
///
/// With `n` inputs, `k` taps, stride `s`, dilation `d` and padding `p` before the first input, output `a` reads through tap `t` the input
/// `a*s + t*d - p` where that lies in `[0, n)`. A *row* of the matrix belongs to an output, a *column* to an input. Since weights enter
/// norms by their absolute value, only sets that are maximal under inclusion matter; the empty set is kept only if there is no other.
///
/// Exact for every stride, padding, dilation and size, kernels larger than the image included.
public final class TapSets {

    private TapSets() {}

    /// The maximal sets `R(a) = { t : 0 <= a*s + t*d - p < n }` over all outputs `a` of `outputs`.
    public static List<List<Integer>> ofOutputs(int inputs, int outputs, int taps, int stride, int dilation, int padBefore) {
        Set<BitSet> sets = new LinkedHashSet<>();
        for (int a = 0; a < outputs; a++) {
            BitSet set = new BitSet(taps);
            for (int t = 0; t < taps; t++) {
                long input = (long) a * stride + (long) t * dilation - padBefore;
                set.set(t, input >= 0 && input < inputs);
            }
            sets.add(set);
        }
        return maximal(sets);
    }

    /// The maximal sets `S(i) = { t : s divides i + p - t*d, and 0 <= (i + p - t*d)/s < m }` over all inputs `i`, with `m` = `outputs`.
    public static List<List<Integer>> ofInputs(int inputs, int outputs, int taps, int stride, int dilation, int padBefore) {
        Set<BitSet> sets = new LinkedHashSet<>();
        for (int i = 0; i < inputs; i++) {
            BitSet set = new BitSet(taps);
            for (int t = 0; t < taps; t++) {
                long position = (long) i + padBefore - (long) t * dilation;
                set.set(t, position >= 0 && position % stride == 0 && position / stride < outputs);
            }
            sets.add(set);
        }
        return maximal(sets);
    }

    private static List<List<Integer>> maximal(Set<BitSet> sets) {
        List<List<Integer>> result = new ArrayList<>();
        for (BitSet set : sets) {
            boolean contained = set.isEmpty() && sets.size() > 1;
            for (BitSet other : sets) {
                contained |= !other.equals(set) && contains(other, set);
            }
            if (!contained) {
                result.add(set.stream().boxed().toList());
            }
        }
        return result;
    }

    private static boolean contains(BitSet outer, BitSet inner) {
        BitSet rest = (BitSet) inner.clone();
        rest.andNot(outer);
        return rest.isEmpty();
    }
}
