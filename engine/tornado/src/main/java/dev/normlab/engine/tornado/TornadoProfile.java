package dev.normlab.engine.tornado;

import dev.normlab.engine.program.DeviceProfile;
import uk.ac.manchester.tornado.api.TornadoProfilerResult;

/// What task graphs have done, by TornadoVM's profiler.
final class TornadoProfile implements DeviceProfile {

    private long kernelNanos;
    private long bytesIn;
    private long bytesOut;

    /// Adds what one execution of a graph did.
    void add(TornadoProfilerResult result) {
        kernelNanos += result.getDeviceKernelTime();
        bytesIn += result.getTotalBytesCopyIn();
        bytesOut += result.getTotalBytesCopyOut();
    }

    @Override
    public void clear() {
        kernelNanos = 0;
        bytesIn = 0;
        bytesOut = 0;
    }

    @Override
    public long kernelNanos() {
        return kernelNanos;
    }

    @Override
    public long bytesIn() {
        return bytesIn;
    }

    @Override
    public long bytesOut() {
        return bytesOut;
    }
}
