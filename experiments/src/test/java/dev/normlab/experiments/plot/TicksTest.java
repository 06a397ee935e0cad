package dev.normlab.experiments.plot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TicksTest {

    private static final Axis LINEAR = Axis.linear("x");
    private static final Axis LOG = Axis.log("x");

    private static List<String> labels(Ticks ticks) {
        return ticks.all().stream().filter(tick -> !tick.isMinor()).map(Tick::label).toList();
    }

    private static List<Double> values(Ticks ticks) {
        return ticks.all().stream().filter(tick -> !tick.isMinor()).map(Tick::value).toList();
    }

    @Test
    void linearTicksAreExactDecimals() {
        assertEquals(List.of(0.0, 0.1, 0.2, 0.3, 0.4, 0.5), values(Ticks.within(LINEAR, 0, 0.5, 6)));
        assertEquals(List.of("0.0", "0.1", "0.2", "0.3", "0.4", "0.5"), labels(Ticks.within(LINEAR, 0, 0.5, 6)));
        assertEquals(List.of("−5.0", "−2.5", "0.0", "2.5", "5.0", "7.5"), labels(Ticks.within(LINEAR, -6, 8, 6)));
        assertEquals(List.of("0", "5,000", "10,000", "15,000"), labels(Ticks.within(LINEAR, 0, 17_000, 4)));
    }

    @Test
    void largeAndSmallTicksUsePowersOfTen() {
        assertEquals(List.of("0", "0.5×10⁷", "1.0×10⁷", "1.5×10⁷"), labels(Ticks.within(LINEAR, 0, 1.7e7, 4)));
        assertEquals(List.of("0", "1×10⁻⁷", "2×10⁻⁷", "3×10⁻⁷"), labels(Ticks.within(LINEAR, 0, 3e-7, 4)));
    }

    @Test
    void ticksInsideStayInsideAndTicksThatCoverReachRoundEnds() {
        assertEquals(List.of(4.0, 6.0, 8.0, 10.0, 12.0), values(Ticks.within(LINEAR, 3.1, 12.9, 5)));
        Ticks covering = Ticks.covering(LINEAR, 3.1, 12.9, 5);
        assertEquals(2, covering.min());
        assertEquals(14, covering.max());
        assertEquals(List.of(2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0), values(covering));
    }

    @Test
    void aRoundRangeDoesNotGrow() {
        Ticks ticks = Ticks.covering(LINEAR, 0.3, 0.7, 5);
        assertEquals(0.3, ticks.min());
        assertEquals(0.7, ticks.max());
    }

    @Test
    void fixedLimitsHold() {
        Ticks ticks = Ticks.covering(Axis.percent("accuracy"), 0, 1, 6);
        assertEquals(List.of("0%", "20%", "40%", "60%", "80%", "100%"), labels(ticks));
        Ticks cut = Ticks.covering(LINEAR.withLimits(0, 7.3), 0, 7.3, 5);
        assertEquals(7.3, cut.max());
    }

    @Test
    void integerAxesHaveTicksAtIntegersOnly() {
        assertEquals(List.of("1", "2", "3"), labels(Ticks.within(Axis.integer("epoch"), 1, 3, 8)));
        assertEquals(List.of("0", "5", "10", "15"), labels(Ticks.within(Axis.integer("epoch"), 0, 15, 4)));
        assertEquals(List.of("0", "1", "2"), labels(Ticks.within(Axis.integer("epoch"), 1, 1, 5)));
    }

    @Test
    void logarithmicTicksArePowersOfTenWithMinorOnesBetween() {
        Ticks ticks = Ticks.within(LOG, 0.5, 2000, 6);
        assertEquals(List.of("1", "10", "100", "1,000"), labels(ticks));
        assertEquals(5 + 8 + 8 + 8 + 1, ticks.all().stream().filter(Tick::isMinor).count());
        assertEquals(List.of("10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "10⁰"), labels(Ticks.within(LOG, 1e-8, 2, 5)));
    }

    @Test
    void narrowLogarithmicRangesFallBackToFinerSteps() {
        assertEquals(List.of("2", "5", "10", "20"), labels(Ticks.within(LOG, 1.7, 22, 4)));
        assertEquals(List.of("24", "26", "28", "30"), labels(Ticks.within(LOG, 23, 31, 4)));
    }

    @Test
    void onePointBecomesARange() {
        Ticks ticks = Ticks.covering(LINEAR, 5, 5, 5);
        assertTrue(ticks.min() < 5 && ticks.max() > 5);
        Ticks logarithmic = Ticks.covering(LOG, 5, 5, 5);
        assertTrue(logarithmic.min() < 5 && logarithmic.min() > 0 && logarithmic.max() > 5);
        assertTrue(Ticks.covering(LINEAR, 0, 0, 5).all().size() >= 2);
    }

    /// Whatever the range: a reasonable number of ticks, ascending, inside, and with labels that differ.
    @Test
    void randomRangesGetDistinctLabelsInReasonableNumber() {
        Random random = new Random(7);
        for (int i = 0; i < 3000; i++) {
            Axis axis = List.of(LINEAR, LOG, Axis.integer("n")).get(i % 3);
            double scale = Math.pow(10, axis.kind() == Axis.Kind.INTEGER ? random.nextInt(7) : random.nextInt(24) - 12);
            double min = scale * (axis.kind() == Axis.Kind.LOG ? random.nextDouble() + 0.01 : random.nextGaussian());
            double max = min + Math.abs(min) * Math.pow(10, random.nextInt(6) - 2.0) + scale * 1e-2;
            String message = "seed 7, case " + i + ": " + axis.kind() + " [" + min + ", " + max + "]";
            for (Ticks ticks : List.of(Ticks.within(axis, min, max, 6), Ticks.covering(axis, min, max, 6))) {
                List<Double> values = values(ticks);
                assertTrue(values.size() <= 13, message + " has ticks " + values);
                assertTrue(axis.kind() != Axis.Kind.LINEAR || values.size() >= 4, message + " has ticks " + values);
                assertEquals(values.stream().sorted().distinct().toList(), values, message);
                assertEquals(values.size(), labels(ticks).stream().distinct().count(), message + " has labels " + labels(ticks));
                double slack = 1e-6 * (ticks.max() - ticks.min());
                assertTrue(values.stream().allMatch(v -> v >= ticks.min() - slack && v <= ticks.max() + slack), message);
            }
            Ticks covering = Ticks.covering(axis, min, max, 6);
            double slack = 1e-8 * (max - min);
            assertTrue(covering.min() <= min + slack && covering.max() >= max - slack, message);
        }
    }
}
