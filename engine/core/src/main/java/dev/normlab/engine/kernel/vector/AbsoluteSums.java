package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.DoubleLanes.D;
import static dev.normlab.engine.kernel.vector.DoubleLanes.DOUBLES;
import static dev.normlab.engine.kernel.vector.DoubleLanes.floats;
import static dev.normlab.engine.kernel.vector.DoubleLanes.widened;

import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.Workspace;
import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;

/// Sums of absolute weights in double precision at the speed of reading the weights once.
///
/// A weight `[o, c/groups, kh, kw]` is a matrix of `o` rows with `c/groups * kh * kw` columns. For l1 the rows of a group are added up, several rows in a
/// pass; a chunk of rows has a table of its own, and the tables are added in the order of the chunks. For linf every row is folded to its `kh * kw` taps:
/// of a run of `kh * kw` vectors, the places `tap + i * kh * kw` belong to one tap.
///
/// Widening floats costs more than adding them. In weights of a megabyte and more two neighbours are added as floats first: each such sum is rounded once,
/// to within 6e-8 of itself, and the errors of many cancel to about 1e-9 of a norm.
final class AbsoluteSums {

    // Weights that make a chunk worth handing to a thread, and the largest number of chunks (and so of tables) for l1.
    private static final int CHUNK = 1 << 15;
    private static final int MAX_TABLES = 4;

    // Rows that are added in one pass.
    private static final int ROWS = 8;

    // From this many weights on (1 MB) two neighbours are added as floats before they are widened.
    private static final int MANY = 1 << 18;

    // Columns that one thread combines.
    private static final int COLUMNS = 1 << 9;

    private AbsoluteSums() {}

    /// Whether rows are long enough for vectors.
    static boolean fits(SliceNormSizes s) {
        return s.groupInputs() >= D;
    }

    /// `table[o, kh * kw]`: each row folded to its taps.
    static void byOutput(SliceNormSizes s, float[] weight, double[] table, Workspace workspace) {
        int taps = s.kh() * s.kw(), length = s.groupInputs() * taps;
        int rows = Math.max(1, CHUNK / length), weights = s.o() * length;
        workspace.workers().run((s.o() + rows - 1) / rows, (chunk, worker) -> {
            // one vector longer than the run, since the last taps are read as a whole vector
            double[] run = workspace.scratchDoubles(worker, "run of taps", (taps + 1) * D);
            for (int io = chunk * rows; io < Math.min(s.o(), (chunk + 1) * rows); io++) {
                if (taps == 1) {
                    int from = io * length, to = from + length;
                    table[io] = weights >= MANY ? sumPairsOfRow(weight, from, to, run) : sumRow(weight, from, to, run);
                } else {
                    int tail = foldRuns(weight, io * length, length / (taps * D), taps, run);
                    sumOfTaps(run, taps * D, taps, table, io * taps);
                    for (int i = tail; i < (io + 1) * length; i++) {
                        table[io * taps + (i - tail) % taps] += Math.abs(weight[i]);
                    }
                }
            }
        });
    }

    private static double sumRow(float[] weight, int from, int to, double[] lanes) {
        DoubleVector a = DoubleVector.zero(DOUBLES), b = a, c = a, d = a;
        int i = from;
        for (; i <= to - 4 * D; i += 4 * D) {
            a = a.add(absolute(weight, i));
            b = b.add(absolute(weight, i + D));
            c = c.add(absolute(weight, i + 2 * D));
            d = d.add(absolute(weight, i + 3 * D));
        }
        return sumRest(a.add(b).add(c.add(d)), weight, i, to, lanes);
    }

    private static double sumPairsOfRow(float[] weight, int from, int to, double[] lanes) {
        DoubleVector a = DoubleVector.zero(DOUBLES), b = a, c = a, d = a;
        int i = from;
        for (; i <= to - 8 * D; i += 8 * D) {
            a = a.add(absolutes(weight, i, i + D));
            b = b.add(absolutes(weight, i + 2 * D, i + 3 * D));
            c = c.add(absolutes(weight, i + 4 * D, i + 5 * D));
            d = d.add(absolutes(weight, i + 6 * D, i + 7 * D));
        }
        return sumRest(a.add(b).add(c.add(d)), weight, i, to, lanes);
    }

    private static double sumRest(DoubleVector sum, float[] weight, int from, int to, double[] lanes) {
        int i = from;
        for (; i <= to - D; i += D) {
            sum = sum.add(absolute(weight, i));
        }
        double total = DoubleLanes.sum(sum, lanes);
        for (; i < to; i++) {
            total += Math.abs(weight[i]);
        }
        return total;
    }

    // table[at + tap] = the sum of run[tap + i * taps]
    private static void sumOfTaps(double[] run, int length, int taps, double[] table, int at) {
        for (int tap = 0; tap < taps; tap += D) {
            DoubleVector sum = DoubleVector.fromArray(DOUBLES, run, tap);
            for (int i = tap + taps; i < length; i += taps) {
                sum = sum.add(DoubleVector.fromArray(DOUBLES, run, i));
            }
            sum.intoArray(table, at + tap, DOUBLES.indexInRange(tap, taps));
        }
    }

    // run[taps * D] = the sum of `runs` runs of absolute weights from `at` on; returns where they end
    private static int foldRuns(float[] weight, int at, int runs, int taps, double[] run) {
        int step = taps * D;
        int end = at + runs * step;
        for (int j = 0; j < step; j += D) {
            DoubleVector a = DoubleVector.zero(DOUBLES), b = a, c = a, d = a;
            int i = at + j;
            for (; i < end - 3 * step; i += 4 * step) {
                a = a.add(absolute(weight, i));
                b = b.add(absolute(weight, i + step));
                c = c.add(absolute(weight, i + 2 * step));
                d = d.add(absolute(weight, i + 3 * step));
            }
            for (; i < end; i += step) {
                a = a.add(absolute(weight, i));
            }
            a.add(b).add(c.add(d)).intoArray(run, j);
        }
        return end;
    }

