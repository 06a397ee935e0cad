package dev.normlab.engine.tornado;

import uk.ac.manchester.tornado.api.TornadoProfilerResult;

/// What task graphs have moved and how long they took, by TornadoVM's profiler, since it was last cleared.
final class TornadoProfile {

    private long bytesIn;
    private long bytesOut;
    private long kernelNanos;
    private long nanos;

    void add(TornadoProfilerResult result) {
        bytesIn += result.getTotalBytesCopyIn();
        bytesOut += result.getTotalBytesCopyOut();
        kernelNanos += result.getDeviceKernelTime();
        nanos += result.getTotalTime();
    }

    void clear() {
        bytesIn = 0;
        bytesOut = 0;
        kernelNanos = 0;
        nanos = 0;
    }

    /// Bytes sent to the device.
    long bytesIn() {
        return bytesIn;
    }

    /// Bytes read from the device.
    long bytesOut() {
        return bytesOut;
    }

    /// Time in kernels.
    long kernelNanos() {
        return kernelNanos;
    }

    /// Time of all graphs, from their start to their end.
    long nanos() {
        return nanos;
    }
}
