package dev.normlab.engine.autograd;

import dev.normlab.engine.kernel.ReduceSizes;
import dev.normlab.engine.program.Attributes;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;

/// Sums, means and extremes over axes. Negative axes count from the end; no axes means all.
public final class Reductions {

    private Reductions() {}

    /// The largest values along an axis, descending, and where they stood.
    ///
    /// @param indices int, of the shape of `values`
    public record Top(Tensor values, Tensor indices) {}

    /// The sum over axes.
    ///
    /// @param keepDims whether the reduced axes stay as size 1
    public static Tensor sum(Tape tape, Tensor x, boolean keepDims, int... axes) {
        return reduceAxes(tape, x, keepDims, false, axes);
    }

    /// The mean over axes.
    ///
    /// @param keepDims whether the reduced axes stay as size 1
    public static Tensor mean(Tape tape, Tensor x, boolean keepDims, int... axes) {
        return reduceAxes(tape, x, keepDims, true, axes);
    }

    private static Tensor reduceAxes(Tape tape, Tensor x, boolean keepDims, boolean mean, int... axes) {
        Shape in = x.shape();
        boolean[] reduced = new boolean[in.rank()];
        for (int axis : axes) {
            reduced[axis(in, axis)] = true;
        }
        int[] kept = in.toArray();
        List<Integer> left = new ArrayList<>();
        for (int d = 0; d < kept.length; d++) {
            if (axes.length == 0 || reduced[d]) {
                kept[d] = 1;
            } else {
                left.add(kept[d]);
            }
        }
        Shape out = keepDims ? Shape.of(kept) : Shape.of(left.stream().mapToInt(Integer::intValue).toArray());
        return reduce(tape, x, Shape.of(kept), out, mean);
    }

    static Tensor reduce(Tape tape, Tensor x, Shape kept, Shape out, boolean mean) {
        Shape in = x.shape();
        Tensor y = tape.run(Opcode.REDUCE, new ReduceSizes(in, kept, out, mean), TensorSpec.floats(out), x);
        return tape.onBackward(y, List.of(x), (dOut, sink) -> sink.add(x, () -> {
            Tensor share = dOut;
            if (mean) {
                share = tape.run(Opcode.SCALE, kept.elements() / (float) in.elements(), share.spec(), share);
            }
            if (!share.shape().equals(kept)) {
                share = tape.run(Opcode.RESHAPE, null, TensorSpec.floats(kept), share);
            }
            return tape.run(Opcode.BROADCAST, in, x.spec(), share);
        }));
    }

    /// Where the largest value along the axis stands (the lowest index on ties): int, with the axis as size 1 or removed.
    public static Tensor argMax(Tape tape, Tensor x, int axis, boolean keepDims) {
        return argExtreme(tape, x, axis, keepDims, true);
    }

    /// Where the smallest value along the axis stands (the lowest index on ties): int, with the axis as size 1 or removed.
    public static Tensor argMin(Tape tape, Tensor x, int axis, boolean keepDims) {
        return argExtreme(tape, x, axis, keepDims, false);
    }

    /// The largest value along the axis; its gradient goes to the lowest index on ties. Keeps the index.
    public static Tensor max(Tape tape, Tensor x, int axis, boolean keepDims) {
        return extreme(tape, x, axis, keepDims, true);
    }

    /// The smallest value along the axis; its gradient goes to the lowest index on ties. Keeps the index.
    public static Tensor min(Tape tape, Tensor x, int axis, boolean keepDims) {
        return extreme(tape, x, axis, keepDims, false);
    }

    /// The `k` largest values along the axis, descending; gradients go back to where they stood. Keeps the indices.
    ///
    /// @throws ShapeException if the axis has fewer than `k` values
    public static Top topK(Tape tape, Tensor x, int k, int axis) {
        int along = axis(x.shape(), axis);
        if (k < 1 || k > x.shape().size(along)) {
            throw new ShapeException("topK: expected k between 1 and the size of axis " + axis + " of " + x.shape() + ", but got " + k);
        }
        Shape out = x.shape().with(along, k);
        List<Tensor> outputs = tape.run(Opcode.TOP_K, new Attributes.TopK(along, k), List.of(TensorSpec.floats(out), TensorSpec.ints(out)),
                x);
        Tensor indices = outputs.get(1);
        Tensor values = tape.onBackward(outputs.get(0), List.of(x), (dOut, sink) -> sink.add(x,
                () -> tape.run(Opcode.GATHER_BACKWARD, new Attributes.GatherBackward(x.shape(), along), x.spec(), dOut, indices)));
        return new Top(values, indices);
    }

    private static Tensor argExtreme(Tape tape, Tensor x, int axis, boolean keepDims, boolean largest) {
        int along = axis(x.shape(), axis);
        if (x.shape().size(along) == 0) {
            throw new ShapeException("argMax/argMin: axis " + axis + " of " + x.shape() + " is empty and has no extreme value");
        }
        Shape kept = x.shape().with(along, 1);
        Shape out = keepDims ? kept : without(kept, along);
        return tape.run(Opcode.ARG_EXTREME, new Attributes.ArgExtreme(along, largest), List.of(TensorSpec.ints(out)), x).getFirst();
    }

    private static Tensor extreme(Tape tape, Tensor x, int axis, boolean keepDims, boolean largest) {
        int along = axis(x.shape(), axis);
        Tensor values = Arrangement.gather(tape, x, along, argExtreme(tape, x, axis, true, largest));
        return keepDims ? values : Arrangement.reshape(tape, values, without(values.shape(), along).toArray());
    }

    private static Shape without(Shape shape, int axis) {
        int[] sizes = new int[shape.rank() - 1];
        for (int d = 0, k = 0; d < shape.rank(); d++) {
            if (d != axis) {
                sizes[k++] = shape.size(d);
            }
        }
        return Shape.of(sizes);
    }

    /// The axis counted from the front.
    static int axis(Shape shape, int axis) {
        int index = axis < 0 ? axis + shape.rank() : axis;
        if (index < 0 || index >= shape.rank()) {
            throw new ShapeException("a tensor of shape " + shape + " has no axis " + axis);
        }
        return index;
    }
}
