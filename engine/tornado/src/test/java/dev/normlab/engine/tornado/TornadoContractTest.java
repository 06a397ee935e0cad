package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.testkit.Expected;
import dev.normlab.testkit.OperationCase;
import dev.normlab.testkit.OperationCases;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// Every operation on the GPU gives what its definition says, and the same bits at every replay; inputs stay as they are.
///
/// A case is a program of one operation. Several of them are one program here, because TornadoVM takes seconds for a program and kernels
/// are what is tested.
class TornadoContractTest {

    /// Cases that share a program.
    private static final int TOGETHER = 24;

    /// What only the fusion of CPU devices makes.
    private static final Set<Opcode> FUSED = EnumSet.of(Opcode.CONV2D_BATCH_NORM_EVAL, Opcode.BATCH_NORM_TRAIN_RELU,
            Opcode.BATCH_NORM_EVAL_RELU, Opcode.BATCH_NORM_TRAIN_RELU_BACKWARD, Opcode.BATCH_NORM_EVAL_RELU_BACKWARD_INPUT,
            Opcode.RELU_BATCH_NORM_BACKWARD_PARAMETERS, Opcode.ADD_RELU);

    @Test
    void everyOpcodeButTheFusedOnesIsTested() {
        Set<Opcode> tested = EnumSet.noneOf(Opcode.class);
        few().forEach(operation -> tested.add(operation.opcode()));
        assertEquals(EnumSet.complementOf(EnumSet.copyOf(FUSED)), tested);
    }

    @TestFactory
    Stream<DynamicTest> operationsAgreeWithTheirDefinition() {
        return tests(few());
    }

    @Tag("slow")
    @TestFactory
    Stream<DynamicTest> allCasesAgreeWithTheirDefinition() {
        return tests(recorded(OperationCases.all()));
    }

    private static List<OperationCase> few() {
        return recorded(OperationCases.fewOfEveryOpcode(3, 100_000));
    }

    private static List<OperationCase> recorded(List<OperationCase> cases) {
        return cases.stream().filter(operation -> !FUSED.contains(operation.opcode())).toList();
    }

    private static Stream<DynamicTest> tests(List<OperationCase> cases) {
        List<DynamicTest> tests = new ArrayList<>();
        for (int from = 0; from < cases.size(); from += TOGETHER) {
            List<OperationCase> together = cases.subList(from, Math.min(cases.size(), from + TOGETHER));
            tests.add(dynamicTest(together.getFirst() + " to " + together.getLast(), () -> check(together)));
        }
        return tests.stream();
    }

    private static void check(List<OperationCase> cases) {
        try (Device device = Gpu.open()) {
            Run first = run(cases, device);
            Run second = run(cases, device);
            for (int i = 0; i < cases.size(); i++) {
                List<Expected> expected = cases.get(i).expected().get();
                assertEquals(expected.size(), first.results.get(i).size(), cases.get(i) + ": number of outputs");
                for (int k = 0; k < expected.size(); k++) {
                    expected.get(k).check(cases.get(i) + ": output " + k, first.results.get(i).get(k));
                    assertArrayEquals(bits(first.results.get(i).get(k)), bits(second.results.get(i).get(k)),
                            cases.get(i) + ": the second run gives other bits in output " + k);
                }
                for (int k = 0; k < first.inputs.get(i).length; k++) {
                    Tensor input = first.inputs.get(i)[k];
                    if (input != null) {
                        assertArrayEquals(bits(cases.get(i).inputs().get(k)), bits(input), cases.get(i) + ": input " + k + " was modified");
                    }
                }
            }
        }
    }

    private record Run(List<@Nullable Tensor[]> inputs, List<List<Tensor>> results) {}

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
            Map<String, Tensor> fetched = program.replay(Map.of());
            List<List<Tensor>> results = new ArrayList<>();
            for (int i = 0; i < cases.size(); i++) {
                OperationCase each = cases.get(i);
                List<Tensor> own = new ArrayList<>(each.opcode().updatesInPlace() ? targets.get(i) : List.of());
                for (int k = 0; k < each.outputs().size(); k++) {
                    own.add(copy(fetched.get(i + " " + k)));
                }
                results.add(own);
            }
            return new Run(inputs, results);
        }
    }

    private static Tensor copy(Tensor tensor) {
        return tensor.dtype() == DType.INT32
                ? Tensor.ofInts(tensor.shape(), tensor.toIntArray())
                : Tensor.of(tensor.shape(), tensor.toArray());
    }

    private static int[] bits(Tensor tensor) {
        return OperationCases.bits(tensor);
    }
}
