package dev.normlab.experiments.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/// What this process takes from the machine's memory.
final class ProcessMemory {

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final String PEAK = "VmHWM:";

    private ProcessMemory() {}

    /// The largest resident set of the process so far, in bytes; empty where the system does not say it.
    static OptionalLong peakResidentBytes() {
        try {
            return Files.isReadable(STATUS) ? peak(Files.readAllLines(STATUS)) : OptionalLong.empty();
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }

    /// The peak in lines such as `VmHWM:   123456 kB`.
    static OptionalLong peak(List<String> lines) {
        return lines.stream().filter(line -> line.startsWith(PEAK))
                .mapToLong(line -> 1024 * Long.parseLong(line.substring(PEAK.length()).replace("kB", "").strip())).findFirst();
    }

    /// Bytes that all threads ever allocated on the heap; empty where the virtual machine does not count them.
    static OptionalLong allocatedBytes() {
        if (ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean threads
                && threads.isThreadAllocatedMemorySupported() && threads.isThreadAllocatedMemoryEnabled()) {
            return OptionalLong.of(threads.getTotalThreadAllocatedBytes());
        }
        return OptionalLong.empty();
    }

    /// Seconds since the virtual machine began to start.
    static double secondsSinceStart() {
        return (System.currentTimeMillis() - ManagementFactory.getRuntimeMXBean().getStartTime()) / 1000.0;
    }
}
