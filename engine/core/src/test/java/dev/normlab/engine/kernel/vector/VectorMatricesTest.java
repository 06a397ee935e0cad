package dev.normlab.engine.kernel.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

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
