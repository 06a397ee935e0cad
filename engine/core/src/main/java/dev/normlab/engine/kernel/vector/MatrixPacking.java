package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;

import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.kernel.Workspace;
import java.util.Arrays;

/// Rearranges the operands of a matrix product: `b` into the order in which tiles read it ([MatrixPieces]), a transposed `a` into rows.
final class MatrixPacking {

    // Rows of a that one chunk transposes: a whole number of vectors.
    private static final int STRIP = 64;

    // Rows of b that one chunk packs: as many streams from memory, which pieces narrower than a few cache lines would not be.
    private static final int ROWS = 16;

    private final GemmSizes s;
    private final MatrixPieces pieces;

    MatrixPacking(GemmSizes s) {
        this.s = s;
        this.pieces = MatrixPieces.of(s);
    }

    /// Floats of the packed `b`.
    int packedFloats() {
        return Math.multiplyExact(s.k(), pieces.vectors() * V);
    }

    /// Packs `b`, which is `[k, n]` or, transposed, `[n, k]`; columns that do not exist become zero.
    void packB(float[] b, float[] packed, Workspace workspace) {
        int count = pieces.count();
        if (!s.transposeB()) {
            workspace.workers().run((s.k() + ROWS - 1) / ROWS, (chunk, _) -> packRows(b, packed, chunk * ROWS));
            return;
        }
        workspace.workers().run(pieces.segments() * count, (chunk, worker) -> packTransposed(b, packed, chunk / count, chunk % count,
                workspace.scratch(worker, "matrix transposition", Transposition.SCRATCH)));
    }

    // The rows from `firstRow` on, which are of one segment.
    private void packRows(float[] b, float[] packed, int firstRow) {
        int segment = firstRow / MatrixPieces.SEGMENT, endRow = Math.min(s.k(), firstRow + ROWS);
        for (int piece = 0; piece < pieces.count(); piece++) {
            int first = pieces.firstVector(piece) * V, width = pieces.vectors(piece) * V, exist = pieces.width(piece);
            int to = pieces.packedAt(segment, piece) + (firstRow - segment * MatrixPieces.SEGMENT) * width;
            for (int k = firstRow; k < endRow; k++, to += width) {
                copyRow(b, k * s.n() + first, exist, packed, to, width);
            }
        }
    }

    private static void copyRow(float[] b, int from, int exist, float[] packed, int to, int width) {
        int lane = 0;
        for (; lane <= exist - V; lane += V) {
            load(b, from + lane).intoArray(packed, to + lane);
        }
        for (; lane < exist; lane++) {
            packed[to + lane] = b[from + lane];
        }
        for (; lane < width; lane++) {
            packed[to + lane] = 0f;
        }
    }

    private void packTransposed(float[] b, float[] packed, int segment, int piece, float[] scratch) {
        int first = pieces.firstVector(piece) * V, width = pieces.vectors(piece) * V, exist = pieces.width(piece);
        int at = pieces.packedAt(segment, piece), k0 = segment * MatrixPieces.SEGMENT, length = pieces.length(segment);
        if (exist < width) {
            Arrays.fill(packed, at, at + length * width, 0f);
        }
        for (int lane = 0; lane < exist; lane += V) {
            int from = (first + lane) * s.k() + k0;
            transpose(b, from, s.k(), Math.min(V, exist - lane), length, packed, at + lane, width, scratch);
        }
    }

    /// Floats from one row of `a` to the next in [#transposeA]'s result: no power of two, whose rows would compete for few sets of the
    /// cache.
    int transposedStep() {
        return (Lanes.blocks(s.k()) + 1 + Lanes.blocks(s.k()) % 2) * V;
    }

    /// `a`, which is stored as `[k, m]`, as rows of [#transposedStep] floats.
    float[] transposeA(float[] a, Workspace workspace) {
        int step = transposedStep();
        float[] rows = workspace.scratch(0, "transposed matrix", Math.multiplyExact(s.m(), step));
        int strips = (s.m() + STRIP - 1) / STRIP;
        workspace.workers().run(strips, (strip, worker) -> {
            float[] scratch = workspace.scratch(worker, "matrix transposition", Transposition.SCRATCH);
            int first = strip * STRIP, end = Math.min(s.m(), first + STRIP);
            for (int k = 0; k < s.k(); k += V) {
                transpose(a, k * s.m() + first, s.m(), Math.min(V, s.k() - k), end - first, rows, first * step + k, step, scratch);
            }
        });
        return rows;
    }

    // to[j, i] = from[i, j] for `rows <= V` rows i and `columns` columns j
    private static void transpose(float[] from, int fromAt, int fromStep, int rows, int columns, float[] to, int toAt, int toStep,
            float[] scratch) {
        int j = 0;
        for (; rows == V && j <= columns - V; j += V) {
            Transposition.tile(from, fromAt + j, fromStep, to, toAt + j * toStep, toStep, scratch);
        }
        for (; j < columns; j++) {
            for (int i = 0; i < rows; i++) {
                to[toAt + j * toStep + i] = from[fromAt + i * fromStep + j];
            }
        }
    }
}
