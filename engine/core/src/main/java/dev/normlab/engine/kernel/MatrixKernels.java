package dev.normlab.engine.kernel;

import dev.normlab.engine.tensor.Storage;
import org.jspecify.annotations.Nullable;

/// Matrix products on plain storages.
public interface MatrixKernels {

    /// `c = op(a) · op(b)`, plus `bias[n]` on every row if there is one. Every row of `c` is computed in an order of additions that does
    /// not depend on `m`.
    void gemm(GemmSizes s, Storage a, Storage b, @Nullable Storage bias, Storage c, Workspace workspace);
}
