package dev.normlab.nn.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.testkit.GoldenCase;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class ScheduleTest {

    @TestFactory
    Stream<DynamicTest> learningRatesArePyTorchs() {
        List<GoldenCase> cases = GoldenCase.all("golden-extra").stream().filter(golden -> golden.operation().equals("schedule")).toList();
        assertEquals(5, cases.size());
        return cases.stream().map(golden -> dynamicTest(golden.name(), () -> check(golden)));
    }

    private static void check(GoldenCase golden) {
        Schedule schedule = switch (golden.word("kind")) {
            case "step" -> Schedule.step(golden.integer("step_size"), golden.real("gamma"));
            case "multistep" -> Schedule.multiStep(Arrays.stream(golden.integers("milestones")).boxed().toList(), golden.real("gamma"));
            case "cosine" -> Schedule.cosine(golden.integer("t_max"), golden.real("eta_min"));
            default -> Schedule.reference();
        };
        float[] expected = golden.array("lr.npy").toArray();
        assertEquals(golden.integer("epochs"), expected.length);
        for (int epoch = 0; epoch < expected.length; epoch++) {
            assertEquals(expected[epoch], schedule.learningRate(golden.real("lr"), epoch), 1e-6 * expected[0], "epoch " + epoch);
        }
    }

    @Test
    void theReferencesScheduleDropsAtTheEpochs75And90And100CountedFromOne() {
        Schedule schedule = Schedule.reference();
        double[] expected = {1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001};
        int[] numbers = {74, 75, 89, 90, 99, 100, 120};
        for (int i = 0; i < numbers.length; i++) {
            assertEquals(expected[i], schedule.learningRate(1, numbers[i] - 1), "epoch number " + numbers[i]);
        }
    }

    @Test
    void aConstantScheduleIsConstantAndAbsurdOnesAreRefused() {
        assertEquals(0.3, Schedule.constant().learningRate(0.3, 1000));
        assertThrows(IllegalArgumentException.class, () -> Schedule.step(0, 0.1));
        assertThrows(IllegalArgumentException.class, () -> Schedule.cosine(0, 0));
    }
}
