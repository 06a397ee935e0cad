package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.Lanes.load;
import static dev.normlab.engine.kernel.vector.TileProducts.PIXELS;

import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.kernel.Workspace;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// A product of rows and a packed matrix by the tiles of the convolutions: six rows take the place of six pixels.
///
/// Every element of `c` is the bias plus the sum of the first segment, to which the sums of the later segments are added in order; within a
/// segment `k` ascends. This order depends on `k` alone, so a row of `c` has the same bits whatever the other rows are, and whoever
/// computes it.
///
/// A chunk is a block of rows and a few pieces of columns. For each segment it copies its rows to scratch memory, where they lie close
/// together (rows of a matrix are often a power of two apart and would compete for few sets of the cache), and multiplies them with one
/// piece after the other. Rows that meet one or two pieces only are read where they are.
final class MatrixProduct {

    // A whole number of tiles.
    private static final int CHUNK_ROWS = 8 * PIXELS;
    private static final int CHUNK_PIECES = 8;
    private static final int FEW_PIECES = 2;

    // Floats between rows in scratch memory: not a power of two.
    private static final int ROW = MatrixPieces.SEGMENT + V;

    private static final int[] SIDE_BY_SIDE = {0, V, 2 * V, 3 * V, 4 * V, 5 * V};

    private final GemmSizes s;
    private final MatrixPieces pieces;
    private final float[] rows;
    private final int step;
    private final boolean copied;
    private final float[] packed;
    private final float @Nullable [] bias;
    private final float[] c;

    /// Scratch memory of a team member. Tables of places have an entry for every number of rows of a tile: where these begin, from the
    /// first on; absent ones repeat the last.
    ///
    /// @param rows    of the chunk, a segment of each
    /// @param bias    of a piece
    /// @param sums    of a tile
    /// @param from    places in `rows`, or in the matrix if its rows are not copied
    /// @param to      places in `c`
    /// @param segment the one segment of a tile, as [TileProducts] takes it
    private record Scratch(float[] rows, float[] bias, float[] sums, int[] from, int[] to, int[] segment) {}

    /// @param rows   `[m, k]`
    /// @param step   floats from one row to the next
    /// @param packed as [MatrixPacking#packB] makes it
    /// @param bias   `[n]`
    /// @param c      `[m, n]`
    MatrixProduct(GemmSizes s, float[] rows, int step, float[] packed, float @Nullable [] bias, float[] c) {
        this.s = s;
        this.pieces = MatrixPieces.of(s);
        this.rows = rows;
        this.step = step;
        this.copied = pieces.count() > FEW_PIECES;
        this.packed = packed;
        this.bias = bias;
        this.c = c;
    }

    void run(Workspace workspace) {
        int blocks = (s.m() + CHUNK_ROWS - 1) / CHUNK_ROWS, sets = (pieces.count() + CHUNK_PIECES - 1) / CHUNK_PIECES;
        workspace.workers().run(blocks * sets, (chunk, worker) -> {
            Scratch scratch = scratch(workspace, worker);
            int firstRow = chunk % blocks * CHUNK_ROWS, firstPiece = chunk / blocks * CHUNK_PIECES;
            multiply(firstRow, Math.min(s.m(), firstRow + CHUNK_ROWS), firstPiece, Math.min(pieces.count(), firstPiece + CHUNK_PIECES),
                    scratch);
        });
    }

    private Scratch scratch(Workspace workspace, int worker) {
        int places = (PIXELS + 1) * PIXELS, sums = TileProducts.MAX_VECTORS * V;
        Scratch scratch = new Scratch(copied ? workspace.scratch(worker, "matrix rows", CHUNK_ROWS * ROW) : rows,
                workspace.scratch(worker, "matrix bias", sums), workspace.scratch(worker, "matrix sums", sums * PIXELS),
                workspace.scratchInts(worker, "matrix places", places), workspace.scratchInts(worker, "product places", places),
                workspace.scratchInts(worker, "matrix segment", 2));
        for (int i = PIXELS; i < places; i++) {
            int row = Math.min(i % PIXELS, i / PIXELS - 1);
            scratch.from[i] = row * (copied ? ROW : step);
            scratch.to[i] = row * s.n();
        }
        return scratch;
    }

    private void multiply(int firstRow, int endRow, int firstPiece, int endPiece, Scratch scratch) {
        for (int segment = 0; segment < pieces.segments(); segment++) {
            int k = segment * MatrixPieces.SEGMENT;
            for (int row = firstRow; copied && row < endRow; row++) {
                System.arraycopy(rows, row * step + k, scratch.rows, (row - firstRow) * ROW, pieces.length(segment));
            }
            for (int piece = firstPiece; piece < endPiece; piece++) {
                if (segment == 0) {
                    biasOf(piece, scratch.bias);
                }
                for (int row = firstRow; row < endRow; row += PIXELS) {
                    int at = copied ? (row - firstRow) * ROW : row * step + k;
                    tile(segment, piece, row, Math.min(PIXELS, endRow - row), at, scratch);
                }
            }
        }
    }

    private void biasOf(int piece, float[] to) {
        Arrays.fill(to, 0, TileProducts.MAX_VECTORS * V, 0f);
        if (bias != null) {
            System.arraycopy(bias, pieces.firstVector(piece) * V, to, 0, pieces.width(piece));
        }
    }

    // A segment's sums for up to six rows of c and the columns of a piece: the first segment writes them, the others add them.
    private void tile(int segment, int piece, int row, int count, int rowsAt, Scratch scratch) {
        int vectors = pieces.vectors(piece), width = pieces.width(piece), length = pieces.length(segment), table = count * PIXELS;
        int wAt = pieces.packedAt(segment, piece), to = row * s.n() + pieces.firstVector(piece) * V;
        scratch.segment[0] = rowsAt;
        scratch.segment[1] = 0;
        if (segment > 0) {
            TileProducts.multiply(vectors, scratch.rows, scratch.from, table, scratch.segment, 0, 1, length, packed, wAt, 0, scratch.sums,
                    0);
            add(scratch.sums, count, width, to);
        } else if (width == vectors * V) {
            TileProducts.store(vectors, scratch.rows, scratch.from, table, scratch.segment, 0, 1, length, packed, wAt, 0, scratch.bias, c,
                    to, V, scratch.to, table);
        } else {
            TileProducts.store(vectors, scratch.rows, scratch.from, table, scratch.segment, 0, 1, length, packed, wAt, 0, scratch.bias,
                    scratch.sums, 0, PIXELS * V, SIDE_BY_SIDE, 0);
            copy(scratch.sums, count, width, to);
        }
    }

    // sums[vectors, 6, V] to the rows of c
    private void copy(float[] sums, int count, int width, int to) {
        for (int j = 0; j < count; j++) {
            for (int lane = 0; lane < width; lane += V) {
                System.arraycopy(sums, (lane * PIXELS) + j * V, c, to + j * s.n() + lane, Math.min(V, width - lane));
            }
        }
    }

    private void add(float[] sums, int count, int width, int to) {
        for (int j = 0; j < count; j++) {
            int lane = 0, at = to + j * s.n();
            for (; lane <= width - V; lane += V) {
                load(c, at + lane).add(load(sums, lane * PIXELS + j * V)).intoArray(c, at + lane);
            }
            for (int i = lane; i < width; i++) {
                c[at + i] += sums[lane * PIXELS + j * V + i - lane];
            }
        }
    }
}
