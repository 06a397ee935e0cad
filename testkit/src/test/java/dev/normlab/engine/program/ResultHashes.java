package dev.normlab.engine.program;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.KernelsProvider;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.testkit.OperationCase;
import dev.normlab.testkit.OperationCases;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A program for JVMs that a test starts with special flags: prints a hash of the results of every kind of operation and of training steps,
/// on every backend.
///
/// Argument: how often everything runs; only the last results are printed, so that earlier rounds can make the JVM compile.
final class ResultHashes {

    private static final int MAX_ELEMENTS = 3000;
    private static final int TRAINING_STEPS = 4;

    private ResultHashes() {}

    public static void main(String[] arguments) {
        int rounds = Integer.parseInt(arguments[0]);
        List<OperationCase> cases = OperationCases.fewOfEveryOpcode(4, MAX_ELEMENTS);
        for (KernelsProvider provider : Device.providers()) {
            try (Device device = Device.of(provider.create(), 2, true)) {
                for (int round = 1; round < rounds; round++) {
                    results(cases, device);
                }
                results(cases, device).forEach(line -> System.out.println(provider.name() + ": " + line));
            }
        }
    }

    private static List<String> results(List<OperationCase> cases, Device device) {
        List<String> lines = new ArrayList<>();
        for (OperationCase operation : cases) {
            lines.add(operation + " " + hash(operation, device));
        }
        for (int seed = 1; seed <= TRAINING_STEPS; seed++) {
            lines.add("training step " + seed + " " + train(seed, device));
        }
        return lines;
    }

    private static int hash(OperationCase operation, Device device) {
        try (EagerExecutor executor = new EagerExecutor(device)) {
            @Nullable Tensor[] inputs = operation.inputs().stream()
                    .map(input -> input == null ? null : OperationCases.place(input, device, true))
                    .toArray(Tensor[]::new);
            List<Tensor> targets = operation.targets().stream().map(target -> OperationCases.place(target, device, false)).toList();
            int hash = 0;
            for (Tensor result : OperationCases.run(operation, executor, inputs, targets)) {
                hash = 31 * hash + Arrays.hashCode(OperationCases.bits(result));
            }
            return hash;
        }
    }

    private static int train(int seed, Device device) {
        RandomTrainingStep step = new RandomTrainingStep(seed);
        step.prepare(0);
        int hash = 0;
        try (Tape tape = Tape.eager(device, step.parameters())) {
            for (Tensor result : step.train(tape, step.images(0), step.labels(0)).values()) {
                hash = 31 * hash + Arrays.hashCode(OperationCases.bits(result));
            }
        }
        for (Tensor tensor : step.state()) {
            hash = 31 * hash + Arrays.hashCode(OperationCases.bits(tensor));
        }
        return hash;
    }
}
