package dev.normlab.engine.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.KernelsProvider;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.testkit.GoldenCase;
import dev.normlab.testkit.GoldenOperations;
import dev.normlab.testkit.OperationCase;
import dev.normlab.testkit.OperationCases;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// A recorded program replays bitwise what eager execution computes, on every backend.
class ReplayTest {

    private static final int STEPS = 3;

    private static Stream<DynamicTest> onEveryBackend(Function<KernelsProvider, Stream<DynamicTest>> tests) {
        return Device.providers().stream().flatMap(tests);
    }

    @Test
    void everyOpcodeIsAmongTheCases() {
        Set<Opcode> seen = EnumSet.noneOf(Opcode.class);
        OperationCases.all().forEach(operation -> seen.add(operation.opcode()));
        assertEquals(EnumSet.allOf(Opcode.class), seen);
    }

    @TestFactory
    Stream<DynamicTest> everyOperationReplaysBitwise() {
        List<OperationCase> cases = OperationCases.fewOfEveryOpcode(12, 20_000);
        return onEveryBackend(
                provider -> cases.stream()
                        .map(operation -> dynamicTest(provider.name() + ": " + operation, () -> compare(operation, provider, false))));
    }

    @TestFactory
    Stream<DynamicTest> resultsInTheMemoryOfAnOperandHaveTheSameBits() {
        List<OperationCase> cases = OperationCases.fewOfEveryOpcode(20, 60_000).stream()
                .filter(operation -> IntStream.range(0, operation.inputs().size()).anyMatch(operation.opcode()::mayOverwrite)).toList();
        return onEveryBackend(
                provider -> cases.stream()
                        .map(operation -> dynamicTest(provider.name() + ": " + operation, () -> compare(operation, provider, true))));
    }

    /// @param dying whether the operands are intermediates of the program that nobody else reads, so that results may overwrite them
    private static void compare(OperationCase operation, KernelsProvider provider, boolean dying) {
        try (Device device = Device.of(provider.create(), 2, true)) {
            List<int[]> eager = new ArrayList<>();
            List<int[]> replayed = new ArrayList<>();
            List<Tensor> targets = operation.targets().stream().map(target -> OperationCases.place(target, device, false)).toList();
            @Nullable Tensor[] inputs = operation.inputs().stream()
                    .map(input -> input == null ? null : OperationCases.place(input, device, true))
                    .toArray(Tensor[]::new);
            for (int round = 0; round < 2; round++) {
                try (EagerExecutor executor = new EagerExecutor(device)) {
                    OperationCases.run(operation, executor, inputs, targets).forEach(result -> eager.add(OperationCases.bits(result)));
                }
            }
            Recorder recorder = new Recorder(device);
            Map<String, Tensor> feeds = new LinkedHashMap<>();
            @Nullable Tensor[] fed = new Tensor[inputs.length];
            for (int i = 0; i < inputs.length; i++) {
                Tensor input = inputs[i];
                if (input != null) {
                    Tensor feed = recorder.feed("input " + i, input.spec());
                    boolean copied = dying && input.dtype() == DType.FLOAT32;
                    fed[i] = copied ? recorder.run(Opcode.UNARY, UnaryFunction.NEGATE, input.spec(), feed) : feed;
                    fed[i] = copied ? recorder.run(Opcode.UNARY, UnaryFunction.NEGATE, input.spec(), fed[i]) : feed;
                    feeds.put("input " + i, input);
                }
            }
            List<Tensor> residents = operation.targets().stream().map(target -> OperationCases.place(target, device, false)).toList();
            List<Tensor> results = OperationCases.run(operation, recorder, fed, residents);
            for (int i = 0; i < results.size(); i++) {
                recorder.fetch("output " + i, results.get(i));
            }
            try (Interpreter interpreter = new Interpreter(recorder.program(), device)) {
                for (int round = 0; round < 2; round++) {
                    interpreter.replay(feeds).values().forEach(result -> replayed.add(OperationCases.bits(result)));
                }
            }
            assertSame(eager, replayed);
        }
    }

    private static void assertSame(List<int[]> eager, List<int[]> replayed) {
        assertEquals(eager.size(), replayed.size());
        for (int i = 0; i < eager.size(); i++) {
            assertArrayEquals(eager.get(i), replayed.get(i), "result " + i);
        }
    }

