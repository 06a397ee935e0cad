package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.engine.kernel.Device;
import dev.normlab.testkit.GoldenCase;
import dev.normlab.testkit.GoldenCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/// The engine's operations give PyTorch's results and gradients on the GPU ([GoldenCheck]).
class TornadoGoldenTest {

    @Tag("slow")
    @TestFactory
    Stream<DynamicTest> operationsAgreeWithPyTorch() {
        List<GoldenCase> cases = GoldenCheck.cases();
        List<DynamicTest> tests = new ArrayList<>();
        for (int from = 0; from < cases.size(); from += GoldenCheck.TOGETHER) {
            List<GoldenCase> together = cases.subList(from, Math.min(cases.size(), from + GoldenCheck.TOGETHER));
            tests.add(dynamicTest(together.getFirst() + " to " + together.getLast(), () -> {
                try (Device device = Gpu.open()) {
                    assertEquals(List.of(), GoldenCheck.failures(together, device));
                }
            }));
        }
        return tests.stream();
    }
}
