package dev.normlab.engine.autograd;

import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.PadSizes;
import dev.normlab.engine.program.Attributes.GatherBackward;
import dev.normlab.engine.program.Attributes.Permutation;
import dev.normlab.engine.program.Attributes.Slice;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Moving elements about: every result is a tensor of its own, never a view.
public final class Arrangement {

    private Arrangement() {}

    /// The same elements, row-major, in another shape; one size may be -1 and follows from the others.
    ///
    /// @throws ShapeException if the number of elements differs
    public static Tensor reshape(Tape tape, Tensor x, int... sizes) {
        Shape shape = resolve(x.shape(), sizes);
        Tensor y = tape.run(Opcode.RESHAPE, null, TensorSpec.floats(shape), x);
        return tape.onBackward(y, List.of(x), (dOut, sink) -> sink.add(x, () -> tape.run(Opcode.RESHAPE, null, x.spec(), dOut)));
    }

    /// `[n, ..]` as `[n, everything else]`.
    public static Tensor flatten(Tape tape, Tensor x) {
        int n = x.shape().size(0);
        return reshape(tape, x, n, n == 0 ? Shape.of(Arrays.copyOfRange(x.shape().toArray(), 1, x.shape().rank())).elements() : -1);
    }

    /// The axes in another order: output axis `d` is input axis `axes[d]`.
    ///
    /// @throws ShapeException if `axes` is not a permutation of the input's axes
    public static Tensor permute(Tape tape, Tensor x, int... axes) {
        int[] sorted = axes.clone();
        Arrays.sort(sorted);
        int[] sizes = new int[axes.length];
        for (int d = 0; d < axes.length; d++) {
            if (axes.length != x.shape().rank() || sorted[d] != d) {
                throw new ShapeException("permute: expected each axis of " + x.shape() + " once, but got " + Arrays.toString(axes));
            }
            sizes[d] = x.shape().size(axes[d]);
        }
        Permutation permutation = new Permutation(Arrays.stream(axes).boxed().toList());
        Tensor y = tape.run(Opcode.PERMUTE, permutation, TensorSpec.floats(sizes), x);
        return tape.onBackward(y, List.of(x),
                (dOut, sink) -> sink.add(x, () -> tape.run(Opcode.PERMUTE, permutation.inverse(), x.spec(), dOut)));
    }

    /// Pads images `[n, c, h, w]` on each side.
    ///
    /// @throws ShapeException if the input is not 4-D or the padding is too large for the mode
    public static Tensor pad(Tape tape, Tensor x, int top, int bottom, int left, int right, PadMode mode) {
        Shape shape = x.shape();
        if (shape.rank() != 4) {
            throw new ShapeException("pad: expected images [n, c, h, w], but got " + shape);
        }
        int room = mode == PadMode.REFLECT ? 1 : 0;
        boolean bounded = mode == PadMode.REFLECT || mode == PadMode.CIRCULAR;
        if (bounded && (Math.max(top, bottom) > shape.size(2) - room || Math.max(left, right) > shape.size(3) - room)) {
            throw new ShapeException(
                    "pad: " + mode + " padding of top " + top + ", bottom " + bottom + ", left " + left + ", right " + right
                            + " needs an image of at least that size" + (room == 1 ? " plus one" : "") + ", but got " + shape);
        }
        PadSizes s = new PadSizes(shape.size(0), shape.size(1), shape.size(2), shape.size(3), top, bottom, left, right, mode);
        Tensor y = tape.run(Opcode.PAD, s, TensorSpec.floats(s.n(), s.c(), s.oh(), s.ow()), x);
        return tape.onBackward(y, List.of(x), (dOut, sink) -> sink.add(x, () -> tape.run(Opcode.PAD_BACKWARD, s, x.spec(), dOut)));
    }

    /// Tensors one after the other along an axis; all other sizes equal.
    ///
    /// @throws ShapeException if there is none or another size differs
    public static Tensor concatenate(Tape tape, int axis, List<Tensor> parts) {
        if (parts.isEmpty()) {
            throw new ShapeException("concatenate: expected at least one tensor, but got none");
        }
        Shape first = parts.getFirst().shape();
        int along = Reductions.axis(first, axis);
        int total = 0;
        for (Tensor part : parts) {
            if (part.shape().rank() != first.rank() || !part.shape().with(along, 0).equals(first.with(along, 0))) {
                throw new ShapeException(
                        "concatenate: sizes other than that of axis " + axis + " must be equal, but got " + first + " and " + part.shape());
            }
            total += part.shape().size(along);
        }
        Shape out = first.with(along, total);
        Tensor y = tape.run(Opcode.CONCATENATE, along, TensorSpec.floats(out), parts.toArray(Tensor[]::new));
        return tape.onBackward(y, new ArrayList<>(parts), (dOut, sink) -> {
            int start = 0;
            for (Tensor part : parts) {
                Slice slice = new Slice(out, along, start, part.shape().size(along));
                sink.add(part, () -> tape.run(Opcode.SLICE, slice, part.spec(), dOut));
                start += slice.count();
            }
        });
    }