    @TestFactory
    Stream<DynamicTest> operationsAndGradientsOfTheGoldenCasesReplayBitwise() {
        List<GoldenCase> cases = new ArrayList<>(GoldenCase.all("golden"));
        cases.addAll(GoldenCase.all("golden-extra"));
        cases.removeIf(golden -> golden.operation().equals("net") || golden.operation().equals("schedule"));
        return onEveryBackend(
                provider -> cases.stream().map(golden -> dynamicTest(provider.name() + ": " + golden, () -> compare(golden, provider))));
    }

    private static void compare(GoldenCase golden, KernelsProvider provider) {
        try (Device device = Device.of(provider.create(), 2, true)) {
            Map<String, int[]> eager = new LinkedHashMap<>();
            Map<String, Tensor> inputs = new LinkedHashMap<>();
            golden.inputs().forEach(input -> inputs.put(input.name(), input.value()));
            try (Tape tape = Tape.eager(device, watched(golden, inputs))) {
                GoldenOperations.run(tape, golden, inputs).forEach((name, result) -> eager.put(name, OperationCases.bits(result)));
            }
            Recorder recorder = new Recorder(device);
            Map<String, Tensor> feeds = new LinkedHashMap<>();
            Map<String, Tensor> recorded = new LinkedHashMap<>();
            for (GoldenCase.Input input : golden.inputs()) {
                boolean updated = input.name().equals("param") || input.name().startsWith("running_");
                recorded.put(input.name(), updated ? input.value() : recorder.feed(input.name(), input.value().spec()));
                if (!updated) {
                    feeds.put(input.name(), input.value());
                }
            }
            GoldenOperations.run(new Tape(recorder, watched(golden, recorded)), golden, recorded).forEach(recorder::fetch);
            try (Interpreter interpreter = new Interpreter(recorder.program(), device)) {
                Map<String, Tensor> replayed = interpreter.replay(feeds);
                assertEquals(eager.keySet(), replayed.keySet());
                eager.forEach((name, bits) -> assertArrayEquals(bits, OperationCases.bits(replayed.get(name)), name));
            }
        }
    }

    private static List<Tensor> watched(GoldenCase golden, Map<String, Tensor> tensors) {
        return golden.inputs().stream().filter(GoldenCase.Input::isDifferentiated).map(input -> tensors.get(input.name())).toList();
    }

    @TestFactory
    Stream<DynamicTest> randomTrainingStepsReplayBitwiseWithScalarsThatChange() {
        return onEveryBackend(provider -> IntStream.rangeClosed(1, 30)
                .mapToObj(seed -> dynamicTest(provider.name() + ": seed " + seed,
                        () -> assertSame(eager(seed, provider), replayed(seed, provider)))));
    }

    private static List<int[]> eager(long seed, KernelsProvider provider) {
        List<int[]> results = new ArrayList<>();
        RandomTrainingStep step = new RandomTrainingStep(seed);
        try (Device device = Device.of(provider.create(), 2, true)) {
            for (int k = 0; k < STEPS; k++) {
                step.prepare(k);
                try (Tape tape = Tape.eager(device, step.parameters())) {
                    step.train(tape, step.images(k), step.labels(k)).values().forEach(result -> results.add(OperationCases.bits(result)));
                }
                step.state().forEach(tensor -> results.add(OperationCases.bits(tensor)));
            }
        }
        return results;
    }

    private static List<int[]> replayed(long seed, KernelsProvider provider) {
        List<int[]> results = new ArrayList<>();
        RandomTrainingStep step = new RandomTrainingStep(seed);
        try (Device device = Device.of(provider.create(), 2, true);
                Interpreter interpreter = new Interpreter(record(step, device), device)) {
            long allocated = 0;
            for (int k = 0; k < STEPS; k++) {
                step.prepare(k);
                Map<String, Tensor> fetched = interpreter.replay(Map.of("x", step.images(k), "labels", step.labels(k)));
                fetched.values().forEach(result -> results.add(OperationCases.bits(result)));
                step.state().forEach(tensor -> results.add(OperationCases.bits(tensor)));
                allocated = k == 1 ? device.pool().allocatedBytes() : allocated;
            }
            assertEquals(allocated, device.pool().allocatedBytes(), "bytes allocated after the second replay");
        }
        return results;
    }

    private static StepProgram record(RandomTrainingStep step, Device device) {
        Recorder recorder = new Recorder(device);
        Tensor x = recorder.feed("x", step.images(0).spec());
        Tensor labels = recorder.feed("labels", step.labels(0).spec());
        step.train(new Tape(recorder, step.parameters()), x, labels).forEach(recorder::fetch);
        return recorder.program();
    }
}
