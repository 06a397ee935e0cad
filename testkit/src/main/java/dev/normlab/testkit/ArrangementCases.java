package dev.normlab.testkit;

import dev.normlab.engine.kernel.AxisSizes;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.PadSizes;
import dev.normlab.engine.program.Attributes.GatherBackward;
import dev.normlab.engine.program.Attributes.Permutation;
import dev.normlab.engine.program.Attributes.Slice;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Moving elements about: results are exact, but for the sums of adjoints.
public final class ArrangementCases {

    private ArrangementCases() {}

    /// All arrangements.
    public static List<OperationCase> all() {
        List<OperationCase> cases = new ArrayList<>();
        long seed = 1;
        for (int[][] pair : new int[][][] {{{6}, {2, 3}}, {{2, 10, 3, 3}, {2, 90}}, {{2, 90}, {2, 10, 3, 3}}, {{1}, {}},
            {{2, 17, 2, 2}, {4, 17, 2, 1}},
            {{0, 3}, {0, 3, 1}}, {{3, 16, 1, 1}, {3, 16}}, {{2, 5, 4}, {40}}, {{3, 33, 40, 20}, {3, 26_400}},
            {{3, 26_400}, {3, 33, 40, 20}}}) {
            cases.add(reshape(Samples.uniform(seed++, pair[0]), pair[1]));
        }
        for (int[][] pair : new int[][][] {{{3, 4}, {1, 0}}, {{2, 10, 3, 4}, {0, 2, 3, 1}}, {{2, 3, 4, 10}, {0, 3, 1, 2}},
            {{2, 3, 4}, {2, 0, 1}}, {{5}, {0}},
            {{2, 17, 2, 3}, {1, 0, 2, 3}}, {{2, 3, 4, 5, 6}, {4, 1, 3, 0, 2}}, {{0, 3}, {1, 0}}, {{33, 65}, {1, 0}},
            {{3, 33, 40, 20}, {0, 2, 3, 1}}}) {
            cases.add(permute(Samples.uniform(seed++, pair[0]), pair[1]));
        }
        for (PadMode mode : PadMode.values()) {
            cases.addAll(pad(new PadSizes(2, 10, 4, 5, 1, 2, 0, 3, mode), seed++));
            cases.addAll(pad(new PadSizes(1, 17, 3, 3, 2, 2, 2, 2, mode), seed++));
            cases.addAll(pad(new PadSizes(2, 3, 7, 9, 0, 0, 0, 0, mode), seed++));
            cases.addAll(pad(new PadSizes(0, 3, 4, 4, 1, 1, 1, 1, mode), seed++));
        }
        cases.addAll(pad(new PadSizes(1, 5, 1, 1, 3, 2, 1, 4, PadMode.REPLICATE), seed++));
        cases.addAll(pad(new PadSizes(1, 5, 2, 2, 3, 2, 1, 4, PadMode.ZERO), seed++));
        cases.addAll(concatenations(seed));
        cases.addAll(slices(seed + 100));
        for (int[] size : new int[][] {{2, 10, 3, 3, 2}, {2, 10, 3, 3, 5}, {1, 6, 1, 1, 3}, {2, 48, 2, 2, 3}, {1, 152, 1, 2, 4},
            {2, 7, 2, 2, 1}, {0, 4, 2, 2, 2}}) {
            cases.add(shuffle(Samples.uniform(seed++, size[0], size[1], size[2], size[3]), size[4]));
        }
        for (int[] sizes : new int[][] {{1, 3}, {5, 10, 3, 3}, {3, 17, 2, 2}, {4}, {0, 16, 1, 1}}) {
            cases.add(select(sizes, seed++));
        }
        for (int[] size : new int[][] {{6, 10, 1, 1}, {5, 7, 1, 4}, {2, 3, 5, 3}, {1, 1, 1, 1}, {3, 4, 2, 9}, {0, 5, 1, 1}}) {
            cases.addAll(gathers(size[0], size[1], size[2], size[3], seed++));
        }
        return cases;
    }

    private static OperationCase reshape(Tensor x, int[] sizes) {
        float[] xs = x.toArray();
        return OperationCase.of(x.shape() + " to " + Arrays.toString(sizes), Opcode.RESHAPE, null, TensorSpec.floats(sizes),
                () -> Expected.exactly(xs.length, i -> xs[i]), x);
    }

    private static OperationCase permute(Tensor x, int[] axes) {
        float[] xs = x.toArray();
        Shape out = Shape.of(Arrays.stream(axes).map(x.shape()::size).toArray());
        int[] strides = x.shape().strides();
        return OperationCase.of(x.shape() + " by " + Arrays.toString(axes), Opcode.PERMUTE,
                new Permutation(Arrays.stream(axes).boxed().toList()),
                TensorSpec.floats(out), () -> Expected.exactly(xs.length, i -> {
                    int rest = i;
                    int from = 0;
                    for (int d = out.rank() - 1; d >= 0; d--) {
                        from += rest % out.size(d) * strides[axes[d]];
                        rest /= out.size(d);
                    }
                    return xs[from];
                }), x);
    }

