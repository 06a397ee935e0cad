package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.TrainingStep;
import dev.normlab.testkit.Samples;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Thousands of steps take no more memory than a few, on the heap and in the process, to which the memory of the device belongs where
/// that is the CPU. (TornadoVM does not tell how much of another device's memory it has taken.)
class TornadoEnduranceTest {

    private static final int STEPS = 5000;
    private static final int BETWEEN = 1000;
    private static final int N = 4;
    private static final int SIDE = 8;

    /// A step that kept one object of 256 bytes would keep more.
    private static final long HEAP_BYTES = 1L << 20;

    /// What the compilers of the JVM and the allocator take and give back in the meantime is less; a step that kept 7 kB would keep more.
    private static final long PROCESS_BYTES = 32L << 20;

    private static final Path STATUS = Path.of("/proc/self/status");

    /// Memory in use.
    ///
    /// @param process the resident set; 0 where the operating system does not say it in a file
    private record Used(int steps, long heap, long process) {

        static Used now(int steps) throws IOException {
            long process = 0;
            if (Files.exists(STATUS)) {
                String line = Files.readAllLines(STATUS).stream().filter(each -> each.startsWith("VmRSS:")).findFirst().orElseThrow();
                process = 1024 * Long.parseLong(line.replaceAll("\\D", ""));
            }
            for (int i = 0; i < 3; i++) {
                System.gc();
            }
            long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
            return new Used(steps, heap, process);
        }
    }

    @Test
    @Tag("slow")
    void thousandsOfStepsTakeNoMoreMemoryThanAFew() throws IOException {
        List<Used> seen = new ArrayList<>();
        try (Device gpu = Gpu.open()) {
            Layer network = new Sequential(new Conv2d(3, 4, 3, 1, 1, false), new BatchNorm2d(4), new ReLU(), new Flatten(),
                    new Linear(4 * SIDE * SIDE, 10, true)).initialize(1);
            Tensor images = Samples.uniform(1, 0f, 1f, N, 3, SIDE, SIDE);
            Tensor labels = Samples.integers(2, 10, N);
            Sgd sgd = new Sgd(network, SgdOptions.of(1e-3, 0.9, 5e-4));
            float first;
            float last = Float.NaN;
            try (TrainingStep step = new TrainingStep(network, Objective.crossEntropy(), sgd, List.of(), gpu)) {
                first = step.run(images, labels).loss();
                for (int i = 1; i <= STEPS + BETWEEN; i++) {
                    last = step.run(images, labels).loss();
                    if (i % BETWEEN == 0) {
                        seen.add(Used.now(i));
                    }
                }
            }
            assertTrue(last < first / 2, "the network learns four images by heart: " + first + " to " + last);
        }
        Used early = seen.getFirst();
        for (Used late : seen) {
            assertTrue(late.heap - early.heap < HEAP_BYTES, "on the heap: " + seen);
            assertTrue(late.process - early.process < PROCESS_BYTES, "in the process: " + seen);
        }
    }
}
