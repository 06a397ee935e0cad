package dev.normlab.engine.autograd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.KernelsProvider;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.testkit.GoldenCase;
import dev.normlab.testkit.GoldenOperations;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// The engine's operations give PyTorch's results and gradients, on every backend.
class GoldenTest {

    /// Whole networks and learning-rate schedules are the nn module's, whose tests read the same files.
    private static final Set<String> OF_NN = Set.of("net", "schedule");

    @Test
    void theGoldenFilesAreAllThere() {
        List<GoldenCase> cases = GoldenCase.all("golden");
        assertEquals(88, new HashSet<>(cases.stream().map(GoldenCase::name).toList()).size());
        assertEquals(3, cases.stream().filter(golden -> OF_NN.contains(golden.operation())).count(), "networks among them");
    }

    @TestFactory
    Stream<DynamicTest> operationsAgreeWithPyTorchOnTheScalarBackend() {
        return tests("scalar");
    }

    @TestFactory
    Stream<DynamicTest> operationsAgreeWithPyTorchOnTheVectorBackend() {
        return tests("vector");
    }

    private static Stream<DynamicTest> tests(String backend) {
        KernelsProvider provider = Device.providers().stream().filter(each -> each.name().equals(backend)).findFirst().orElseThrow();
        List<GoldenCase> cases = new ArrayList<>(GoldenCase.all("golden"));
        cases.addAll(GoldenCase.all("golden-extra"));
        return cases.stream().filter(golden -> !OF_NN.contains(golden.operation()))
                .map(golden -> dynamicTest(golden.name(), () -> check(golden, provider)));
    }

    private static void check(GoldenCase golden, KernelsProvider provider) {
        Map<String, Tensor> inputs = new LinkedHashMap<>();
        List<Tensor> watched = new ArrayList<>();
        for (GoldenCase.Input input : golden.inputs()) {
            inputs.put(input.name(), input.value());
            if (input.isDifferentiated()) {
                watched.add(input.value());
            }
        }
        try (Device device = Device.of(provider.create(), 2, true); Tape tape = Tape.eager(device, watched)) {
            Map<String, Tensor> results = GoldenOperations.run(tape, golden, inputs);
            assertEquals(golden.outputs().stream().map(GoldenCase.Output::name).collect(Collectors.toSet()), results.keySet());
            for (GoldenCase.Output output : golden.outputs()) {
                output.check(golden + " " + output.name(), results.get(output.name()));
            }
        }
    }
}
