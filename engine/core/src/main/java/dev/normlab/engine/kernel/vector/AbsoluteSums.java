package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.DoubleLanes.D;
import static dev.normlab.engine.kernel.vector.DoubleLanes.DOUBLES;
import static dev.normlab.engine.kernel.vector.DoubleLanes.FLOATS;
import static dev.normlab.engine.kernel.vector.DoubleLanes.widened;

import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.Workspace;
import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;

/// Sums of absolute weights in double precision at the speed of reading the weights once.
///
/// A weight `[o, c/groups, kh, kw]` is a matrix of `o` rows with `c/groups * kh * kw` columns. For l1 the rows of a group are added up, several rows in a
/// pass; a chunk of rows has a table of its own, and the tables are added in the order of the chunks. For linf every row is folded to its `kh * kw` taps:
/// with D lanes a vector, the places `tap + i * kh * kw` of a run of `kh * kw` vectors belong to one tap.
final class AbsoluteSums {

    // Weights that make a chunk worth handing to a thread, and the largest number of chunks (and so of tables) for l1.
    private static final int CHUNK = 1 << 15;
    private static final int MAX_TABLES = 16;

    private AbsoluteSums() {}

    /// Whether rows are long enough for vectors.
    static boolean fits(SliceNormSizes s) {
        return s.groupInputs() >= D;
    }

    /// `table[o, kh * kw]`: each row folded to its taps.
    static void byOutput(SliceNormSizes s, float[] weight, double[] table, Workspace workspace) {
        int taps = s.kh() * s.kw(), length = s.groupInputs() * taps;
        int rows = Math.max(1, CHUNK / length);
        workspace.workers().run((s.o() + rows - 1) / rows, (chunk, worker) -> {
            double[] run = workspace.scratchDoubles(worker, "run of taps", taps * D);
            for (int io = chunk * rows; io < Math.min(s.o(), (chunk + 1) * rows); io++) {
                int tail = foldRuns(weight, io * length, s.groupInputs() / D, taps, run);
                int to = io * taps;
                for (int tap = 0; tap < taps; tap++) {
                    double sum = 0;
                    for (int i = tap; i < taps * D; i += taps) {
                        sum += run[i];
                    }
                    for (int i = tail + tap; i < (io + 1) * length; i += taps) {
                        sum += Math.abs(weight[i]);
                    }
                    table[to + tap] = sum;
                }
            }
        });
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
        int rows = (groupRows + wanted - 1) / wanted;
        int pieces = (groupRows + rows - 1) / rows;
        if (pieces == 1) {
            workspace.workers().run(s.groups(), (group, _) -> addRows(weight, group * groupRows, groupRows, length, table, group * length));
            return;
        }
        double[] tables = workspace.scratchDoubles(0, "tables of rows", s.groups() * pieces * length);
        workspace.workers().run(s.groups() * pieces, (chunk, _) -> {
            int group = chunk / pieces, first = chunk % pieces * rows;
            addRows(weight, group * groupRows + first, Math.min(rows, groupRows - first), length, tables, chunk * length);
        });
        for (int group = 0; group < s.groups(); group++) {
            System.arraycopy(tables, group * pieces * length, table, group * length, length);
            for (int piece = 1; piece < pieces; piece++) {
                add(tables, (group * pieces + piece) * length, length, table, group * length);
            }
        }
    }

    // table[at + j] = the sum over `rows` rows from `first` on of |weight[row, j]|
    private static void addRows(float[] weight, int first, int rows, int length, double[] table, int at) {
        Arrays.fill(table, at, at + length, 0);
        int row = first;
        for (; row <= first + rows - 4; row += 4) {
            addFour(weight, row * length, length, table, at);
        }
        for (; row < first + rows; row++) {
            addOne(weight, row * length, length, table, at);
        }
    }

    private static void addFour(float[] weight, int from, int length, double[] table, int at) {
        int j = 0;
        for (; j <= length - D; j += D) {
            int i = from + j;
            DoubleVector a = absolute(weight, i).add(absolute(weight, i + length));
            DoubleVector b = absolute(weight, i + 2 * length).add(absolute(weight, i + 3 * length));
            DoubleVector.fromArray(DOUBLES, table, at + j).add(a.add(b)).intoArray(table, at + j);
        }
        for (; j < length; j++) {
            int i = from + j;
            double a = (double) Math.abs(weight[i]) + Math.abs(weight[i + length]);
            double b = (double) Math.abs(weight[i + 2 * length]) + Math.abs(weight[i + 3 * length]);
            table[at + j] += a + b;
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

    private static void add(double[] from, int fromAt, int length, double[] to, int toAt) {
        int j = 0;
        for (; j <= length - D; j += D) {
            DoubleVector.fromArray(DOUBLES, to, toAt + j).add(DoubleVector.fromArray(DOUBLES, from, fromAt + j)).intoArray(to, toAt + j);
        }
        for (; j < length; j++) {
            to[toAt + j] += from[fromAt + j];
        }
    }

    private static DoubleVector absolute(float[] weight, int at) {
        return widened(FloatVector.fromArray(FLOATS, weight, at).abs());
    }
}
