package dev.normlab.engine.tornado;

import uk.ac.manchester.tornado.api.TornadoProfilerResult;

/// What task graphs have moved, by TornadoVM's profiler, since it was last cleared.
final class TornadoProfile {

    private long bytesIn;
    private long bytesOut;

    void add(TornadoProfilerResult result) {
        bytesIn += result.getTotalBytesCopyIn();
        bytesOut += result.getTotalBytesCopyOut();
    }

    void clear() {
        bytesIn = 0;
        bytesOut = 0;
    }

    /// Bytes sent to the device.
    long bytesIn() {
        return bytesIn;
    }

    /// Bytes read from the device.
    long bytesOut() {
        return bytesOut;
    }
}
