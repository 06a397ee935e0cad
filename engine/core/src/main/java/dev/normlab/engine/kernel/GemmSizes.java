package dev.normlab.engine.kernel;

/// Sizes of a matrix product `C[m, n] = op(A)[m, k] · op(B)[k, n]`, all row-major; a transposed operand is stored as `[k, m]` or `[n, k]`.
public record GemmSizes(int m, int n, int k, boolean transposeA, boolean transposeB) {}
