package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.List;

/// Moving elements about without computing. Plain storages unless said otherwise.
public interface ArrangementKernels {

    /// Copies between layouts; writes zeros into padding lanes.
    void repack(Storage x, Storage y, Workspace workspace);

    /// Copies `x` to `y` of the same layout and number of elements.
    void copy(Storage x, Storage y, Workspace workspace);

    /// `y[i0, i1, ..] = x[..]` with `y`'s axis `d` being `x`'s axis `axes[d]`.
    void permute(Shape in, List<Integer> axes, Storage x, Storage y, Workspace workspace);

    /// Pads images.
    void pad(PadSizes s, Storage x, Storage y, Workspace workspace);

    /// The adjoint of padding.
    void padBackward(PadSizes s, Storage dOut, Storage dx, Workspace workspace);

    /// Places `x` (axis size `x.axis`) into positions `start ..` of `y` along the axis; other positions of `y` stay as they are.
    /// With `y` seen as `s`. Plain, or blocked along channels when `start` and both channel counts are multiples of the block.
    void place(AxisSizes s, int start, int count, Storage x, Storage y, Workspace workspace);

    /// Copies positions `start .. start + count - 1` of `x` (seen as `s`) along the axis. Layouts as for [#place].
    void slice(AxisSizes s, int start, int count, Storage x, Storage y, Workspace workspace);

    /// `y[i, ..] = mask[i] != 0 ? a[i, ..] : b[i, ..]`: whole examples, chosen by a float mask `[n]`. Bitwise copies, also of NaN and
    /// infinity.
    void select(Storage mask, Storage a, Storage b, Storage y, Workspace workspace);

    /// Sets all elements to zero, padding included.
    void zero(Storage y, Workspace workspace);

    /// `y[n, i * groups + g, ..] = x[n, g * (c/groups) + i, ..]`: `[groups, c/groups]` channels transposed.
    void channelShuffle(AxisSizes s, int groups, Storage x, Storage y, Workspace workspace);

    /// `y[o, j, i] = x[o, indices[o, j, i], i]` with `indices` of axis size `count`.
    void gather(AxisSizes s, int count, Storage x, Storage indices, Storage y, Workspace workspace);

    /// The adjoint of gather: zero, then adds in ascending order of `j`.
    void gatherBackward(AxisSizes s, int count, Storage dOut, Storage indices, Storage dx, Workspace workspace);
}
