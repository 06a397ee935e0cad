package dev.normlab.attacks;

/// What an attack computes on full batches of one size.
interface BatchProgram extends AutoCloseable {

    @Override
    void close();
}