    private static List<OperationCase> pad(PadSizes s, long seed) {
        Tensor x = Samples.uniform(seed, s.n(), s.c(), s.h(), s.w());
        Tensor dOut = Samples.uniform(seed + 500, s.n(), s.c(), s.oh(), s.ow());
        float[] xs = x.toArray();
        float[] ds = dOut.toArray();
        return List.of(OperationCase.of(s.toString(), Opcode.PAD, s, dOut.spec(), () -> Expected.exactly(ds.length, i -> {
            int from = source(s, i);
            return from < 0 ? 0 : xs[from];
        }), x), OperationCase.of(s.toString(), Opcode.PAD_BACKWARD, s, x.spec(), () -> {
            double[] dx = new double[xs.length];
            double[] magnitude = new double[xs.length];
            for (int i = 0; i < ds.length; i++) {
                int to = source(s, i);
                if (to >= 0) {
                    dx[to] += ds[i];
                    magnitude[to] += Math.abs(ds[i]);
                }
            }
            return Expected.sums(dx, magnitude, 16);
        }, dOut));
    }

    /// The input index that padded element `i` shows, or -1.
    private static int source(PadSizes s, int i) {
        int row = source(s.mode(), i / s.ow() % s.oh() - s.top(), s.h());
        int column = source(s.mode(), i % s.ow() - s.left(), s.w());
        return row < 0 || column < 0 ? -1 : (i / (s.ow() * s.oh()) * s.h() + row) * s.w() + column;
    }

    private static int source(PadMode mode, int position, int size) {
        int at = position;
        while (at < 0 || at >= size) {
            switch (mode) {
                case ZERO -> {
                    return -1;
                }
                case CIRCULAR -> at += at < 0 ? size : -size;
                case REFLECT -> at = at < 0 ? -at : 2 * size - 2 - at;
                case REPLICATE -> at = at < 0 ? 0 : size - 1;
            }
        }
        return at;
    }

    private static List<OperationCase> concatenations(long seed) {
        int[][][] parts = {{{2, 10, 3, 3}, {2, 7, 3, 3}}, {{2, 16, 3, 3}, {2, 32, 3, 3}}, {{2, 16, 2, 2}, {2, 5, 2, 2}, {2, 11, 2, 2}},
            {{1, 3, 2, 2}, {1, 3, 2, 2}},
            {{0, 3, 2, 2}, {0, 3, 2, 2}}, {{2, 24, 4, 4}}, {{9, 16, 16, 16}, {9, 48, 16, 16}}};
        List<OperationCase> cases = new ArrayList<>();
        for (int[][] part : parts) {
            cases.add(concatenate(1, seed, part));
        }
        cases.add(concatenate(0, seed, new int[] {2, 10, 3, 3}, new int[] {1, 10, 3, 3}));
        cases.add(concatenate(2, seed, new int[] {2, 10, 3, 3}, new int[] {2, 10, 1, 3}));
        cases.add(concatenate(3, seed, new int[] {2, 17, 3, 1}, new int[] {2, 17, 3, 4}));
        cases.add(concatenate(0, seed, new int[] {3}, new int[] {5}, new int[] {0}));
        cases.add(concatenate(1, seed, new int[] {4, 3}, new int[] {4, 6}));
        return cases;
    }

    private static OperationCase concatenate(int axis, long seed, int[]... sizes) {
        Tensor[] parts = new Tensor[sizes.length];
        int total = 0;
        for (int i = 0; i < parts.length; i++) {
            parts[i] = Samples.uniform(seed + i, sizes[i]);
            total += sizes[i][axis];
        }
        Shape out = Shape.of(sizes[0]).with(axis, total);
        return OperationCase.of(Arrays.deepToString(sizes) + " along " + axis, Opcode.CONCATENATE, axis, TensorSpec.floats(out), () -> {
            double[] y = new double[out.elements()];
            int start = 0;
            for (Tensor part : parts) {
                place(part.toArray(), AxisSizes.of(part.shape(), axis), start, y, AxisSizes.of(out, axis));
                start += part.shape().size(axis);
            }
            return Expected.exactly(y);
        }, parts);
    }

    private static void place(float[] part, AxisSizes s, int start, double[] whole, AxisSizes t) {
        for (int i = 0; i < part.length; i++) {
            int along = i / s.inner() % s.axis();
            whole[(i / (s.inner() * s.axis()) * t.axis() + start + along) * t.inner() + i % s.inner()] = part[i];
        }
    }

