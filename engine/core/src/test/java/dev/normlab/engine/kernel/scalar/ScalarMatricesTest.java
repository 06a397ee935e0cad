package dev.normlab.engine.kernel.scalar;

import static dev.normlab.engine.kernel.scalar.Fixture.WORKSPACE;
import static dev.normlab.engine.kernel.scalar.Fixture.assertClose;
import static dev.normlab.engine.kernel.scalar.Fixture.output;
import static dev.normlab.engine.kernel.scalar.Fixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.kernel.MatrixKernels;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ScalarMatricesTest {

    private final MatrixKernels matrices = new ScalarKernels().matrices();

    @Test
    void everyEntryIsTheProductOfItsRowAndColumn() {
        int[][] sizes = {{1, 1, 1}, {1, 7, 5}, {6, 1, 4}, {13, 4, 1}, {5, 6, 207}, {3, 10, 0}, {0, 3, 4}, {4, 0, 3}};
        for (int[] size : sizes) {
            for (int form = 0; form < 8; form++) {
                check(new GemmSizes(size[0], size[1], size[2], (form & 1) != 0, (form & 2) != 0), (form & 4) != 0);
            }
        }
    }

    private void check(GemmSizes s, boolean withBias) {
        int m = s.m(), n = s.n(), k = s.k();
        Storage a = s.transposeA() ? random(1, k, m) : random(1, m, k);
        Storage b = s.transposeB() ? random(2, n, k) : random(2, k, n);
        Storage bias = random(3, n);
        double[] expected = new double[m * n];
        for (int i = 0; i < m * n; i++) {
            int row = i / n, column = i % n;
            expected[i] = withBias ? bias.floats()[column] : 0;
            for (int ik = 0; ik < k; ik++) {
                double left = a.floats()[s.transposeA() ? ik * m + row : row * k + ik];
                double right = b.floats()[s.transposeB() ? column * k + ik : ik * n + column];
                expected[i] += left * right;
            }
        }
        Storage c = output(m, n);
        matrices.gemm(s, a, b, withBias ? bias : null, c, WORKSPACE);
        assertClose(expected, c.floats(), 1e-7, s + (withBias ? " with bias" : ""));
    }

    @Test
    void aRowDoesNotDependOnTheOtherRows() {
        Storage a = random(4, 9, 33), b = random(5, 10, 33), all = output(9, 10), alone = output(1, 10);
        matrices.gemm(new GemmSizes(9, 10, 33, false, true), a, b, null, all, WORKSPACE);
        Storage fourth = Fixture.floats(Shape.of(1, 33), Arrays.copyOfRange(a.floats(), 4 * 33, 5 * 33));
        matrices.gemm(new GemmSizes(1, 10, 33, false, true), fourth, b, null, alone, WORKSPACE);
        assertArrayEquals(alone.floats(), Arrays.copyOfRange(all.floats(), 40, 50));
    }
}
