package dev.normlab.engine.kernel;

import dev.normlab.engine.kernel.SliceNormSizes.TapSet;
import org.jspecify.annotations.Nullable;

/// The slice of the largest sum of absolute weights: the norm of a layer and where it is attained.
///
/// @param norm    the sum; 0 if there are no tap sets
/// @param channel the slice's channel as [SliceNormSizes#channels()] counts them, -1 if there are no tap sets
/// @param tapSet  the index of its tap set, -1 if there are none
public record LargestSlice(double norm, int channel, int tapSet) {

    /// Compares all slices, in double precision. The lowest channel, then the lowest tap set wins ties; the first NaN counts as the
    /// largest.
    ///
    /// @param table sums of absolute weights `[channels, kh, kw]`, from [UpdateKernels#absoluteSums]
    /// @param scale a factor for every channel, or null
    public static LargestSlice of(SliceNormSizes s, double[] table, float @Nullable [] scale) {
        int[][] sets = new int[s.tapSets().size()][];
        for (int i = 0; i < sets.length; i++) {
            sets[i] = taps(s, s.tapSets().get(i));
        }
        double largest = 0;
        int channel = -1, tapSet = -1;
        for (int ic = 0; ic < s.channels(); ic++) {
            int start = ic * s.kh() * s.kw();
            double factor = scale == null ? 1 : scale[ic];
            for (int i = 0; i < sets.length; i++) {
                double sum = 0;
                for (int tap : sets[i]) {
                    sum += table[start + tap];
                }
                sum *= factor;
                if (channel < 0 || sum > largest || Double.isNaN(sum) && !Double.isNaN(largest)) {
                    largest = sum;
                    channel = ic;
                    tapSet = i;
                }
            }
        }
        return new LargestSlice(largest, channel, tapSet);
    }

    private static int[] taps(SliceNormSizes s, TapSet set) {
        int[] taps = new int[set.rows().size() * set.columns().size()];
        int next = 0;
        for (int row : set.rows()) {
            for (int column : set.columns()) {
                taps[next++] = row * s.kw() + column;
            }
        }
        return taps;
    }
}
