package dev.normlab.nn.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Dropout;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.MaxPool2d;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.testkit.Samples;
import java.lang.management.ManagementFactory;
import java.util.List;
import javax.management.JMException;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;

/// A training that goes on and on needs no more memory than a short one.
class SteadyStepsTest {

    private static final long MEBIBYTE = 1L << 20;

    private static final Tensor IMAGES = Samples.uniform(3, 0f, 1f, 2, 3, 4, 4);
    private static final Tensor LABELS = Samples.integers(4, TinyTask.CLASSES, 2);

    @Test
    void tenThousandStepsOfATinyNetworkAllocateLittleAndKeepNothing() {
        requireSteady(1, 2_000, 10_000);
    }

    @Test
    void theWorkersOfATeamAllocateLittleToo() {
        requireSteady(2, 500, 1_000);
    }

    private static void requireSteady(int team, int warmUp, int steps) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Layer model = new Sequential(new Conv2d(3, 5, 3, 2, 1, true), new BatchNorm2d(5), new ReLU(), new MaxPool2d(2, 2), new Flatten(),
                new Dropout(0.25f), new Linear(5, TinyTask.CLASSES, true)).initialize(5);
        try (Device device = Device.cpu(team);
                TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.01, 0.9, 5e-4)),
                        List.of(), device)) {
            run(step, warmUp);
            long pool = device.pool().allocatedBytes();
            long live = liveBytes();
            long before = threads.getTotalThreadAllocatedBytes();
            run(step, steps - warmUp);
            long perStep = (threads.getTotalThreadAllocatedBytes() - before) / (steps - warmUp);
            assertEquals(pool, device.pool().allocatedBytes(), "the pool grew after step " + warmUp);
            assertTrue(perStep < MEBIBYTE, "a step allocates " + perStep + " bytes, in all threads");
            long growth = liveBytes() - live;
            assertTrue(growth < MEBIBYTE / 4, (steps - warmUp) + " steps left " + growth + " bytes behind");
        }
    }

    private static void run(TrainingStep step, int times) {
        for (int i = 0; i < times; i++) {
            step.run(IMAGES, LABELS);
        }
    }

    /// The bytes of all reachable objects, counted by the virtual machine. (The used heap says less: a collection may leave dead objects
    /// where they are.)
    private static long liveBytes() {
        try {
            String histogram = (String) ManagementFactory.getPlatformMBeanServer().invoke(
                    new ObjectName("com.sun.management:type=DiagnosticCommand"), "gcClassHistogram", new Object[] {new String[0]},
                    new String[] {String[].class.getName()});
            return Long.parseLong(histogram.strip().replaceFirst("(?s).*\\s", ""));
        } catch (JMException e) {
            throw new IllegalStateException("the virtual machine does not count its objects", e);
        }
    }
}
