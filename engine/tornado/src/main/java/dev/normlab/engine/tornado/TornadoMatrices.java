package dev.normlab.engine.tornado;

import static dev.normlab.engine.tornado.TornadoConvolutions.DEPTH;
import static dev.normlab.engine.tornado.TornadoConvolutions.EACH;
import static dev.normlab.engine.tornado.TornadoConvolutions.PITCH;
import static dev.normlab.engine.tornado.TornadoConvolutions.SIDE;
import static dev.normlab.engine.tornado.TornadoConvolutions.THREADS;
import static dev.normlab.engine.tornado.TornadoConvolutions.TILE;
import static dev.normlab.engine.tornado.TornadoConvolutions.ceilDiv;

import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.tornado.Launches.Operand;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/// Matrix products in the tiles of [TornadoConvolutions].
final class TornadoMatrices {

    private TornadoMatrices() {}

    static void gemm(Launches l) {
        GemmSizes s = l.attributes(GemmSizes.class);
        if (TornadoLibraryProducts.suit(l, s)) {
            TornadoLibraryProducts.gemm(l, s);
            return;
        }
        Operand a = l.in(0), b = l.in(1), bias = l.inOr(2, b), c = l.out(0);
        int hasBias = l.has(2) ? 1 : 0;
        int aRow = s.transposeA() ? 1 : s.k(), aStep = s.transposeA() ? s.m() : 1;
        int bStep = s.transposeB() ? 1 : s.n(), bColumn = s.transposeB() ? s.k() : 1;
        l.tasks().tiles(l.name(), ceilDiv(s.n(), TILE), ceilDiv(s.m(), TILE), 1, SIDE, (graph, id) -> graph.task(id,
                TornadoMatrices::gemmTiles, l.context, l.floats(), a.at(), b.at(), bias.at(), hasBias,
                c.at(), s.m(), s.n(), s.k(), aRow, aStep, bStep, bColumn));
    }

    // c [m, n] = a [m, k] · b [k, n] + bias [n]; element [i, j] of a lies at i * aRow + j * aStep, of b at i * bStep + j * bColumn
    static void gemmTiles(KernelContext context, FloatArray floats, int leftAt, int rightAt, int bAt, int hasBias, int cAt, int m, int n,
            int depth, int aRow, int aStep, int bStep, int bColumn) {
        float[] a = context.allocateFloatLocalArray(DEPTH * PITCH);
        float[] b = context.allocateFloatLocalArray(DEPTH * TILE);
        int tx = context.localIdx, ty = context.localIdy;
        int thread = ty * SIDE + tx;
        int row0 = context.groupIdy * TILE, column0 = context.groupIdx * TILE;
        float s00 = 0f, s01 = 0f, s02 = 0f, s03 = 0f, s10 = 0f, s11 = 0f, s12 = 0f, s13 = 0f;
        float s20 = 0f, s21 = 0f, s22 = 0f, s23 = 0f, s30 = 0f, s31 = 0f, s32 = 0f, s33 = 0f;
        for (int k0 = 0; k0 < depth; k0 += DEPTH) {
            for (int e = thread; e < DEPTH * TILE; e += THREADS) {
                int row = row0 + e / DEPTH;
                int k = k0 + e % DEPTH;
                float value = 0f;
                if ((m - 1 - row | depth - 1 - k) >= 0) {
                    value = floats.get(leftAt + row * aRow + k * aStep);
                }
                a[e % DEPTH * PITCH + e / DEPTH] = value;
            }
            for (int e = thread; e < DEPTH * TILE; e += THREADS) {
                int column = column0 + e % TILE;
                int k = k0 + e / TILE;
                float value = 0f;
                if ((n - 1 - column | depth - 1 - k) >= 0) {
                    value = floats.get(rightAt + k * bStep + column * bColumn);
                }
                b[e] = value;
            }
            context.localBarrier();
            for (int k = 0; k < DEPTH; k++) {
                float a0 = a[k * PITCH + ty], a1 = a[k * PITCH + ty + SIDE], a2 = a[k * PITCH + ty + 2 * SIDE],
                        a3 = a[k * PITCH + ty + 3 * SIDE];
                float b0 = b[k * TILE + tx], b1 = b[k * TILE + tx + SIDE], b2 = b[k * TILE + tx + 2 * SIDE],
                        b3 = b[k * TILE + tx + 3 * SIDE];
                s00 = s00 + a0 * b0;
                s01 = s01 + a0 * b1;
                s02 = s02 + a0 * b2;
                s03 = s03 + a0 * b3;
                s10 = s10 + a1 * b0;
                s11 = s11 + a1 * b1;
                s12 = s12 + a1 * b2;
                s13 = s13 + a1 * b3;
                s20 = s20 + a2 * b0;
                s21 = s21 + a2 * b1;
                s22 = s22 + a2 * b2;
                s23 = s23 + a2 * b3;
                s30 = s30 + a3 * b0;
                s31 = s31 + a3 * b1;
                s32 = s32 + a3 * b2;
                s33 = s33 + a3 * b3;
            }
            context.localBarrier();
        }
        for (int i = 0; i < EACH; i++) {
            for (int j = 0; j < EACH; j++) {
                int row = row0 + ty + i * SIDE;
                int column = column0 + tx + j * SIDE;
                float first = j == 0 ? s00 : j == 1 ? s01 : j == 2 ? s02 : s03;
                float second = j == 0 ? s10 : j == 1 ? s11 : j == 2 ? s12 : s13;
                float third = j == 0 ? s20 : j == 1 ? s21 : j == 2 ? s22 : s23;
                float fourth = j == 0 ? s30 : j == 1 ? s31 : j == 2 ? s32 : s33;
                float sum = i == 0 ? first : i == 1 ? second : i == 2 ? third : fourth;
                if ((m - 1 - row | n - 1 - column) >= 0) {
                    float added = 0f;
                    if (hasBias == 1) {
                        added = floats.get(bAt + column);
                    }
                    floats.set(cAt + row * n + column, sum + added);
                }
            }
        }
    }
}
