package dev.normlab.experiments.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import dev.normlab.lip.norm.Norm;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class NormBenchmarkTest {

    @Test
    void everySizeIsMeasuredWithWeightsInTheCacheAndInMemory() {
        List<NormBenchmark.Size> sizes = List.of(new NormBenchmark.Size(3, 4, 8), new NormBenchmark.Size(5, 8, 4));
        List<String> told = new ArrayList<>();
        try (Device device = Device.cpu(2)) {
            List<NormBenchmark.Row> rows = new NormBenchmark(sizes, 0.001, 1 << 14).run(device, told::add);
            assertEquals(List.of(true, true, false, false), rows.stream().map(NormBenchmark.Row::cached).toList());
            for (NormBenchmark.Row row : rows) {
                assertTrue(row.read() > 0 && row.l1() > 0 && row.linf() > 0, row.toString());
                assertEquals(row.linf() / row.read(), row.ratio(Norm.LINF));
            }
            assertEquals(4, told.size());
        }
    }

    @Test
    void bytesAreThoseOfTheWeights() {
        assertEquals(4 * 256 * 512 * 9, new NormBenchmark.Size(3, 256, 512).bytes());
        assertEquals("3x3 256->512", new NormBenchmark.Size(3, 256, 512).toString());
    }

    @Test
    void thePeakOfMemoryIsReadFromTheSystemsLines() {
        assertEquals(OptionalLong.of(1234L * 1024),
                ProcessMemory.peak(List.of("VmPeak:\t  9999 kB", "VmHWM:\t    1234 kB", "VmRSS:\t 7 kB")));
        assertEquals(OptionalLong.empty(), ProcessMemory.peak(List.of("Name: java")));
    }

    @Test
    void allocationsOfAllThreadsAreCounted() throws InterruptedException {
        long before = ProcessMemory.allocatedBytes().orElseThrow();
        List<byte[]> kept = new ArrayList<>();
        Thread other = Thread.ofPlatform().start(() -> kept.add(new byte[1 << 20]));
        other.join();
        long grown = ProcessMemory.allocatedBytes().orElseThrow() - before;
        assertTrue(grown >= 1 << 20 && kept.size() == 1, "counted " + grown + " bytes");
    }
}
