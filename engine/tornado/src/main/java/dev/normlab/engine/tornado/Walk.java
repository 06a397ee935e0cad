package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.AcceleratorException;
import java.util.ArrayList;
import java.util.List;

/// How several tensors are met when one index runs over a box of sizes: dimensions that lie behind each other in all of them are one.
///
/// @param sizes the box, at least one dimension
/// @param steps of every tensor: elements to move for one position along each dimension
record Walk(int[] sizes, int[][] steps) {

    /// The walk of fewest dimensions over this box.
    static Walk of(int[] sizes, int[]... steps) {
        List<Integer> box = new ArrayList<>();
        List<List<Integer>> moves = new ArrayList<>();
        for (int t = 0; t < steps.length; t++) {
            moves.add(new ArrayList<>());
        }
        for (int d = 0; d < sizes.length; d++) {
            if (sizes[d] == 1) {
                continue;
            }
            int last = box.size() - 1;
            if (last >= 0 && continues(moves, last, steps, d, sizes[d])) {
                box.set(last, box.get(last) * sizes[d]);
                for (int t = 0; t < steps.length; t++) {
                    moves.get(t).set(last, steps[t][d]);
                }
            } else {
                box.add(sizes[d]);
                for (int t = 0; t < steps.length; t++) {
                    moves.get(t).add(steps[t][d]);
                }
            }
        }
        return new Walk(array(box), moves.stream().map(Walk::array).toArray(int[][]::new));
    }

    private static boolean continues(List<List<Integer>> moves, int last, int[][] steps, int d, int size) {
        for (int t = 0; t < steps.length; t++) {
            if (moves.get(t).get(last) != steps[t][d] * size) {
                return false;
            }
        }
        return true;
    }

    private static int[] array(List<Integer> list) {
        return list.stream().mapToInt(Integer::intValue).toArray();
    }

    int rank() {
        return sizes.length;
    }

    /// The number of positions.
    int count() {
        int count = 1;
        for (int size : sizes) {
            count *= size;
        }
        return count;
    }

    /// The size of dimension `d` from the last one on; 1 beyond the first.
    int size(int fromLast) {
        return fromLast < sizes.length ? sizes[sizes.length - 1 - fromLast] : 1;
    }

    /// The step of tensor `t` along dimension `d` from the last one on; 0 beyond the first.
    int step(int t, int fromLast) {
        return fromLast < sizes.length ? steps[t][sizes.length - 1 - fromLast] : 0;
    }

    /// This walk, or an error if kernels cannot take so many dimensions.
    Walk within(int rank, String operation) {
        if (rank() > rank) {
            throw new AcceleratorException(
                    operation + " runs on a GPU over at most " + rank + " separate dimensions, but this one has "
                            + rank() + "; reshape or permute the operands first");
        }
        return this;
    }

    /// The steps of a row-major tensor of shape `own` stretched to `to`.
    static int[] broadcast(int[] own, int[] to) {
        int[] steps = new int[to.length];
        int step = 1;
        for (int d = 1; d <= own.length; d++) {
            int size = own[own.length - d];
            steps[to.length - d] = size == 1 ? 0 : step;
            step *= size;
        }
        return steps;
    }
}
