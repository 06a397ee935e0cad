package dev.normlab.engine.tensor;

/// What an element of a tensor is.
public enum DType {
    /// IEEE 754 single precision: values, gradients, parameters.
    FLOAT32,
    /// 32-bit integers: labels, indices, counters of random streams.
    INT32
}
