package dev.normlab.engine.program;

import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.tensor.Shape;
import java.util.List;

/// The small attribute records of operations that need no sizes record of their own; which opcode takes which is said in [Opcode].
public final class Attributes {

    private Attributes() {}

    /// The range of a clamp; infinite where one side is open.
    public record ClampRange(float low, float high) {}

    /// Arg max (`largest`) or arg min along an axis.
    public record ArgExtreme(int axis, boolean largest) {}

    /// The `k` largest along an axis.
    public record TopK(int axis, int k) {}

    /// Softmax or log-softmax along an axis.
    public record Softmax(int axis, boolean logarithm) {}

    /// Output axis `d` is input axis `axes[d]`.
    public record Permutation(List<Integer> axes) {

        /// Copies the list.
        public Permutation {
            axes = List.copyOf(axes);
        }

        /// The permutation that undoes this one.
        public Permutation inverse() {
            Integer[] back = new Integer[axes.size()];
            for (int d = 0; d < back.length; d++) {
                back[axes.get(d)] = d;
            }
            return new Permutation(List.of(back));
        }
    }

    /// Positions `start .. start + count - 1` along an axis of a tensor of shape `whole`.
    public record Slice(Shape whole, int axis, int start, int count) {

        /// The shape of the slice.
        public Shape part() {
            return whole.with(axis, count);
        }
    }

    /// The axis of a gather and the shape it gathered from.
    public record GatherBackward(Shape in, int axis) {}

    /// A convolution and the batch norm behind it, with a ReLU or without.
    public record NormalisedConvolution(Conv2dSizes convolution, BatchNormSizes norm, boolean relu) {}

    /// How batch statistics enter the running ones: values per channel, and the weight of the new statistics.
    public record RunningStatistics(int count, float momentum) {}
}
