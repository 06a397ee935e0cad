package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.testkit.GoldenCase;
import dev.normlab.testkit.GoldenOperations;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/// The engine's operations give PyTorch's results and gradients on the GPU, forward and backward recorded together; several cases share a
/// program, because each program takes seconds.
class TornadoGoldenTest {

    private static final int TOGETHER = 10;

    /// Networks and schedules are the nn module's; optimisers change their scalars on the host between steps, which one recording cannot.
    private static final Set<String> ELSEWHERE = Set.of("net", "schedule", "sgd", "adam", "adamw");

    @Tag("slow")
    @TestFactory
    Stream<DynamicTest> operationsAgreeWithPyTorch() {
        List<GoldenCase> cases = new ArrayList<>(GoldenCase.all("golden"));
        cases.addAll(GoldenCase.all("golden-extra"));
        List<GoldenCase> own = cases.stream().filter(golden -> !ELSEWHERE.contains(golden.operation())).toList();
        List<DynamicTest> tests = new ArrayList<>();
        for (int from = 0; from < own.size(); from += TOGETHER) {
            List<GoldenCase> together = own.subList(from, Math.min(own.size(), from + TOGETHER));
            tests.add(dynamicTest(together.getFirst() + " to " + together.getLast(), () -> check(together)));
        }
        return tests.stream();
    }

    private static void check(List<GoldenCase> cases) {
        try (Device device = Gpu.open()) {
            Recorder recorder = new Recorder(device);
            List<Map<String, Tensor>> recorded = new ArrayList<>();
            for (GoldenCase golden : cases) {
                recorded.add(record(golden, recorder));
            }
            try (CompiledProgram program = CompiledProgram.of(recorder.program(), device)) {
                Map<String, Tensor> fetched = program.replay(Map.of());
                for (int i = 0; i < cases.size(); i++) {
                    GoldenCase golden = cases.get(i);
                    Map<String, Tensor> results = recorded.get(i);
                    assertEquals(golden.outputs().stream().map(GoldenCase.Output::name).collect(Collectors.toSet()), results.keySet());
                    for (GoldenCase.Output output : golden.outputs()) {
                        Tensor result = results.get(output.name());
                        String name = golden.name() + " " + output.name();
                        output.check(name, result.isVirtual() ? fetched.get(name) : result);
                    }
                }
            }
        }
    }

    private static Map<String, Tensor> record(GoldenCase golden, Recorder recorder) {
        Map<String, Tensor> inputs = new LinkedHashMap<>();
        List<Tensor> watched = new ArrayList<>();
        for (GoldenCase.Input input : golden.inputs()) {
            inputs.put(input.name(), input.value());
            if (input.isDifferentiated()) {
                watched.add(input.value());
            }
        }
        try (Tape tape = new Tape(recorder, watched)) {
            Map<String, Tensor> results = GoldenOperations.run(tape, golden, inputs);
            results.forEach((name, result) -> {
                if (result.isVirtual()) {
                    recorder.fetch(golden.name() + " " + name, result);
                }
            });
            return results;
        }
    }
}