    /// `table[groups, c/groups * kh * kw]`: the rows of each group added up.
    static void byInput(SliceNormSizes s, float[] weight, double[] table, Workspace workspace) {
        int length = s.groupInputs() * s.kh() * s.kw(), groupRows = s.o() / s.groups();
        int wanted = Math.max(1, (int) Math.min(MAX_TABLES, (long) groupRows * length / CHUNK));
        int rows = ((groupRows + wanted - 1) / wanted + ROWS - 1) / ROWS * ROWS;
        int pieces = (groupRows + rows - 1) / rows;
        boolean pairs = s.o() * length >= MANY;
        if (pieces == 1) {
            workspace.workers().run(s.groups(),
                    (group, _) -> addRows(weight, group * groupRows, groupRows, length, pairs, table, group * length));
            return;
        }
        double[] tables = workspace.scratchDoubles(0, "tables of rows", s.groups() * pieces * length);
        workspace.workers().run(s.groups() * pieces, (chunk, _) -> {
            int group = chunk / pieces, first = chunk % pieces * rows;
            addRows(weight, group * groupRows + first, Math.min(rows, groupRows - first), length, pairs, tables, chunk * length);
        });
        int ranges = (length + COLUMNS - 1) / COLUMNS;
        workspace.workers().run(s.groups() * ranges, (chunk, _) -> {
            int group = chunk / ranges, from = chunk % ranges * COLUMNS;
            combine(tables, group * pieces * length, pieces, length, from, Math.min(length, from + COLUMNS), table, group * length);
        });
    }

    // table[at + j] = the sum over `rows` rows from `first` on of |weight[row, j]|
    private static void addRows(float[] weight, int first, int rows, int length, boolean pairs, double[] table, int at) {
        Arrays.fill(table, at, at + length, 0);
        int row = first;
        for (; row <= first + rows - ROWS; row += ROWS) {
            if (pairs) {
                addPairsOfEight(weight, row * length, length, table, at);
            } else {
                addFour(weight, row * length, length, table, at);
                addFour(weight, (row + 4) * length, length, table, at);
            }
        }
        for (; row < first + rows; row++) {
            addOne(weight, row * length, length, table, at);
        }
    }

    private static void addPairsOfEight(float[] weight, int from, int length, double[] table, int at) {
        int j = 0;
        for (; j <= length - D; j += D) {
            int i = from + j;
            DoubleVector a = absolutes(weight, i, i + length);
            DoubleVector b = absolutes(weight, i + 2 * length, i + 3 * length);
            DoubleVector c = absolutes(weight, i + 4 * length, i + 5 * length);
            DoubleVector d = absolutes(weight, i + 6 * length, i + 7 * length);
            DoubleVector.fromArray(DOUBLES, table, at + j).add(a.add(b).add(c.add(d))).intoArray(table, at + j);
        }
        addRest(weight, from, 8, length, j, table, at);
    }

    private static void addFour(float[] weight, int from, int length, double[] table, int at) {
        int j = 0;
        for (; j <= length - D; j += D) {
            int i = from + j;
            DoubleVector a = absolute(weight, i).add(absolute(weight, i + length));
            DoubleVector b = absolute(weight, i + 2 * length).add(absolute(weight, i + 3 * length));
            DoubleVector.fromArray(DOUBLES, table, at + j).add(a.add(b)).intoArray(table, at + j);
        }
        addRest(weight, from, 4, length, j, table, at);
    }

    // the last columns of `rows` rows, from column `j` on
    private static void addRest(float[] weight, int from, int rows, int length, int j, double[] table, int at) {
        for (; j < length; j++) {
            double sum = 0;
            for (int i = from + j; i < from + rows * length; i += length) {
                sum += Math.abs(weight[i]);
            }
            table[at + j] += sum;
        }
    }

    private static void addOne(float[] weight, int from, int length, double[] table, int at) {
        int j = 0;
        for (; j <= length - D; j += D) {
            DoubleVector.fromArray(DOUBLES, table, at + j).add(absolute(weight, from + j)).intoArray(table, at + j);
        }
        for (; j < length; j++) {
            table[at + j] += Math.abs(weight[from + j]);
        }
    }

    // to[toAt + j] = the sum of the tables' values at j, in their order
    private static void combine(double[] tables, int at, int count, int length, int from, int end, double[] to, int toAt) {
        int j = from;
        for (; j <= end - D; j += D) {
            DoubleVector sum = DoubleVector.fromArray(DOUBLES, tables, at + j);
            for (int i = 1; i < count; i++) {
                sum = sum.add(DoubleVector.fromArray(DOUBLES, tables, at + i * length + j));
            }
            sum.intoArray(to, toAt + j);
        }
        for (; j < end; j++) {
            double sum = 0;
            for (int i = 0; i < count; i++) {
                sum += tables[at + i * length + j];
            }
            to[toAt + j] = sum;
        }
    }

    // the sum of two vectors of absolute weights, rounded to floats once
    private static DoubleVector absolutes(float[] weight, int at, int other) {
        return widened(floats(weight, at).abs().add(floats(weight, other).abs()));
    }

    private static DoubleVector absolute(float[] weight, int at) {
        return widened(floats(weight, at).abs());
    }
}
