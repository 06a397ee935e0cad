package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.Workspace;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/// Sums of absolute weights, far more exact than floats, at the speed of reading the weights once.
///
/// A weight `[o, c/groups, kh, kw]` is a matrix of `o` rows with `c/groups * kh * kw` columns. For l1 the rows of a group are added up; a
/// chunk of rows has sums of its own, and those of the chunks are added in their order. For linf every row is folded to its `kh * kw` taps:
/// of a run of `kh * kw` vectors, the places `tap + i * kh * kw` belong to one tap.
///
/// Widening floats to doubles costs more than adding them, so a sum is a pair of floats: `high`, and `low`, which collects what rounding
/// takes from `high` at every addition. That error is a float itself and found by five more additions (TwoSum; Knuth, The Art of Computer
/// Programming, volume 2, 4.2.2), which leaves relative errors of about 1e-14. In weights of a megabyte and more, where rows or whole rows
/// are summed, eight neighbours are added as floats first, pairwise: each such sum is within 1.8e-7 of the truth, and the errors of many
/// cancel to about 1e-9 of a norm.
///
/// Where an intermediate sum passes the largest float, or a weight is not finite, an entry of the table is not finite either ([#isFinite]).
final class AbsoluteSums {

    // Weights that make a chunk worth handing to a thread, and the largest number of chunks of a group for l1.
    private static final int CHUNK = 1 << 15;
    private static final int MAX_CHUNKS = 4;

    // Rows that are added in one pass.
    private static final int ROWS = 8;

    // From this many weights on (1 MB) eight neighbours are added as floats.
    private static final int MANY = 1 << 18;

    private AbsoluteSums() {}

    /// Whether rows are long enough for vectors.
    static boolean fits(SliceNormSizes s) {
        return s.groupInputs() * s.kh() * s.kw() >= 4 * V;
    }

    /// Whether all of the first `count` sums are finite.
    static boolean isFinite(double[] table, int count) {
        boolean finite = true;
        for (int i = 0; i < count; i++) {
            finite &= table[i] <= Double.MAX_VALUE; // no sum is negative
        }
        return finite;
    }

    // ------------------------------------------------------------------ linf: sums along rows

    /// `table[o, kh * kw]`: each row folded to its taps.
    static void byOutput(SliceNormSizes s, float[] weight, double[] table, Workspace workspace) {
        int taps = s.kh() * s.kw(), length = s.groupInputs() * taps, step = taps * V;
        int rows = Math.max(1, CHUNK / length);
        boolean many = s.o() * length >= MANY;
        workspace.workers().run((s.o() + rows - 1) / rows, (chunk, worker) -> {
            float[] high = workspace.scratch(worker, "run of taps", step), low = workspace.scratch(worker, "errors of taps", step);
            for (int io = chunk * rows; io < Math.min(s.o(), (chunk + 1) * rows); io++) {
                int from = io * length, end = from + length / step * step;
                for (int j = 0; j < step; j += V) {
                    int next = from + j;
                    if (many && taps == 1) {
                        next = sumEights(weight, from, end, high, low);
                    } else {
                        clear(high, low, j, V);
                    }
                    sumOnes(weight, next, end, step, high, low, j);
                }
                foldTaps(high, low, step, taps, table, io * taps);
                for (int i = end; i < from + length; i++) {
                    table[io * taps + (i - end) % taps] += Math.abs(weight[i]);
                }
            }
        });
    }

    // high, low [at ..] += the sum of the vectors at from, from + step, ... < end
    private static void sumOnes(float[] weight, int from, int end, int step, float[] high, float[] low, int at) {
        FloatVector s = load(high, at), e = load(low, at);
        for (int i = from; i < end; i += step) {
            FloatVector x = absolute(weight, i), next = s.add(x);
            e = e.add(lost(s, x, next));
            s = next;
        }
        s.intoArray(high, at);
        e.intoArray(low, at);
    }

    // high, low = the sum of neighbouring vectors from `from` on, eight at a time; returns where they end
    private static int sumEights(float[] weight, int from, int end, float[] high, float[] low) {
        FloatVector s = zero(), e = s;
        int i = from;
        for (; i <= end - 8 * V; i += 8 * V) {
            FloatVector x = four(weight, i, V).add(four(weight, i + 4 * V, V)), next = s.add(x);
            e = e.add(lost(s, x, next));
            s = next;
        }
        s.intoArray(high, 0);
        e.intoArray(low, 0);
        return i;
    }

    // table[at + tap] = the sum of the run's places tap + i * taps
    private static void foldTaps(float[] high, float[] low, int length, int taps, double[] table, int at) {
        for (int tap = 0; tap < taps; tap++) {
            double sum = 0;
            for (int i = tap; i < length; i += taps) {
                sum += (double) high[i] + low[i];
            }
            table[at + tap] = sum;
        }
    }

    // ------------------------------------------------------------------ l1: sums of rows

