package dev.normlab.engine.kernel.vector;

import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.kernel.MatrixKernels;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Matrix products of packed operands: `b`, if it holds weights, is rearranged once for each of its versions ([MatrixPacking]), `a` is
/// transposed if it is stored so, and [MatrixProduct] multiplies tile by tile.
final class VectorMatrices implements MatrixKernels {

    /// What of a matrix `b` a packed copy holds.
    private record Form(int n, int k, boolean transposed) {}

    @Override
    public void gemm(GemmSizes s, Storage a, Storage b, @Nullable Storage bias, Storage c, Workspace workspace) {
        if (s.m() == 0 || s.n() == 0) {
            return;
        }
        if (s.k() == 0) {
            fill(s, bias, c.floats());
            return;
        }
        MatrixPacking packing = new MatrixPacking(s);
        float[] packed = packed(s, b, packing, workspace);
        float[] rows = s.transposeA() ? packing.transposeA(a.floats(), workspace) : a.floats();
        int step = s.transposeA() ? packing.transposedStep() : s.k();
        new MatrixProduct(s, rows, step, packed, bias == null ? null : bias.floats(), c.floats()).run(workspace);
    }

    // Weights are kept packed. With a transposed `a` the sum runs over examples, as in a weight gradient: then `b` holds activations, which
    // are new each time.
    private static float[] packed(GemmSizes s, Storage b, MatrixPacking packing, Workspace workspace) {
        if (s.transposeA()) {
            float[] packed = workspace.scratch(0, "packed matrix", packing.packedFloats());
            packing.packB(b.floats(), packed, workspace);
            return packed;
        }
        return workspace.packed(b, new Form(s.n(), s.k(), s.transposeB()), packing.packedFloats(),
                to -> packing.packB(b.floats(), to, workspace));
    }

    // A product without terms is its bias.
    private static void fill(GemmSizes s, @Nullable Storage bias, float[] c) {
        for (int row = 0; row < s.m(); row++) {
            if (bias == null) {
                Arrays.fill(c, row * s.n(), (row + 1) * s.n(), 0f);
            } else {
                System.arraycopy(bias.floats(), 0, c, row * s.n(), s.n());
            }
        }
    }
}
