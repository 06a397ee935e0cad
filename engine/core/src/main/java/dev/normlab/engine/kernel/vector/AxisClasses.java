package dev.normlab.engine.kernel.vector;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The results of a [TapAxis] sorted by which taps meet the input: results of one class use the same taps, all others would multiply
/// padding.
///
/// @param classOf the class of every result
/// @param taps    for every class the numbers of its taps, as indices into [TapAxis#taps()]: a run of ascending numbers
record AxisClasses(int[] classOf, List<int[]> taps) {

    /// The classes on an input of this size.
    static AxisClasses of(TapAxis axis, int size) {
        int[] classOf = new int[axis.count()];
        List<int[]> taps = new ArrayList<>();
        for (int i = 0; i < axis.count(); i++) {
            int known = 0;
            int[] valid = new int[axis.offsets().length];
            for (int t = 0; t < axis.offsets().length; t++) {
                int position = i * axis.step() + axis.offsets()[t];
                if (position >= 0 && position < size) {
                    valid[known++] = t;
                }
            }
            classOf[i] = indexOf(taps, Arrays.copyOf(valid, known));
        }
        return new AxisClasses(classOf, List.copyOf(taps));
    }

    private static int indexOf(List<int[]> taps, int[] valid) {
        for (int k = 0; k < taps.size(); k++) {
            if (Arrays.equals(taps.get(k), valid)) {
                return k;
            }
        }
        taps.add(valid);
        return taps.size() - 1;
    }

    /// One class of all taps, padding included.
    static AxisClasses whole(TapAxis axis) {
        int[] all = new int[axis.offsets().length];
        Arrays.setAll(all, t -> t);
        return new AxisClasses(new int[axis.count()], List.of(all));
    }

    /// How many results every class has.
    int[] counts() {
        int[] counts = new int[taps.size()];
        for (int k : classOf) {
            counts[k]++;
        }
        return counts;
    }
}
