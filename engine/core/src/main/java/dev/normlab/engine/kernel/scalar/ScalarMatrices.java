package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.kernel.MatrixKernels;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Matrix products row by row, summed in double precision in ascending order of the inner index and rounded once.
final class ScalarMatrices implements MatrixKernels {

    // a [m, k] or [k, m], b [k, n] or [n, k], bias [n], c [m, n]
    @Override
    public void gemm(GemmSizes s, Storage a, Storage b, @Nullable Storage bias, Storage c, Workspace workspace) {
        int m = s.m(), n = s.n(), k = s.k();
        float[] as = a.floats();
        float[] bs = s.transposeB() ? transposed(n, k, b.floats(), workspace.scratch(0, "gemm", n * k)) : b.floats();
        float[] biases = bias == null ? new float[0] : bias.floats();
        float[] cs = c.floats();
        // c[im, in] = bias[in] + sum over ik: a[im, ik] * b[ik, in]
        Chunks.run(workspace, m, (long) n * k, (from, to, worker) -> {
            double[] row = workspace.scratchDoubles(worker, "gemm", n);
            for (int im = from; im < to; im++) {
                Arrays.fill(row, 0, n, 0);
                for (int ik = 0; ik < k; ik++) {
                    double left = s.transposeA() ? as[ik * m + im] : as[im * k + ik];
                    for (int in = 0; in < n; in++) {
                        row[in] += left * bs[ik * n + in];
                    }
                }
                for (int in = 0; in < n; in++) {
                    cs[im * n + in] = (float) (bias == null ? row[in] : row[in] + biases[in]);
                }
            }
        });
    }

    // b [n, k] -> [k, n]
    private static float[] transposed(int n, int k, float[] b, float[] target) {
        for (int in = 0; in < n; in++) {
            for (int ik = 0; ik < k; ik++) {
                target[ik * n + in] = b[in * k + ik];
            }
        }
        return target;
    }
}
