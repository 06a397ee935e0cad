package dev.normlab.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.DeviceCheck;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Interpreter;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.program.ProgramCompiler;
import dev.normlab.engine.program.StagedProgram;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

    /// Interprets programs, from the second replay on with an error in the first element that is fetched.
    private static final class Ageing implements ProgramCompiler {

        private final List<Boolean> poisoned = new ArrayList<>();
        private boolean poisoning;

        @Override
        public CompiledProgram compile(StepProgram program, Device device) {
            poisoned.add(poisoning);
            Interpreter interpreter = new Interpreter(program, device);
            return new CompiledProgram() {

                private boolean old;

                @Override
                public StepProgram program() {
                    return program;
                }

                @Override
                public Map<String, Tensor> replay(Map<String, Tensor> feeds) {
                    Map<String, Tensor> fetched = interpreter.replay(feeds);
                    if (old) {
                        Tensor first = fetched.values().iterator().next();
                        float[] values = first.toArray();
                        values[0] += 1;
                        first.set(values);
                    }
                    old = true;
                    return fetched;
                }

                @Override
                public void release() {
                    interpreter.release();
                }

                @Override
                public void close() {
                    interpreter.close();
                }
            };
        }

        @Override
        public StagedProgram compile(StepProgram first, StepProgram second, Device device) {
            throw new AcceleratorException("no programs of two stages");
        }

        @Override
        public void poison(boolean wanted) {
            poisoning = wanted;
        }

        @Override
        public String describe() {
            return "ageing";
        }

        @Override
        public void close() {}
    }

    @Test
    void whatIsOtherwiseAtTheSecondReplayFailsAndMemoryIsPoisoned() {
        Ageing accelerator = new Ageing();
        List<OperationCase> cases = ContractCheck.cases(false).stream().filter(each -> each.opcode() == Opcode.CONV2D).limit(2).toList();
        try (Device device = Device.accelerated(accelerator, 1)) {
            List<String> failures = ContractCheck.failures(cases, device);
            assertEquals(List.of(cases.getFirst() + ": the second run gives other bits in output 0"), failures);
            assertEquals(List.of(), GoldenCheck.failures(GoldenCheck.cases().subList(0, 1), device), "golden cases run once");
        }
        assertEquals(List.of(true, true), accelerator.poisoned);
        assertFalse(accelerator.poisoning);
    }
}
