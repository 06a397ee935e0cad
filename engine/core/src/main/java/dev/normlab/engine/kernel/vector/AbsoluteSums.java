package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.Lanes.zero;

import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.Workspace;
import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/// Sums of absolute weights, far more exact than floats, at the speed of reading the weights once.
///
/// A weight `[o, c/groups, kh, kw]` is a matrix of `o` rows with `c/groups * kh * kw` columns. For l1 the rows of a group are added up; a
/// chunk of rows has sums of its own, and those of the chunks are added in their order. For linf every row is folded to its `kh * kw` taps:
/// of a run of `kh * kw` vectors, the places `tap + i * kh * kw` belong to one tap.
///
/// Widening floats to doubles costs more than adding them, so a sum is a pair of floats: `high`, and `low`, which collects what rounding
/// takes from `high` at every addition. That error is a float itself and found by five more additions (TwoSum; Knuth, The Art of Computer
/// Programming, volume 2, 4.2.2), which leaves relative errors of about 1e-14. For l1 of a megabyte and more, eight rows are added as
/// floats first, pairwise: each such sum is within 1.8e-7 of the truth, and the errors of many cancel to about 1e-9 of a norm.
///
/// Where an intermediate sum passes the largest float, or a weight is not finite, an entry of the table is not finite either ([#isFinite]).
final class AbsoluteSums {

    // Weights that make a chunk worth handing to a thread, and the largest number of chunks of a group for l1.
    private static final int CHUNK = 1 << 15;
    private static final int MAX_CHUNKS = 4;

    // Rows of a chunk for l1, at least: fewer take longer to clear and to add up.
    private static final int CHUNK_ROWS = 64;

    // Rows whose sums go on together.
    private static final int STREAMS = 4;

    // Chunks of whole rows for each thread; their number changes no result.
    private static final int PIECES = 4;

    // Rows that are added in one pass.
    private static final int ROWS = 8;

    // Floats between the sums of one chunk and the next, where they are long. A core fetches ahead of what it reads: closer together, two
    // threads kept taking the first lines of each other's sums, and half of the time went into that.
    private static final int GAP = 2048;

    // All bits but the sign. (FloatVector.abs() loads such a mask from memory for every vector, which made reading 1.3 times slower.)
    private static final IntVector MAGNITUDE = IntVector.broadcast(IntVector.SPECIES_PREFERRED, Integer.MAX_VALUE);

    // From this many weights on (1 MB) some are added as floats first.
    private static final int MANY = 1 << 18;

    private AbsoluteSums() {}

    /// Whether rows are long enough for vectors.
    static boolean fits(SliceNormSizes s) {
        return s.groupInputs() * s.kh() * s.kw() >= 4 * V;
    }

    /// Whether all of the first `count` sums are finite.
    static boolean isFinite(double[] table, int count) {
        double a = 0, b = 0, c = 0, d = 0; // 0 times anything else is not a number
        int i = 0;
        for (; i <= count - 4; i += 4) {
            a += 0 * table[i];
            b += 0 * table[i + 1];
            c += 0 * table[i + 2];
            d += 0 * table[i + 3];
        }
        for (; i < count; i++) {
            a += 0 * table[i];
        }
        return a + b + c + d == 0;
    }

    // ------------------------------------------------------------------ linf: sums along rows

