package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Opcode;
import dev.normlab.testkit.ContractCheck;
import dev.normlab.testkit.OperationCase;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// Every operation on the GPU gives what its definition says ([ContractCheck]).
class TornadoContractTest {

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