    private static List<OperationCase> slices(long seed) {
        List<OperationCase> cases = new ArrayList<>();
        List<Slice> slices = List.of(new Slice(Shape.of(2, 10, 3, 3), 1, 2, 5), new Slice(Shape.of(2, 48, 3, 3), 1, 16, 32),
                new Slice(Shape.of(2, 48, 2, 2), 1, 8, 16), new Slice(Shape.of(2, 17, 2, 2), 1, 16, 1),
                new Slice(Shape.of(5, 10, 2, 2), 0, 1, 3),
                new Slice(Shape.of(2, 10, 5, 3), 2, 1, 3), new Slice(Shape.of(2, 33, 3, 5), 3, 4, 1), new Slice(Shape.of(7), 0, 0, 7),
                new Slice(Shape.of(4, 9), 1, 3, 2), new Slice(Shape.of(0, 10, 2, 2), 1, 1, 2), new Slice(Shape.of(1, 32, 1, 1), 1, 0, 16),
                new Slice(Shape.of(3, 4), 0, 1, 0), new Slice(Shape.of(9, 64, 16, 16), 1, 16, 32));
        for (Slice slice : slices) {
            Tensor x = Samples.uniform(seed++, slice.whole().toArray());
            Tensor dOut = Samples.uniform(seed++, slice.part().toArray());
            AxisSizes whole = AxisSizes.of(slice.whole(), slice.axis());
            AxisSizes part = AxisSizes.of(slice.part(), slice.axis());
            float[] xs = x.toArray();
            cases.add(OperationCase.of(slice.toString(), Opcode.SLICE, slice, dOut.spec(),
                    () -> Expected.exactly(slice.part().elements(), i -> {
                        int along = i / part.inner() % part.axis() + slice.start();
                        return xs[(i / (part.inner() * part.axis()) * whole.axis() + along) * whole.inner() + i % part.inner()];
                    }), x));
            cases.add(OperationCase.of(slice.toString(), Opcode.SLICE_BACKWARD, slice, x.spec(), () -> {
                double[] dx = new double[xs.length];
                place(dOut.toArray(), part, slice.start(), dx, whole);
                return Expected.exactly(dx);
            }, dOut));
        }
        return cases;
    }

    private static OperationCase shuffle(Tensor x, int groups) {
        float[] xs = x.toArray();
        int c = x.shape().size(1);
        int pixels = x.shape().size(2) * x.shape().size(3);
        return OperationCase.of(x.shape() + " in " + groups + " groups", Opcode.CHANNEL_SHUFFLE, groups, x.spec(),
                () -> Expected.exactly(xs.length, i -> {
                    int ic = i / pixels % c;
                    int from = ic % groups * (c / groups) + ic / groups;
                    return xs[(i / (pixels * c) * c + from) * pixels + i % pixels];
                }), x);
    }

    private static OperationCase select(int[] sizes, long seed) {
        Tensor mask = Samples.whole(seed, 2, sizes[0]);
        Tensor a = Samples.uniform(seed + 1, sizes);
        float[] values = Samples.uniform(seed + 2, sizes).toArray();
        for (int i = 0; i < values.length; i += 5) {
            values[i] = i % 2 == 0 ? Float.NaN : Float.POSITIVE_INFINITY;
        }
        Tensor b = Tensor.of(a.shape(), values);
        float[] masks = mask.toArray();
        float[] others = a.toArray();
        return OperationCase.of(a.shape().toString(), Opcode.SELECT, null, a.spec(),
                () -> Expected.exactly(values.length, i -> masks[i / (values.length / sizes[0])] != 0 ? others[i] : values[i]), mask, a, b);
    }

    private static List<OperationCase> gathers(int outer, int axis, int inner, int count, long seed) {
        Tensor x = Samples.uniform(seed, outer, axis, inner);
        Tensor indices = Samples.integers(seed + 1, axis, outer, count, inner);
        Tensor dOut = Samples.uniform(seed + 2, outer, count, inner);
        float[] xs = x.toArray();
        float[] ds = dOut.toArray();
        int[] from = indices.toIntArray();
        for (int i = 0; i < from.length; i++) {
            from[i] = (i / (count * inner) * axis + from[i]) * inner + i % inner;
        }
        String name = x.shape() + " at " + indices.shape();
        return List.of(
                OperationCase.of(name, Opcode.GATHER, 1, dOut.spec(), () -> Expected.exactly(from.length, i -> xs[from[i]]), x, indices),
                OperationCase.of(name, Opcode.GATHER_BACKWARD, new GatherBackward(x.shape(), 1), x.spec(), () -> {
                    double[] dx = new double[xs.length];
                    double[] magnitude = new double[xs.length];
                    for (int i = 0; i < from.length; i++) {
                        dx[from[i]] += ds[i];
                        magnitude[from[i]] += Math.abs(ds[i]);
                    }
                    return Expected.sums(dx, magnitude, count);
                }, dOut, indices));
    }
}