    /// `table[groups, c/groups * kh * kw]`: the rows of each group added up.
    static void byInput(SliceNormSizes s, float[] weight, double[] table, Workspace workspace) {
        int length = s.groupInputs() * s.kh() * s.kw(), groupRows = s.o() / s.groups();
        int wanted = Math.max(1, (int) Math.min(MAX_CHUNKS, (long) groupRows * length / CHUNK));
        int rows = ((groupRows + wanted - 1) / wanted + ROWS - 1) / ROWS * ROWS;
        int pieces = (groupRows + rows - 1) / rows;
        boolean many = s.o() * length >= MANY;
        float[] high = workspace.scratch(0, "sums of rows", s.groups() * pieces * length);
        float[] low = workspace.scratch(0, "errors of rows", s.groups() * pieces * length);
        workspace.workers().run(s.groups() * pieces, (chunk, _) -> {
            int group = chunk / pieces, first = chunk % pieces * rows;
            int from = (group * groupRows + first) * length;
            addRows(weight, from, Math.min(rows, groupRows - first), length, many, high, low, chunk * length);
        });
        for (int group = 0; group < s.groups(); group++) {
            addPieces(high, low, group * pieces * length, pieces, length, table, group * length);
        }
    }

    // high, low [at ..] = the sums over `rows` rows of `length` weights from `from` on
    private static void addRows(float[] weight, int from, int rows, int length, boolean many, float[] high, float[] low, int at) {
        clear(high, low, at, length);
        int row = 0;
        for (; many && row <= rows - ROWS; row += ROWS) {
            addEight(weight, from + row * length, length, high, low, at);
        }
        for (; row < rows; row++) {
            addOne(weight, from + row * length, 1, length, 0, high, low, at);
        }
    }

    private static void addEight(float[] weight, int from, int length, float[] high, float[] low, int at) {
        int j = 0;
        for (; j <= length - V; j += V) {
            FloatVector x = four(weight, from + j, length).add(four(weight, from + 4 * length + j, length));
            FloatVector s = load(high, at + j), next = s.add(x);
            load(low, at + j).add(lost(s, x, next)).intoArray(low, at + j);
            next.intoArray(high, at + j);
        }
        addOne(weight, from, 8, length, j, high, low, at);
    }

    // the columns from `column` on of `rows` rows, one row at a time
    private static void addOne(float[] weight, int from, int rows, int length, int column, float[] high, float[] low, int at) {
        for (int row = 0; row < rows; row++) {
            int first = from + row * length;
            int j = column;
            for (; j <= length - V; j += V) {
                FloatVector s = load(high, at + j), x = absolute(weight, first + j), next = s.add(x);
                load(low, at + j).add(lost(s, x, next)).intoArray(low, at + j);
                next.intoArray(high, at + j);
            }
            for (; j < length; j++) {
                float s = high[at + j], x = Math.abs(weight[first + j]), next = s + x;
                low[at + j] += lost(s, x, next);
                high[at + j] = next;
            }
        }
    }

    // table[to + j] = the sum over the pieces at column j, in their order; the sums of the first piece are overwritten
    private static void addPieces(float[] high, float[] low, int at, int pieces, int length, double[] table, int to) {
        for (int piece = 1; piece < pieces; piece++) {
            int from = at + piece * length;
            int j = 0;
            for (; j <= length - V; j += V) {
                FloatVector s = load(high, at + j), x = load(high, from + j), next = s.add(x);
                load(low, at + j).add(load(low, from + j)).add(lost(s, x, next)).intoArray(low, at + j);
                next.intoArray(high, at + j);
            }
            for (; j < length; j++) {
                float s = high[at + j], x = high[from + j], next = s + x;
                low[at + j] += low[from + j] + lost(s, x, next);
                high[at + j] = next;
            }
        }
        for (int j = 0; j < length; j++) {
            table[to + j] = (double) high[at + j] + low[at + j];
        }
    }

    private static void clear(float[] high, float[] low, int at, int length) {
        Arrays.fill(high, at, at + length, 0f);
        Arrays.fill(low, at, at + length, 0f);
    }

    // ------------------------------------------------------------------ vectors

    private static FloatVector absolute(float[] weight, int at) {
        return load(weight, at).abs();
    }

    private static FloatVector four(float[] weight, int at, int step) {
        FloatVector a = absolute(weight, at).add(absolute(weight, at + step));
        return a.add(absolute(weight, at + 2 * step).add(absolute(weight, at + 3 * step)));
    }

    // what rounding took from `sum`, the float sum of s and x
    private static FloatVector lost(FloatVector s, FloatVector x, FloatVector sum) {
        FloatVector part = sum.sub(s);
        return s.sub(sum.sub(part)).add(x.sub(part));
    }

    private static float lost(float s, float x, float sum) {
        float part = sum - s;
        return (s - (sum - part)) + (x - part);
    }
}
