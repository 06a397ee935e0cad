package dev.normlab.engine.kernel.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.kernel.Workers;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class VectorMatricesTest {

    @Test
    void aRowDoesNotDependOnTheNumberOfRows() {
        int m = 61, n = 37, k = 83;
        SplittableRandom random = new SplittableRandom(5);
        float[] a = values(m * k, random), b = values(n * k, random), bias = values(n, random);
        try (Workers workers = new Workers(2)) {
            Workspace workspace = new Workspace(workers);
            float[] all = product(new GemmSizes(m, n, k, false, true), a, b, bias, workspace);
            for (int row = 0; row < m; row++) {
                float[] alone = product(new GemmSizes(1, n, k, false, true), Arrays.copyOfRange(a, row * k, (row + 1) * k), b, bias,
                        workspace);
                assertArrayEquals(alone, Arrays.copyOfRange(all, row * n, (row + 1) * n), 0f, "row " + row);
            }
        }
    }

    @Test
    void rowsAndThreadsChangeNoBitOfALongSum() {
        // several segments of terms, sets of pieces and blocks of rows; columns that fill no vector
        int m = 101, n = 20 * Lanes.V + 3, k = 2 * MatrixPieces.SEGMENT + 77;
        SplittableRandom random = new SplittableRandom(6);
        float[] a = values(m * k, random), b = values(n * k, random), bias = values(n, random);
        for (int variant = 0; variant < 4; variant++) {
            GemmSizes s = new GemmSizes(m, n, k, (variant & 1) != 0, (variant & 2) != 0);
            float[] expected;
            try (Workers one = new Workers(1)) {
                expected = product(s, a, b, bias, new Workspace(one));
            }
            try (Workers three = new Workers(3)) {
                assertArrayEquals(expected, product(s, a, b, bias, new Workspace(three)), 0f, s.toString());
            }
        }
        try (Workers workers = new Workers(2)) {
            Workspace workspace = new Workspace(workers);
            float[] all = product(new GemmSizes(m, n, k, false, true), a, b, bias, workspace);
            for (int row : new int[] {0, 5, 47, 48, 100}) {
                float[] alone = product(new GemmSizes(1, n, k, false, true), Arrays.copyOfRange(a, row * k, (row + 1) * k), b, bias,
                        workspace);
                assertArrayEquals(alone, Arrays.copyOfRange(all, row * n, (row + 1) * n), 0f, "row " + row);
            }
        }
    }

    @Test
    void weightsAreKeptPackedFromTheirSecondUseAndForgottenWhenTheyChange() {
        int m = 3, n = 10, k = 40;
        SplittableRandom random = new SplittableRandom(7);
        Storage a = plain(values(m * k, random)), b = plain(values(n * k, random));
        GemmSizes s = new GemmSizes(m, n, k, false, true);
        try (Workers workers = new Workers(1)) {
            Workspace workspace = new Workspace(workers);
            float[][] results = new float[4][m * n];
            float second = b.floats()[1];
            for (int i = 0; i < 4; i++) {
                // a change that nobody tells: who packs anew would see it
                b.floats()[1] = i == 2 ? second + 1 : second;
                if (i == 3) {
                    b.floats()[0] += 1;
                    b.touch();
                }
                new VectorKernels().matrices().gemm(s, a, b, null, plain(results[i]), workspace);
            }
            assertArrayEquals(results[0], results[1], 0f);
            assertArrayEquals(results[0], results[2], 0f, "the copy of the second use");
            assertEquals(results[0][0] + a.floats()[0], results[3][0], 1e-5f, "the new weight counts");
        }
    }

    @Test
    void piecesCoverAllColumnsOnceAndFitTheRegisters() {
        for (int n : new int[] {1, Lanes.V, Lanes.V + 1, 5 * Lanes.V, 23 * Lanes.V - 1, 1000}) {
            for (int k : new int[] {1, MatrixPieces.SEGMENT, 3 * MatrixPieces.SEGMENT + 1}) {
                MatrixPieces pieces = new MatrixPieces(n, k);
                int columns = 0, floats = 0;
                for (int segment = 0; segment < pieces.segments(); segment++) {
                    for (int piece = 0; piece < pieces.count(); piece++) {
                        assertEquals(floats, pieces.packedAt(segment, piece), "packed without gaps");
                        floats += pieces.length(segment) * pieces.vectors(piece) * Lanes.V;
                        columns += segment == 0 ? pieces.width(piece) : 0;
                        assertTrue(pieces.vectors(piece) >= 1 && pieces.vectors(piece) <= TileProducts.MAX_VECTORS);
                    }
                }
                assertEquals(n, columns);
                assertEquals(floats, new MatrixPacking(new GemmSizes(1, n, k, false, false)).packedFloats());
            }
        }
    }

    private static float[] product(GemmSizes s, float[] a, float[] b, float[] bias, Workspace workspace) {
        float[] c = new float[s.m() * s.n()];
        new VectorKernels().matrices().gemm(s, plain(a), plain(b), plain(bias), plain(c), workspace);
        return c;
    }

    private static Storage plain(float[] values) {
        return Storage.ofFloats(Shape.of(values.length), Layout.PLAIN, values);
    }

    private static float[] values(int length, SplittableRandom random) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) (2 * random.nextDouble() - 1);
        }
        return values;
    }
}
