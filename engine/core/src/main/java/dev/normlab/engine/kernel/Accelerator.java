package dev.normlab.engine.kernel;

/// A processor beside the CPU, such as a GPU. It computes recorded programs; what is not recorded runs on the CPU's kernels.
public interface Accelerator extends AutoCloseable {

    /// What it is, in one line: name, backend, memory.
    String describe();

    /// The largest relative error of a factor of the matrix products in convolutions and linear layers: 2^-24 where they are floats, more
    /// where they are rounded to fewer bits.
    default double factorRounding() {
        return 0x1p-24;
    }

    /// Whether programs that take memory from now on find NaN in it (integers: `Integer.MIN_VALUE`) instead of zeros, which checks use to
    /// prove that kernels write every element they own. Nothing happens where memory is not the accelerator's.
    default void poison(boolean wanted) {}

    @Override
    void close();
}
