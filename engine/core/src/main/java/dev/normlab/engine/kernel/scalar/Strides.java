package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;

/// How the elements of one tensor are met when another one is walked in order: a step per dimension of the walked shape, and the offset of
/// each of its rows (a row is a run along the last dimension).
///
/// @param sizes the walked shape, at least one dimension
/// @param steps elements to move in the other tensor for one position along each dimension; 0 where it stretches
record Strides(int[] sizes, int[] steps) {

    /// A tensor of shape `from` stretched to shape `to`: aligned at the last dimension, sizes of 1 have step 0.
    static Strides broadcast(Shape from, Shape to) {
        int rank = Math.max(1, to.rank());
        int[] sizes = to.rank() == 0 ? new int[] {1} : to.toArray();
        int[] steps = new int[rank];
        int[] own = from.strides();
        for (int d = 1; d <= from.rank(); d++) {
            steps[rank - d] = from.size(-d) == 1 ? 0 : own[from.rank() - d];
        }
        return new Strides(sizes, steps);
    }

    /// The row-major shape of a storage's array: a channel-blocked `[n, c, h, w]` is `[n, blocks, h, w, block]`.
    static Shape arrayShape(Storage storage) {
        Layout layout = storage.layout();
        Shape shape = storage.shape();
        return layout.isBlocked()
                ? Shape.of(shape.size(0), layout.blocks(shape.size(1)), shape.size(2), shape.size(3), layout.block())
                : shape;
    }

    /// Elements of a row.
    int rowLength() {
        return sizes[sizes.length - 1];
    }

    /// The number of rows.
    int rows() {
        int rows = 1;
        for (int d = 0; d < sizes.length - 1; d++) {
            rows *= sizes[d];
        }
        return rows;
    }

    /// The step inside a row.
    int rowStep() {
        return steps[steps.length - 1];
    }

    /// Where row number `row` begins in the other tensor.
    int rowOffset(int row) {
        int offset = 0;
        for (int d = sizes.length - 2; d >= 0; d--) {
            offset += row % sizes[d] * steps[d];
            row /= sizes[d];
        }
        return offset;
    }
}
