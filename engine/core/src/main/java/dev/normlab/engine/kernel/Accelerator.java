package dev.normlab.engine.kernel;

/// A processor beside the CPU, such as a GPU. It computes recorded programs; what is not recorded runs on the CPU's kernels.
public interface Accelerator extends AutoCloseable {

    /// What it is, in one line: name, backend, memory.
    String describe();

    @Override
    void close();
}
