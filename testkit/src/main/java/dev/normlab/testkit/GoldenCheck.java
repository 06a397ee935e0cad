package dev.normlab.testkit;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Accelerator;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.DeviceCheck;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/// The engine's operations give PyTorch's results and gradients in recorded programs, forward and backward recorded together; several cases
/// share a program, because each program takes an accelerator seconds.
public final class GoldenCheck implements DeviceCheck {

    /// Cases that share a program.
    public static final int TOGETHER = 10;

    /// Networks and schedules are the nn module's; optimisers change their scalars on the host between steps, which one recording cannot.
    private static final Set<String> ELSEWHERE = Set.of("net", "schedule", "sgd", "adam", "adamw");

    private static final Set<String> PRODUCTS = Set.of("conv2d", "linear", "matmul");

    @Override
    public String name() {
        return "golden";
    }

    /// The cases that can be recorded.
    public static List<GoldenCase> cases() {
        List<GoldenCase> cases = new ArrayList<>(GoldenCase.all("golden"));
        cases.addAll(GoldenCase.all("golden-extra"));
        return cases.stream().filter(golden -> !ELSEWHERE.contains(golden.operation())).toList();
    }

    @Override
    public Outcome run(Device device, boolean whole, Progress progress) {
        return Groups.run(cases(), TOGETHER, progress, together -> failures(together, device));
    }

    /// Runs some cases as one program, in memory that is full of NaN at first: a line for every one that fails.
    public static List<String> failures(List<GoldenCase> cases, Device device) {
        return Poisoned.during(device, () -> run(cases, device));
    }

    private static List<String> run(List<GoldenCase> cases, Device device) {
        Recorder recorder = new Recorder(device);
        List<Map<String, Tensor>> recorded = new ArrayList<>();
        for (GoldenCase golden : cases) {
            recorded.add(record(golden, recorder));
        }
        List<String> failures = new ArrayList<>();
        try (CompiledProgram program = CompiledProgram.of(recorder.program(), device)) {
            Map<String, Tensor> fetched = program.replay(Map.of());
            for (int i = 0; i < cases.size(); i++) {
                try {
                    check(cases.get(i), rounding(cases.get(i), device), recorded.get(i), fetched);
                } catch (AssertionError e) {
                    failures.add(String.valueOf(e.getMessage()));
                }
            }
        }
        return failures;
    }

    private static double rounding(GoldenCase golden, Device device) {
        Accelerator accelerator = device.accelerator();
        return accelerator != null && PRODUCTS.contains(golden.operation()) ? accelerator.factorRounding() : Expected.ROUNDING;
    }

    private static void check(GoldenCase golden, double rounding, Map<String, Tensor> results, Map<String, Tensor> fetched) {
        Set<String> expected = golden.outputs().stream().map(GoldenCase.Output::name).collect(Collectors.toSet());
        if (!expected.equals(results.keySet())) {
            throw new AssertionError(golden + ": expected the results " + expected + ", but got " + results.keySet());
        }
        for (GoldenCase.Output output : golden.outputs()) {
            Tensor result = Objects.requireNonNull(results.get(output.name()));
            String name = golden.name() + " " + output.name();
            output.check(name, result.isVirtual() ? Objects.requireNonNull(fetched.get(name), name) : result, rounding);
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
