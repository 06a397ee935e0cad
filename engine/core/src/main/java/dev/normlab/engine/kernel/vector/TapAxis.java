package dev.normlab.engine.kernel.vector;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// One axis (rows or columns) of a convolution-like sum: result number `i < count` lies at position `first + i * every` of the output and
/// reads, through tap `taps[t]`, the input position `i * step + offsets[t]`; positions outside the input read zero.
///
/// A convolution forward is one such axis. Its input gradient with stride `s` is `s` of them, one for each residue of the input position
/// modulo `s`: every residue meets only some of the taps, so nothing is multiplied by the zeros that a dilated gradient would hold.
record TapAxis(int count, int step, int first, int every, int[] offsets, int[] taps) {

    /// The axis of a forward pass.
    static TapAxis forward(int out, int kernel, int stride, int dilation, int padding) {
        int[] offsets = new int[kernel];
        int[] taps = new int[kernel];
        for (int t = 0; t < kernel; t++) {
            offsets[t] = t * dilation - padding;
            taps[t] = t;
        }
        return new TapAxis(out, stride, 0, 1, offsets, taps);
    }

    /// The axes of an input gradient: results are positions of the convolution's input of this size, the sum's input is the convolution's
    /// output.
    static List<TapAxis> backward(int size, int kernel, int stride, int dilation, int padding) {
        List<TapAxis> axes = new ArrayList<>();
        for (int residue = 0; residue < Math.min(stride, size); residue++) {
            int known = 0;
            int[] offsets = new int[kernel];
            int[] taps = new int[kernel];
            for (int t = kernel - 1; t >= 0; t--) {
                int reach = residue + padding - t * dilation;
                if (Math.floorMod(reach, stride) == 0) {
                    offsets[known] = Math.floorDiv(reach, stride);
                    taps[known++] = kernel - 1 - t;
                }
            }
            int count = (size - residue + stride - 1) / stride;
            axes.add(new TapAxis(count, 1, residue, stride, Arrays.copyOf(offsets, known), Arrays.copyOf(taps, known)));
        }
        return axes;
    }

    /// The smallest offset, 0 if there are no taps.
    int lowest() {
        int lowest = offsets.length == 0 ? 0 : offsets[0];
        for (int offset : offsets) {
            lowest = Math.min(lowest, offset);
        }
        return lowest;
    }

    /// The largest offset, 0 if there are no taps.
    int highest() {
        int highest = offsets.length == 0 ? 0 : offsets[0];
        for (int offset : offsets) {
            highest = Math.max(highest, offset);
        }
        return highest;
    }

    /// Whether neighbouring taps read neighbouring positions.
    boolean isDense() {
        for (int t = 1; t < taps.length; t++) {
            if (offsets[t] != offsets[t - 1] + 1 || taps[t] != taps[t - 1] + 1) {
                return false;
            }
        }
        return true;
    }

    /// Whether every result reads a single input position: then only those positions are copied to the scratch image.
    boolean isSingle() {
        return offsets.length == 1;
    }

    /// Input positions from one position of the scratch image to the next.
    int copyStep() {
        return isSingle() ? step : 1;
    }

    /// Positions of the scratch image from the input of one result to that of the next.
    int scratchStep() {
        return isSingle() ? 1 : step;
    }

    /// Positions of the scratch image that `results` results read, those outside the input included.
    int span(int results) {
        return (results - 1) * scratchStep() + highest() - lowest() + 1;
    }

    /// The first result that reads through this offset an input position from 0 on.
    int firstInside(int offset) {
        return offset >= 0 ? 0 : (-offset + step - 1) / step;
    }

    /// One past the last result that reads through this offset an input position below `size`.
    int endInside(int offset, int size) {
        return offset >= size ? 0 : Math.min(count, (size - offset + step - 1) / step);
    }
}
