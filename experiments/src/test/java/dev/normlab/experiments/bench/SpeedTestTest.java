package dev.normlab.experiments.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.bench.SpeedTest.Method;
import dev.normlab.lip.spectral.SvdMethod;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SpeedTestTest {

    /// The published study times an unpadded convolution, of 30x30 outputs, beside a circular one.
    @Test
    void whatIsTimedIsTheLayerThatIsPaddedToTheSameSize() {
        for (NormBenchmark.Size size : NormBenchmark.PAPER) {
            Conv2dSizes s = SpeedTest.layer(size);
            assertEquals(List.of(32, 32, 32, 32), List.of(s.h(), s.w(), s.oh(), s.ow()), size.toString());
        }
        NormBenchmark.Size size = new NormBenchmark.Size(3, 2, 3);
        SpeedTest study = new SpeedTest(List.of(size), new SpeedTest.Repeats(1, 10), SvdMethod.GRAM, 1);
        double padded = largestSingularValue(size, study.weight(size), 1);
        double unpadded = largestSingularValue(size, study.weight(size), 0);
        assertTrue(unpadded < padded * (1 - 2e-4), "the tolerance tells them apart: " + unpadded + " and " + padded);
        try (Device device = Device.cpu(1)) {
            SpeedTest.Row row = study.run(device, _ -> {
            }).getFirst();
            assertEquals(padded, row.timings().get(Method.POWER).value(), 1e-4 * padded);
            assertEquals(padded, row.timings().get(Method.LANCZOS).value(), 1e-3 * padded);
        }
    }

    /// By power iteration on loops over the definition.
    private static double largestSingularValue(NormBenchmark.Size size, float[] weight, int padding) {
        int outputs = 30 + 2 * padding;
        double[] x = new Random(1).doubles(size.inputs() * 32 * 32).toArray();
        double value = 0;
        for (int step = 0; step < 1000; step++) {
            double[] next = new double[x.length];
            for (int io = 0; io < size.outputs(); io++) {
                for (int position = 0; position < outputs * outputs; position++) {
                    int top = position / outputs - padding;
                    int left = position % outputs - padding;
                    double y = 0;
                    for (int turn = 0; turn < 2; turn++) {
                        for (int tap = 0; tap < size.inputs() * 9; tap++) {
                            int ih = top + tap / 3 % 3;
                            int iw = left + tap % 3;
                            if (ih >= 0 && ih < 32 && iw >= 0 && iw < 32) {
                                int input = (tap / 9 * 32 + ih) * 32 + iw;
                                float k = weight[io * size.inputs() * 9 + tap];
                                if (turn == 0) {
                                    y += k * x[input];
                                } else {
                                    next[input] += k * y;
                                }
                            }
                        }
                    }
                }
            }
            double norm = Math.sqrt(Arrays.stream(next).map(v -> v * v).sum());
            value = Math.sqrt(norm);
            x = Arrays.stream(next).map(v -> v / norm).toArray();
        }
        return value;
    }

    @Test
    void allMethodsAgreeOnOneSmallLayerWhateverTheirSpeed() {
        List<String> told = new ArrayList<>();
        try (Device device = Device.cpu(1)) {
            SpeedTest.Row row = new SpeedTest(List.of(new NormBenchmark.Size(3, 4, 6)), new SpeedTest.Repeats(1, 10), SvdMethod.GRAM, 1)
                    .run(device, told::add)
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
        assertEquals(6 + 2, told.size(), "warming up, the methods and brute force: " + told);
    }

    @Test
    void aGpuIsTimedBesideTheCpuAndFindsTheSame() {
        InterpretingAccelerator accelerator = new InterpretingAccelerator();
        List<String> told = new ArrayList<>();
        try (Device device = Device.accelerated(accelerator, 1)) {
            SpeedTest test = new SpeedTest(List.of(new NormBenchmark.Size(3, 4, 6)), new SpeedTest.Repeats(1, 10), SvdMethod.GRAM, 1);
            SpeedTest.Row row = test.run(device, told::add).getFirst();
            assertEquals(List.of(Method.values()), row.methods());
            assertEquals(row.of(Method.L1).value(), row.of(Method.GPU_L1).value(), 1e-6 * row.of(Method.L1).value(), "a float on the GPU");
            assertEquals(row.of(Method.LINF).value(), row.of(Method.GPU_LINF).value(), 1e-6 * row.of(Method.LINF).value());
            double power = row.of(Method.POWER).value();
            assertEquals(power, row.of(Method.GPU_POWER).value(), 1e-4 * power);
            assertEquals(row.of(Method.POWER).steps(), row.of(Method.GPU_POWER).steps(), 25, "the same start, but for rounding");
            SpeedTest.Cost cost = test.estimate(device, told::add).getFirst();
            assertEquals(List.of(Method.values()), List.copyOf(cost.runs().keySet()));
        }
        assertEquals(accelerator.compiled().size(), accelerator.closed());
    }

    /// The rule by which a method is repeated: after a second of warming up, or from the first run on, and beginning none that would end
    /// too late.
    @Test
    void theTimeOfAllRepeatsFollowsFromThatOfOne() {
        SpeedTest.Repeats five = new SpeedTest.Repeats(5, 10);
        assertEquals(1.002, five.seconds(1e-6), 1e-12, "warming up and 2000 runs");
        assertEquals(1.2, five.seconds(1e-3), 1e-12, "warming up and a fifth of a second");
        assertEquals(1 + 5 * 0.5, five.seconds(0.5), 1e-12, "warming up, and five");
        assertEquals(2 * 0.7 + 5 * 0.7, five.seconds(0.7), 1e-12, "warming up with two, and five");
        assertEquals(3 * 4.5, five.seconds(4.5), 1e-12, "warming up with one, and as many as end within ten seconds");
        assertEquals(6, five.seconds(6), 1e-12, "once: a second would end after ten seconds");
        assertEquals(41, five.seconds(41), 1e-12, "once");
        assertEquals(4100, SpeedTest.Repeats.PAPER.seconds(41), 1e-9);
        assertEquals(1 + 0.5, new SpeedTest.Repeats(1, 10).seconds(0.5), 1e-12);
        assertEquals(6 * 0.19 + 2 * 0.19, new SpeedTest.Repeats(1, 10).seconds(0.19), 1e-12, "fast: until a fifth of a second is over");
        assertTrue(five.seconds(0) > 0);
    }

    @Test
    void anEstimateHasEveryMethodAndLittleOfTheTimeOfPowerIteration() {
        try (Device device = Device.cpu(1)) {
            SpeedTest test = new SpeedTest(List.of(new NormBenchmark.Size(3, 4, 6)), SpeedTest.Repeats.PAPER, SvdMethod.GRAM, 1);
            SpeedTest.Cost cost = test.estimate(device, _ -> {
            }).getFirst();
            assertEquals(List.of(Method.L1, Method.LINF, Method.LANCZOS, Method.POWER, Method.POWER_PUBLISHED, Method.SVC),
                    List.copyOf(cost.runs().keySet()));
            assertTrue(cost.runs().values().stream().allMatch(seconds -> seconds > 0), cost.toString());
            assertEquals(cost.runs().get(Method.POWER), cost.runs().get(Method.POWER_PUBLISHED), "as many steps of the same time");
            assertTrue(cost.seconds(SpeedTest.Repeats.PAPER) > 100 * cost.runs().get(Method.POWER));
            assertTrue(cost.seconds(SpeedTest.Repeats.PAPER) > cost.seconds(new SpeedTest.Repeats(1, 10)));
        }
    }
}
