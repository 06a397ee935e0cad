package dev.normlab.testkit;

import dev.normlab.engine.kernel.Accelerator;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.DeviceCheck;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Every operation in a recorded program gives what its definition says, whatever is in the memory that it is given, and the same bits at
/// every replay; inputs stay as they are.
///
/// A case is a program of one operation. Several of them are one program here, because an accelerator takes seconds for a program and
/// kernels are what is checked.
public final class ContractCheck implements DeviceCheck {

    /// Cases that share a program.
    public static final int TOGETHER = 24;

    private static final int EACH = 3;
    private static final int MOST_ELEMENTS = 100_000;

    @Override
    public String name() {
        return "contract";
    }

    /// The cases: all, or a few of every opcode.
    public static List<OperationCase> cases(boolean whole) {
        return whole ? OperationCases.all() : OperationCases.fewOfEveryOpcode(EACH, MOST_ELEMENTS);
    }

    @Override
    public Outcome run(Device device, boolean whole, Progress progress) {
        List<OperationCase> cases = cases(whole);
        return Groups.run(cases, TOGETHER, progress, together -> failures(together, device));
    }

    /// Runs some cases as one program, twice, in memory that is full of NaN at first: a line for every one that fails.
    ///
    /// The second time memory holds what the first has left, and what operations update in place is what it was at first again.
    public static List<String> failures(List<OperationCase> cases, Device device) {
        Run run = Poisoned.during(device, () -> run(cases, device));
        List<String> failures = new ArrayList<>();
        for (int i = 0; i < cases.size(); i++) {
            try {
                check(cases.get(i), rounding(cases.get(i), device), run.inputs.get(i), run.results.get(i), run.again.get(i));
            } catch (AssertionError e) {
                failures.add(String.valueOf(e.getMessage()));
            }
        }
        return failures;
    }

    /// The error of factors that the device may make in this operation.
    private static double rounding(OperationCase operation, Device device) {
        Accelerator accelerator = device.accelerator();
        return switch (operation.opcode()) {
            case CONV2D, CONV2D_BATCH_NORM_EVAL, CONV2D_STATISTICS, CONV2D_BACKWARD_INPUT, CONV2D_BACKWARD_WEIGHT, GEMM ->
                accelerator == null ? Expected.ROUNDING : accelerator.factorRounding();
            default -> Expected.ROUNDING;
        };
    }

    private static void check(OperationCase operation, double rounding, @Nullable Tensor[] inputs, List<Tensor> results,
            List<Tensor> again) {
        List<Expected> expected = operation.expected().get();
        require(expected.size() == results.size(), operation + ": expected " + expected.size() + " outputs, but got " + results.size());
        for (int k = 0; k < expected.size(); k++) {
            expected.get(k).withFactorsOf(rounding).check(operation + ": output " + k, results.get(k));
            require(Arrays.equals(OperationCases.bits(results.get(k)), OperationCases.bits(again.get(k))),
                    operation + ": the second run gives other bits in output " + k);
        }
        for (int k = 0; k < inputs.length; k++) {
            Tensor input = inputs[k];
            require(input == null || Arrays.equals(OperationCases.bits(Objects.requireNonNull(operation.inputs().get(k))),
                    OperationCases.bits(input)), operation + ": input " + k + " was modified");
        }
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new AssertionError(otherwise);
        }
    }

    /// What a program was given, and what came out of it when it ran first and second.
    private record Run(List<@Nullable Tensor[]> inputs, List<List<Tensor>> results, List<List<Tensor>> again) {}

    private static Run run(List<OperationCase> cases, Device device) {
        Recorder recorder = new Recorder(device);
        List<@Nullable Tensor[]> inputs = new ArrayList<>();
        List<List<Tensor>> targets = new ArrayList<>();
        for (int i = 0; i < cases.size(); i++) {
            OperationCase each = cases.get(i);
            @Nullable Tensor[] placed = each.inputs().stream()
                    .map(input -> input == null ? null : OperationCases.place(input, device, true))
                    .toArray(Tensor[]::new);
            inputs.add(placed);
            targets.add(each.targets().stream().map(target -> OperationCases.place(target, device, false)).toList());
            List<Tensor> outputs = OperationCases.run(each, recorder, placed, targets.get(i));
            for (int k = 0; !each.opcode().updatesInPlace() && k < outputs.size(); k++) {
                recorder.fetch(i + " " + k, outputs.get(k));
            }
        }
        try (CompiledProgram program = CompiledProgram.of(recorder.program(), device)) {
            List<List<Tensor>> results = replay(program, cases, targets);
            for (int i = 0; i < cases.size(); i++) {
                for (int k = 0; k < targets.get(i).size(); k++) {
                    reset(targets.get(i).get(k), cases.get(i).targets().get(k));
                }
            }
            return new Run(inputs, results, replay(program, cases, targets));
        }
    }

    private static List<List<Tensor>> replay(CompiledProgram program, List<OperationCase> cases, List<List<Tensor>> targets) {
        Map<String, Tensor> fetched = program.replay(Map.of());
        List<List<Tensor>> results = new ArrayList<>();
        for (int i = 0; i < cases.size(); i++) {
            OperationCase each = cases.get(i);
            List<Tensor> own = new ArrayList<>();
            if (each.opcode().updatesInPlace()) {
                targets.get(i).forEach(target -> own.add(copy(target)));
            }
            for (int k = 0; k < each.outputs().size(); k++) {
                own.add(copy(Objects.requireNonNull(fetched.get(i + " " + k))));
            }
            results.add(own);
        }
        return results;
    }

    private static void reset(Tensor target, Tensor original) {
        if (target.dtype() == DType.INT32) {
            target.setInts(original.toIntArray());
        } else {
            target.set(original.toArray());
        }
    }

    private static Tensor copy(Tensor tensor) {
        return tensor.dtype() == DType.INT32
                ? Tensor.ofInts(tensor.shape(), tensor.toIntArray())
                : Tensor.of(tensor.shape(), tensor.toArray());
    }
}
