package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Opcode;
import dev.normlab.testkit.ContractCheck;
import dev.normlab.testkit.OperationCase;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// Every operation on the GPU gives what its definition says ([ContractCheck]).
class TornadoContractTest {

    private static final Set<Opcode> SEVERAL_PARTS = EnumSet.of(Opcode.BATCH_NORM_TRAIN, Opcode.BATCH_NORM_TRAIN_RELU,
            Opcode.BATCH_NORM_EVAL,
            Opcode.BATCH_NORM_EVAL_RELU, Opcode.BATCH_NORM_BACKWARD_PARAMETERS, Opcode.BATCH_NORM_TRAIN_BACKWARD_INPUT,
            Opcode.BATCH_NORM_EVAL_BACKWARD_INPUT, Opcode.BATCH_NORM_TRAIN_RELU_BACKWARD, Opcode.BATCH_NORM_EVAL_RELU_BACKWARD_INPUT,
            Opcode.RELU_BATCH_NORM_BACKWARD_PARAMETERS);

    @Test
    void everyOpcodeIsTested() {
        Set<Opcode> tested = EnumSet.noneOf(Opcode.class);
        ContractCheck.cases(false).forEach(operation -> tested.add(operation.opcode()));
        assertEquals(EnumSet.allOf(Opcode.class), tested);
    }

    @TestFactory
    Stream<DynamicTest> operationsAgreeWithTheirDefinition() {
        return tests(false);
    }

    /// So many values a channel that several groups of threads share it, the last with fewer than the others.
    @Test
    void batchNormOfManyValuesAgreesWithItsDefinition() {
        assertBatchNormsAgree(2, 11 * 30 * 31, SEVERAL_PARTS);
    }

    /// So many that one group of threads does all of a channel, every thread several.
    @Test
    void batchNormOfSomeValuesAgreesWithItsDefinition() {
        assertBatchNormsAgree(10, 4 * 16 * 17, EnumSet.of(Opcode.BATCH_NORM_TRAIN_RELU_BACKWARD));
    }

    private static void assertBatchNormsAgree(int channels, int values, Set<Opcode> tested) {
        List<OperationCase> cases = ContractCheck.cases(true).stream()
                .filter(each -> each.attributes() instanceof BatchNormSizes s && s.c() == channels && s.count() == values).toList();
        assertTrue(cases.stream().map(OperationCase::opcode).collect(Collectors.toSet()).containsAll(tested), cases.toString());
        try (Device device = Gpu.open()) {
            assertEquals(List.of(), ContractCheck.failures(cases, device));
        }
    }

    @Tag("slow")
    @TestFactory
    Stream<DynamicTest> allCasesAgreeWithTheirDefinition() {
        return tests(true);
    }

    private static Stream<DynamicTest> tests(boolean whole) {
        List<OperationCase> cases = ContractCheck.cases(whole);
        List<DynamicTest> tests = new ArrayList<>();
        for (int from = 0; from < cases.size(); from += ContractCheck.TOGETHER) {
            List<OperationCase> together = cases.subList(from, Math.min(cases.size(), from + ContractCheck.TOGETHER));
            tests.add(dynamicTest(together.getFirst() + " to " + together.getLast(), () -> {
                try (Device device = Gpu.open()) {
                    assertEquals(List.of(), ContractCheck.failures(together, device));
                }
            }));
        }
        return tests.stream();
    }
}
