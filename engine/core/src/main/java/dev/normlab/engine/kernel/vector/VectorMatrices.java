package dev.normlab.engine.kernel.vector;

import static dev.normlab.engine.kernel.vector.Lanes.V;
import static dev.normlab.engine.kernel.vector.TileProducts.PIXELS;

import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.kernel.MatrixKernels;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.kernel.vector.ChannelGroups.Piece;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Matrix products by the tiles of the convolutions: a matrix product is a 1x1 convolution whose pixels are the rows of `a`.
///
/// `b` is rearranged to `[piece][k][vectors * V]` in scratch memory, `a` is transposed first if it is stored so. Every element of `c` is
/// the bias plus one sum over `k` in ascending order, whatever `m` and `n` are.
final class VectorMatrices implements MatrixKernels {

    // Rows of a that one chunk multiplies: a whole number of tiles.
    private static final int CHUNK_ROWS = 8 * PIXELS;

    private static final int[] WHOLE_ROW = {0, 0};

    @Override
    public void gemm(GemmSizes s, Storage a, Storage b, @Nullable Storage bias, Storage c, Workspace workspace) {
        ChannelGroups columns = ChannelGroups.of(Math.max(1, s.k()), s.n(), 1, true, TileProducts.MAX_VECTORS);
        float[] bs = b.floats();
        float[] packed = workspace.scratch(0, "packed matrix", columns.weightFloats(1));
        workspace.workers().run(columns.pieces().size(), (chunk, _) -> packPiece(s, columns.pieces().get(chunk), bs, packed));
        float[] rows = s.transposeA() ? transposed(s, a.floats(), workspace) : a.floats();
        float[] biases = bias == null ? null : bias.floats();
        int units = (s.m() + CHUNK_ROWS - 1) / CHUNK_ROWS;
        workspace.workers().run(units * columns.pieces().size(), (chunk, worker) -> {
            int firstRow = chunk % units * CHUNK_ROWS;
            multiply(s, columns.pieces().get(chunk / units), firstRow, Math.min(s.m(), firstRow + CHUNK_ROWS), rows, packed, biases,
                    c.floats(), workspace, worker);
        });
    }

    private static void packPiece(GemmSizes s, Piece piece, float[] b, float[] packed) {
        int width = piece.vectors() * V, first = piece.block() * V, count = Math.min(width, s.n() - first);
        int at = piece.weightsAt() * V;
        Arrays.fill(packed, at, at + Math.max(1, s.k()) * width, 0f);
        for (int k = 0; k < s.k(); k++) {
            for (int j = 0; j < count; j++) {
                packed[at + k * width + j] = s.transposeB() ? b[(first + j) * s.k() + k] : b[k * s.n() + first + j];
            }
        }
    }

    private static float[] transposed(GemmSizes s, float[] a, Workspace workspace) {
        float[] rows = workspace.scratch(0, "transposed matrix", s.m() * s.k());
        int strips = (s.m() + CHUNK_ROWS - 1) / CHUNK_ROWS;
        workspace.workers().run(strips, (strip, _) -> {
            int to = Math.min(s.m(), (strip + 1) * CHUNK_ROWS);
            for (int k = 0; k < s.k(); k++) {
                for (int i = strip * CHUNK_ROWS; i < to; i++) {
                    rows[i * s.k() + k] = a[k * s.m() + i];
                }
            }
        });
        return rows;
    }

    private static void multiply(GemmSizes s, Piece piece, int fromRow, int toRow, float[] a, float[] packed, float @Nullable [] bias,
            float[] c, Workspace workspace, int worker) {
        int vectors = piece.vectors(), first = piece.block() * V, count = Math.min(vectors * V, s.n() - first);
        float[] sums = workspace.scratch(worker, "matrix sums", vectors * PIXELS * V);
        int[] pixels = new int[PIXELS];
        for (int row = fromRow; row < toRow; row += PIXELS) {
            int rows = Math.min(PIXELS, toRow - row);
            for (int j = 0; j < PIXELS; j++) {
                pixels[j] = (row + Math.min(j, rows - 1)) * s.k();
            }
            TileProducts.multiply(vectors, a, pixels, 0, WHOLE_ROW, 0, 1, s.k(), packed, piece.weightsAt() * V, s.k() * vectors * V, sums,
                    0);
            for (int j = 0; j < rows; j++) {
                for (int lane = 0; lane < count; lane++) {
                    c[(row + j) * s.n() + first + lane] = sums[(lane / V * PIXELS + j) * V + lane % V]
                            + (bias == null ? 0f : bias[first + lane]);
                }
            }
        }
    }
}
