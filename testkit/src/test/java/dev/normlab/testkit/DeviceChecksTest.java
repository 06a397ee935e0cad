package dev.normlab.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.DeviceCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/// The checks of a device find what is wrong, and nothing else.
class DeviceChecksTest {

    @Test
    void bothChecksAreRegisteredAndTheCpuPassesThem() {
        List<String> names = new ArrayList<>();
        try (Device device = Device.cpu(1)) {
            for (DeviceCheck check : ServiceLoader.load(DeviceCheck.class)) {
                names.add(check.name());
                int[] last = {0, 0};
                DeviceCheck.Outcome outcome = check.run(device, false, (done, of) -> {
                    assertTrue(done > last[0], "progress goes on");
                    last[0] = done;
                    last[1] = of;
                });
                assertEquals(List.of(), outcome.failures());
                assertTrue(outcome.cases() > 100, check.name() + ": " + outcome.cases());
                assertEquals(List.of(outcome.cases(), outcome.cases()), List.of(last[0], last[1]));
            }
        }
        assertEquals(List.of("contract", "golden"), names);
    }

    @Test
    void aWrongExpectationIsOneFailureAmongItsNeighbours() {
        List<OperationCase> cases = ContractCheck.cases(false).subList(0, 5);
        OperationCase third = cases.get(2);
        Supplier<List<Expected>> wrong = () -> third.expected().get().stream()
                .map(expected -> new Expected(Expected.fill(expected.values().length, i -> expected.values()[i] + 1),
                        expected.tolerances()))
                .toList();
        List<OperationCase> changed = new ArrayList<>(cases);
        changed.set(2, new OperationCase(third.name(), third.opcode(), third.attributes(), third.outputs(), third.targets(), third.inputs(),
                wrong));
        try (Device device = Device.scalar(1)) {
            assertEquals(List.of(), ContractCheck.failures(cases, device));
            List<String> failures = ContractCheck.failures(changed, device);
            assertEquals(1, failures.size(), failures.toString());
            assertTrue(failures.getFirst().startsWith(third.toString()), failures.getFirst());
        }
    }

    @Test
    void whatAnAcceleratorRefusesFailsItsGroupAndTheOthersGoOn() {
        DeviceCheck.Outcome outcome = Groups.run(List.of("a", "b", "c", "d", "e"), 2, (_, _) -> {
        }, group -> {
            if (group.contains("c")) {
                throw new AcceleratorException("no memory");
            }
            return group.contains("e") ? List.of("e is wrong") : List.of();
        });
        assertEquals(new DeviceCheck.Outcome(5, List.of("c: no memory", "d: no memory", "e is wrong")), outcome);
    }
}
