package dev.normlab.engine.tornado;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/// What becomes of tensors and memory if the device fails: when the state is sent, read back, or given up.
class TornadoFailureTest {

    private static final int ELEMENTS = 10_000;
    private static final float STEP = 10f;

    /// Room for one program of these tests (the state on the device twice, and its staging), and not for two.
    private static final long LIMIT = 1L << 18;

    /// A device that computes, and on demand fails in the place of whatever it is asked for.
    private static final class FailingAccelerator extends TornadoAccelerator {

        private final MemoryLimit limit = new MemoryLimit(LIMIT);
        private boolean broken;

        FailingAccelerator(TornadoDevice device) {
            super(device, null);
        }

        @Override
        MemoryLimit memory() {
            return limit;
        }

        @Override
        boolean isProfiling() {
            if (broken) {
                throw new IllegalStateException("out of order");
            }
            return super.isProfiling();
        }
    }

    private final Tensor target = Tensor.full(1f, ELEMENTS);
    private final Tensor factor = Tensor.scalar(1f);

    private FailingAccelerator failing() {
        try (Device plain = Gpu.open()) {
            return new FailingAccelerator(((TornadoAccelerator) plain.accelerator()).device());
        }
    }

    /// target += feed
    private CompiledProgram adding(Device device) {
        Recorder recorder = new Recorder(device);
        Tensor feed = recorder.feed("x", TensorSpec.floats(Shape.of(ELEMENTS)));
        recorder.update(Opcode.ADD_SCALED, null, List.of(target), feed, factor);
        return CompiledProgram.of(recorder.program(), device);
    }

    private static void step(CompiledProgram program) {
        program.replay(Map.of("x", Tensor.full(STEP, ELEMENTS)));
    }

    private void assertTarget(float value) {
        assertArrayEquals(Tensor.full(value, ELEMENTS).toArray(), target.toArray());
    }

    @Test
    void whatCouldNotBeSentIsTheHostsAndIsSentAgain() {
        FailingAccelerator accelerator = failing();
        try (Device device = Device.accelerated(accelerator, 2); CompiledProgram program = adding(device)) {
            accelerator.broken = true;
            AcceleratorException failure = assertThrows(AcceleratorException.class, () -> step(program));
            assertTrue(failure.getMessage().startsWith("the GPU failed: out of order. The program needs 0."), failure.getMessage());
            assertTarget(1f);
            accelerator.broken = false;
            step(program);
            assertTarget(1f + STEP);
            target.set(Tensor.full(2f, ELEMENTS).toArray());
            accelerator.broken = true;
            assertThrows(AcceleratorException.class, () -> step(program));
            accelerator.broken = false;
            step(program);
            assertTarget(2f + STEP);
        }
    }

    @Test
    void whatCouldNotBeReadBackCanBeAskedForAgain() {
        FailingAccelerator accelerator = failing();
        try (Device device = Device.accelerated(accelerator, 2); CompiledProgram program = adding(device)) {
            step(program);
            accelerator.broken = true;
            assertThrows(AcceleratorException.class, target::toArray);
            accelerator.broken = false;
            assertTarget(1f + STEP);
        }
    }

    @Test
    void closingWhatFailsSaysThatTheStateIsLostAndFreesItsMemory() {
        FailingAccelerator accelerator = failing();
        try (Device device = Device.accelerated(accelerator, 2)) {
            CompiledProgram program = adding(device);
            step(program);
            accelerator.broken = true;
            assertThrows(AcceleratorException.class, program::close);
            accelerator.broken = false;
            AcceleratorException lost = assertThrows(AcceleratorException.class, target::toArray);
            assertTrue(lost.getMessage().contains("go on from the last checkpoint"), lost.getMessage());
            program.close();
            target.set(Tensor.full(3f, ELEMENTS).toArray());
            try (CompiledProgram next = adding(device)) { // which has no room beside the first
                step(next);
                assertTarget(3f + STEP);
                AcceleratorException refused = assertThrows(AcceleratorException.class, () -> step(program));
                assertTrue(refused.getMessage().contains("has taken"), refused.getMessage());
            }
            assertEquals(3f + STEP, target.toArray()[0]);
        }
    }
}
