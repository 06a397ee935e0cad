package dev.normlab.experiments.selftest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Comparing two steps tells apart what is alike, what is rounding, and what is wrong.
class TakenStepTest {

    private static final TakenStep.Tolerance TOLERANCE = new TakenStep.Tolerance(1e-3, 1e-6, 1e-5);
    private static final TakenStep RIGHT = step(2, 0.1f, 1e-9f, 0.5f, 1e-9f);

    private static TakenStep step(float loss, float weight, float bias, float mean, float zeroMean) {
        Map<String, float[]> changes = new LinkedHashMap<>();
        changes.put("weight", new float[] {weight, 0.1f, 0.1f, 0.1f});
        changes.put("bias", new float[] {bias});
        Map<String, float[]> buffers = new LinkedHashMap<>();
        buffers.put("mean", new float[] {mean});
        buffers.put("zero_mean", new float[] {zeroMean});
        return new TakenStep(loss, changes, buffers);
    }

    private static List<String> failures(TakenStep actual) {
        List<String> failures = new ArrayList<>();
        RIGHT.compare("vgg11", actual, TOLERANCE, failures);
        return failures;
    }

    @Test
    void theSameStepHasNoDistance() {
        List<String> failures = new ArrayList<>();
        assertEquals(new TakenStep.Distance(0, 0), RIGHT.compare("vgg11", RIGHT, TOLERANCE, failures));
        assertEquals(List.of(), failures);
        assertEquals(5, RIGHT.cases());
    }

    @Test
    void whatIsZeroButForRoundingMayBeAnotherRounding() {
        assertEquals(List.of(), failures(step(2, 0.10002f, -1e-8f, 0.5f, 5e-10f)));
    }

    @Test
    void everythingThatIsTooFarAwayIsAFailure() {
        assertEquals(List.of("vgg11: expected the loss 2.0, but got 2.0001"), failures(step(2.0001f, 0.1f, 1e-9f, 0.5f, 1e-9f)));
        assertEquals(List.of("vgg11: the change of weight has the norm 0.200 and is off by 0.00100"),
                failures(step(2, 0.101f, 1e-9f, 0.5f, 1e-9f)));
        assertEquals(List.of("vgg11: the change of bias has the norm 1.00e-09 and is off by 9.99e-07"),
                failures(step(2, 0.1f, 1e-6f, 0.5f, 1e-9f)));
        assertEquals(List.of("vgg11: mean has the norm 0.500 and is off by 0.00100"), failures(step(2, 0.1f, 1e-9f, 0.501f, 1e-9f)));
        assertEquals(1, failures(step(2, 0.1f, 1e-9f, 0.5f, 1e-7f)).size());
    }

    @Test
    void whatIsNotANumberIsAFailure() {
        List<String> failures = failures(step(Float.NaN, Float.NaN, Float.NaN, Float.NaN, Float.NaN));
        assertEquals(RIGHT.cases(), failures.size(), failures.toString());
        assertTrue(failures.getFirst().endsWith("but got NaN"), failures.getFirst());
    }
}
