package dev.normlab.experiments.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.bench.SpeedTest.Method;
import dev.normlab.lip.spectral.SvdMethod;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SpeedTestTest {

    @Test
    void allMethodsAgreeOnOneSmallLayerWhateverTheirSpeed() {
        List<String> told = new ArrayList<>();
        try (Device device = Device.cpu(1)) {
            SpeedTest.Row row = new SpeedTest(List.of(new NormBenchmark.Size(3, 4, 6)), 1, SvdMethod.GRAM, 1).run(device, told::add)
                    .getFirst();
            assertEquals(row.truth().l1(), row.timings().get(Method.L1).value(), 1e-6 * row.truth().l1());
            assertEquals(row.truth().linf(), row.timings().get(Method.LINF).value(), 1e-6 * row.truth().linf());
            double l2 = row.timings().get(Method.LANCZOS).value();
            assertEquals(l2, row.timings().get(Method.POWER).value(), 5e-3 * l2);
            assertTrue(row.timings().get(Method.POWER_PUBLISHED).value() <= l2 * (1 + 1e-2));
            assertEquals(l2, row.timings().get(Method.SVC).value(), 0.1 * l2, "the circular convolution is nearly the same on 32x32");
            assertTrue(row.timings().get(Method.POWER).steps() <= 500);
            assertTrue(row.timesL1(Method.SVC) > 0);
        }
        assertEquals(Method.values().length + 1, told.size());
    }
}