    /// `table[o, kh * kw]`: each row folded to its taps.
    static void byOutput(SliceNormSizes s, float[] weight, double[] table, Workspace workspace) {
        int taps = s.kh() * s.kw(), length = s.groupInputs() * taps, step = taps * V;
        if (taps == 1 && s.o() * length >= MANY) {
            byWholeRow(s.o(), length, weight, table, workspace);
            return;
        }
        int rows = Math.max(1, CHUNK / length);
        workspace.workers().run((s.o() + rows - 1) / rows, (chunk, worker) -> {
            float[] high = workspace.scratch(worker, "run of taps", step), low = workspace.scratch(worker, "errors of taps", step);
            for (int io = chunk * rows; io < Math.min(s.o(), (chunk + 1) * rows); io++) {
                int from = io * length, end = from + length / step * step;
                for (int j = 0; j < step; j += V) {
                    clear(high, low, j, V);
                    sumOnes(weight, from + j, end, step, high, low, j);
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

    // Long rows without taps, four at a time that lie far apart: memory answers several streams faster than one.
    private static void byWholeRow(int o, int length, float[] weight, double[] table, Workspace workspace) {
        int wanted = Math.max(1, Math.min(PIECES * workspace.workers().threads(), o * length / CHUNK));
        int rows = ((o + wanted - 1) / wanted + STREAMS - 1) / STREAMS * STREAMS;
        workspace.workers().run((o + rows - 1) / rows, (chunk, worker) -> {
            float[] sums = workspace.scratch(worker, "sums of whole rows", 2 * STREAMS * V);
            double[] lanes = workspace.scratchDoubles(worker, "lanes of whole rows", DoubleLanes.D);
            int first = chunk * rows, end = Math.min(o, first + rows), quarter = (end - first) / STREAMS;
            for (int io = first; io < first + quarter; io++) {
                int next = sumFourRows(weight, io * length, quarter * length, length, sums);
                for (int stream = 0; stream < STREAMS; stream++) {
                    int row = io + stream * quarter;
                    table[row] = total(sums, 2 * stream * V, lanes, weight, row * length + next, (row + 1) * length);
                }
            }
            for (int io = first + STREAMS * quarter; io < end; io++) {
                int next = sumOneRow(weight, io * length, length, sums);
                table[io] = total(sums, 0, lanes, weight, io * length + next, (io + 1) * length);
            }
        });
    }

    // sums = high and low of each of four rows of `length` weights, `distance` from each other; returns how many weights of a row are in
    // them. (Pairs of vectors in four rows are too much for the compiler, and so is a method that stores a pair.)
    private static int sumFourRows(float[] weight, int from, int distance, int length, float[] sums) {
        FloatVector a = zero(), b = a, c = a, d = a, lostA = a, lostB = a, lostC = a, lostD = a;
        int end = from + length / V * V;
        for (int i = from; i < end; i += V) {
            FloatVector x = absolute(weight, i), next = a.add(x);
            lostA = lostA.add(lost(a, x, next));
            a = next;
            x = absolute(weight, i + distance);
            next = b.add(x);
            lostB = lostB.add(lost(b, x, next));
            b = next;
            x = absolute(weight, i + 2 * distance);
            next = c.add(x);
            lostC = lostC.add(lost(c, x, next));
            c = next;
            x = absolute(weight, i + 3 * distance);
            next = d.add(x);
            lostD = lostD.add(lost(d, x, next));
            d = next;
        }
        a.intoArray(sums, 0);
        lostA.intoArray(sums, V);
        b.intoArray(sums, 2 * V);
        lostB.intoArray(sums, 3 * V);
        c.intoArray(sums, 4 * V);
        lostC.intoArray(sums, 5 * V);
        d.intoArray(sums, 6 * V);
        lostD.intoArray(sums, 7 * V);
        return end - from;
    }

    private static int sumOneRow(float[] weight, int from, int length, float[] sums) {
        FloatVector a = zero(), lost = a;
        int end = from + length / V * V;
        for (int i = from; i < end; i += V) {
            FloatVector x = absolute(weight, i), next = a.add(x);
            lost = lost.add(lost(a, x, next));
            a = next;
        }
        a.intoArray(sums, 0);
        lost.intoArray(sums, V);
        return end - from;
    }

    // The sum of high and low from `at` on and of the weights that are in neither.
    private static double total(float[] sums, int at, double[] lanes, float[] weight, int from, int end) {
        FloatVector high = load(sums, at), low = load(sums, at + V);
        DoubleVector both = DoubleLanes.lower(high).add(DoubleLanes.upper(high)).add(DoubleLanes.lower(low).add(DoubleLanes.upper(low)));
        double sum = DoubleLanes.sum(both, lanes);
        for (int i = from; i < end; i++) {
            sum += Math.abs(weight[i]);
        }
        return sum;
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
        int most = Math.min(MAX_CHUNKS, groupRows / CHUNK_ROWS),
                wanted = Math.max(1, (int) Math.min(most, (long) groupRows * length / CHUNK));
        int rows = ((groupRows + wanted - 1) / wanted + ROWS - 1) / ROWS * ROWS;
        int pieces = (groupRows + rows - 1) / rows;
        boolean many = s.o() * length >= MANY;
        int distance = length + Math.min(GAP, length);
        float[] high = workspace.scratch(0, "sums of rows", s.groups() * pieces * distance);
        float[] low = workspace.scratch(0, "errors of rows", s.groups() * pieces * distance);
        workspace.workers().run(s.groups() * pieces, (chunk, _) -> {
            int group = chunk / pieces, first = chunk % pieces * rows;
            int from = (group * groupRows + first) * length;
            addRows(weight, from, Math.min(rows, groupRows - first), length, many, high, low, chunk * distance);
        });
        for (int group = 0; group < s.groups(); group++) {
            addPieces(high, low, group * pieces * distance, pieces, distance, length, table, group * length);
        }
    }

    // high, low [at ..] = the sums over `rows` rows of `length` weights from `from` on
    private static void addRows(float[] weight, int from, int rows, int length, boolean many, float[] high, float[] low, int at) {
        clear(high, low, at, length);
        int eighth = many ? rows / ROWS : 0;
        for (int row = 0; row < eighth; row++) {
            addEight(weight, from + row * length, eighth * length, length, high, low, at);
        }
        for (int row = ROWS * eighth; row < rows; row++) {
            addOne(weight, from + row * length, length, 0, high, low, at);
        }
    }

    // Eight rows, `distance` from each other: eight streams that each go on where they were with the next eight.
    private static void addEight(float[] weight, int from, int distance, int length, float[] high, float[] low, int at) {
        int j = 0;
        for (; j <= length - V; j += V) {
            FloatVector x = four(weight, from + j, distance).add(four(weight, from + 4 * distance + j, distance));
            FloatVector s = load(high, at + j), next = s.add(x);
            load(low, at + j).add(lost(s, x, next)).intoArray(low, at + j);
            next.intoArray(high, at + j);
        }
        for (int row = 0; j < length && row < ROWS; row++) {
            addOne(weight, from + row * distance, length, j, high, low, at);
        }
    }

    // the columns from `column` on of one row
    private static void addOne(float[] weight, int from, int length, int column, float[] high, float[] low, int at) {
        int j = column;
        for (; j <= length - V; j += V) {
            FloatVector s = load(high, at + j), x = absolute(weight, from + j), next = s.add(x);
            load(low, at + j).add(lost(s, x, next)).intoArray(low, at + j);
            next.intoArray(high, at + j);
        }
        for (; j < length; j++) {
            float s = high[at + j], x = Math.abs(weight[from + j]), next = s + x;
            low[at + j] += lost(s, x, next);
            high[at + j] = next;
        }
    }

    // table[to + j] = the sum over the pieces at column j, in their order; the sums of the first piece are overwritten
    private static void addPieces(float[] high, float[] low, int at, int pieces, int distance, int length, double[] table, int to) {
        for (int piece = 1; piece < pieces; piece++) {
            int from = at + piece * distance;
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
        int j = 0;
        for (; j <= length - V; j += V) {
            FloatVector a = load(high, at + j), b = load(low, at + j);
            DoubleLanes.lower(a).add(DoubleLanes.lower(b)).intoArray(table, to + j);
            DoubleLanes.upper(a).add(DoubleLanes.upper(b)).intoArray(table, to + j + DoubleLanes.D);
        }
        for (; j < length; j++) {
            table[to + j] = (double) high[at + j] + low[at + j];
        }
    }

    private static void clear(float[] high, float[] low, int at, int length) {
        Arrays.fill(high, at, at + length, 0f);
        Arrays.fill(low, at, at + length, 0f);
    }

    // ------------------------------------------------------------------ vectors

    private static FloatVector absolute(float[] weight, int at) {
        return load(weight, at).reinterpretAsInts().and(MAGNITUDE).reinterpretAsFloats();
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
