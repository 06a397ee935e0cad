package dev.normlab.engine.program;

/// What the programs of an accelerator have done on the device since the last [#clear], as the device's own profiler says it.
public interface DeviceProfile {

    /// Begins again at zero.
    void clear();

    /// Nanoseconds in kernels.
    long kernelNanos();

    /// Bytes sent to the device.
    long bytesIn();

    /// Bytes read from the device.
    long bytesOut();
}