    /// Positions `start .. start + count - 1` along an axis.
    ///
    /// @throws ShapeException if they are not all there
    public static Tensor slice(Tape tape, Tensor x, int axis, int start, int count) {
        int along = Reductions.axis(x.shape(), axis);
        if (start < 0 || count < 0 || start + count > x.shape().size(along)) {
            throw new ShapeException(
                    "slice: positions " + start + " to " + (start + count - 1) + " are not all on axis " + axis + " of " + x.shape());
        }
        Slice slice = new Slice(x.shape(), along, start, count);
        Tensor y = tape.run(Opcode.SLICE, slice, TensorSpec.floats(slice.part()), x);
        return tape.onBackward(y, List.of(x), (dOut, sink) -> sink.add(x, () -> tape.run(Opcode.SLICE_BACKWARD, slice, x.spec(), dOut)));
    }

    /// Consecutive parts of these sizes along an axis.
    ///
    /// @throws ShapeException if the sizes do not add up to the axis
    public static List<Tensor> split(Tape tape, Tensor x, int axis, int... counts) {
        if (Arrays.stream(counts).sum() != x.shape().size(axis)) {
            throw new ShapeException("split: the parts " + Arrays.toString(counts) + " do not add up to axis " + axis + " of " + x.shape());
        }
        List<Tensor> parts = new ArrayList<>();
        int start = 0;
        for (int count : counts) {
            parts.add(slice(tape, x, axis, start, count));
            start += count;
        }
        return parts;
    }

    /// Transposes the channels of `[n, c, h, w]` seen as `[groups, c/groups]` (ShuffleNet's shuffle).
    ///
    /// @throws ShapeException if the channels are no multiple of the groups
    public static Tensor channelShuffle(Tape tape, Tensor x, int groups) {
        if (x.shape().rank() != 4 || groups < 1 || x.shape().size(1) % groups != 0) {
            throw new ShapeException(
                    "channelShuffle: expected [n, c, h, w] with c a multiple of " + groups + " groups, but got " + x.shape());
        }
        Tensor y = tape.run(Opcode.CHANNEL_SHUFFLE, groups, x.spec(), x);
        int back = x.shape().size(1) / groups;
        return tape.onBackward(y, List.of(x), (dOut, sink) -> sink.add(x, () -> tape.run(Opcode.CHANNEL_SHUFFLE, back, x.spec(), dOut)));
    }

    /// `y[.., j, ..] = x[.., indices[.., j, ..], ..]` along an axis, as PyTorch's gather. Keeps the indices.
    ///
    /// @param indices int, of x's shape except along the axis; values must be valid positions
    /// @throws ShapeException if another size differs
    public static Tensor gather(Tape tape, Tensor x, int axis, Tensor indices) {
        int along = Reductions.axis(x.shape(), axis);
        if (indices.dtype() != DType.INT32 || indices.shape().rank() != x.shape().rank()
                || !indices.shape().with(along, 0).equals(x.shape().with(along, 0))) {
            throw new ShapeException(
                    "gather: expected int indices of shape " + x.shape() + " except along axis " + axis + ", but got " + indices);
        }
        Tensor y = tape.run(Opcode.GATHER, along, TensorSpec.floats(indices.shape()), x, indices);
        GatherBackward backward = new GatherBackward(x.shape(), along);
        return tape.onBackward(y, List.of(x),
                (dOut, sink) -> sink.add(x, () -> tape.run(Opcode.GATHER_BACKWARD, backward, x.spec(), dOut, indices)));
    }

    /// Whole examples of `a` where the mask is not 0, of `b` elsewhere; copies bit for bit. The gradient goes where the value came from.
    ///
    /// @param mask `[n]`
    /// @param a    `[n, ..]`
    /// @param b    of a's shape
    /// @throws ShapeException if shapes do not match
    public static Tensor select(Tape tape, Tensor mask, Tensor a, Tensor b) {
        if (!a.shape().equals(b.shape()) || a.shape().rank() < 1 || !mask.shape().equals(Shape.of(a.shape().size(0)))) {
            throw new ShapeException(
                    "select: expected a mask [n] and two tensors [n, ..] of one shape, but got mask " + mask.shape() + ", " + a.shape()
                            + " and " + b.shape());
        }
        Tensor y = tape.run(Opcode.SELECT, null, a.spec(), mask, a, b);
        return tape.onBackward(y, List.of(a, b), (dOut, sink) -> {
            Tensor zero = tape.run(Opcode.BROADCAST, dOut.shape(), dOut.spec(), Tensor.scalar(0f));
            sink.add(a, () -> tape.run(Opcode.SELECT, null, a.spec(), mask, dOut, zero));
            sink.add(b, () -> tape.run(Opcode.SELECT, null, b.spec(), mask, zero, dOut));
        });
    }

    private static Shape resolve(Shape from, int... sizes) {
        int[] resolved = sizes.clone();
        int open = -1;
        int known = 1;
        for (int d = 0; d < sizes.length; d++) {
            if (sizes[d] == -1 && open < 0) {
                open = d;
            } else {
                known *= sizes[d];
            }
        }
        if (open >= 0 && known > 0) {
            resolved[open] = from.elements() / known;
        }
        Shape shape = Arrays.stream(resolved).anyMatch(size -> size < 0) ? Shape.of(0) : Shape.of(resolved);
        if (shape.elements() != from.elements()) {
            throw new ShapeException(
                    "reshape: " + from + " has " + from.elements() + " elements and does not fit " + Arrays.toString(sizes));
        }
        return shape;
    }
}
