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
            SpeedTest.Row row = new SpeedTest(List.of(new NormBenchmark.Size(3, 4, 6)), new SpeedTest.Repeats(1, 10), SvdMethod.GRAM, 1).run(device, told::add)
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

    /// The rule by which a method is repeated: not counting a short first run, and beginning none that would end too late.
    @Test
    void theTimeOfAllRepeatsFollowsFromThatOfOne() {
        SpeedTest.Repeats five = new SpeedTest.Repeats(5, 10);
        assertEquals(0.5, five.seconds(1e-6), 1e-12, "warming up and a fifth of a second");
        assertEquals(6 * 0.5, five.seconds(0.5), 1e-12, "one that is not counted, and five");
        assertEquals(5 * 1.5, five.seconds(1.5), 1e-12, "five, the first among them");
        assertEquals(3 * 4.5, five.seconds(4.5), 1e-12, "the first, and as many as begin before ten seconds less one run");
        assertEquals(41, five.seconds(41), 1e-12, "once");
        assertEquals(4100, SpeedTest.Repeats.PAPER.seconds(41), 1e-9);
        assertEquals(2 * 0.5, new SpeedTest.Repeats(1, 10).seconds(0.5), 1e-12);
    }

    @Test
    void anEstimateHasEveryMethodAndLittleOfTheTimeOfPowerIteration() {
        try (Device device = Device.cpu(1)) {
            SpeedTest test = new SpeedTest(List.of(new NormBenchmark.Size(3, 4, 6)), SpeedTest.Repeats.PAPER, SvdMethod.GRAM, 1);
            SpeedTest.Cost cost = test.estimate(device, _ -> {
            }).getFirst();
            assertEquals(List.of(Method.values()), List.copyOf(cost.runs().keySet()));
            assertTrue(cost.runs().values().stream().allMatch(seconds -> seconds > 0), cost.toString());
            assertEquals(cost.runs().get(Method.POWER), cost.runs().get(Method.POWER_PUBLISHED), "as many steps of the same time");
            assertTrue(cost.seconds(SpeedTest.Repeats.PAPER) > 100 * cost.runs().get(Method.POWER));
            assertTrue(cost.seconds(SpeedTest.Repeats.PAPER) > cost.seconds(new SpeedTest.Repeats(1, 10)));
        }
    }
}
