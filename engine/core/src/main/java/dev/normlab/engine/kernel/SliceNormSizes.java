package dev.normlab.engine.kernel;

import java.util.List;

/// Which sums of absolute weights are compared to find the induced l1 or linf norm of a layer with weight `[o, c/groups, kh, kw]`.
///
/// A *slice* is one output channel (linf: a row of the layer's matrix) or one global input channel (l1: a column) with one *tap set*: a set
/// of the `kh * kw` kernel positions that meet in that row or column. The norm is the largest sum of `|weight|` over a slice. Linear layers
/// have `kh = kw = 1`.
///
/// @param byOutput true for slices of one output channel (linf), false for one input channel (l1)
/// @param tapSets  the distinct maximal tap sets; an empty list means that the layer's matrix is zero
public record SliceNormSizes(int o, int groupInputs, int kh, int kw, int groups, boolean byOutput, List<TapSet> tapSets) {

    private static final List<TapSet> ONE_TAP = List.of(new TapSet(List.of(0), List.of(0)));

    /// Copies the set.
    public SliceNormSizes {
        tapSets = List.copyOf(tapSets);
    }

    /// Number of channels that are compared: `o`, or all `groupInputs * groups` input channels.
    public int channels() {
        return byOutput ? o : groupInputs * groups;
    }

    /// The same slices with the taps counted as inputs, if these are slices of one output channel in which all taps always meet: then only
    /// whole rows of the weight matter.
    public SliceNormSizes wholeRows() {
        boolean whole = byOutput && tapSets.size() == 1 && tapSets.getFirst().rows().size() == kh
                && tapSets.getFirst().columns().size() == kw;
        return whole ? new SliceNormSizes(o, groupInputs * kh * kw, 1, 1, groups, true, ONE_TAP) : this;
    }

    /// How many `kh x kw` filters belong to one channel: those of its output, or one of every output in its group.
    public int filters() {
        return byOutput ? groupInputs : o / groups;
    }

    /// The position in `[o, c/groups]` of filter number `i` of a channel.
    public int filter(int channel, int i) {
        if (byOutput) {
            return channel * groupInputs + i;
        }
        int io = channel / groupInputs * (o / groups) + i;
        return io * groupInputs + channel % groupInputs;
    }

    /// A product of tap rows and tap columns.
    ///
    /// @param rows    the tap rows, ascending
    /// @param columns the tap columns, ascending
    public record TapSet(List<Integer> rows, List<Integer> columns) {

        /// Copies the lists.
        public TapSet {
            rows = List.copyOf(rows);
            columns = List.copyOf(columns);
        }
    }
}
