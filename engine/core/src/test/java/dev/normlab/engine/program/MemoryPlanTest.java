package dev.normlab.engine.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Activations;
import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.Matrices;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.scalar.ScalarKernels;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Which values share memory.
class MemoryPlanTest {

    private final Device device = Device.of(new ScalarKernels(), 1, true);
    private final Recorder recorder = new Recorder(device);
    private final Tape tape = new Tape(recorder, List.of());

    @AfterEach
    void close() {
        device.close();
    }

    private MemoryPlan plan() {
        StepProgram program = recorder.program();
        Layout[] feeds = new Layout[program.values().size()];
        program.feeds().values().forEach(id -> feeds[id] = Layout.PLAIN);
        return new MemoryPlan(program, new Lowering(device), feeds);
    }

    private int slotOfResult(MemoryPlan plan, int operation) {
        return plan.slot(recorder.program().operations().get(operation).outputs()[0]);
    }

    @Test
    void aChainOfElementwiseOperationsNeedsOneArray() {
        Tensor y = Arithmetic.scale(tape, recorder.feed("x", TensorSpec.floats(6)), 2f);
        Tensor z = Arrangement.reshape(tape, Activations.relu(tape, y), 2, 3);
        recorder.fetch("z", Arithmetic.scale(tape, z, 3f));
        MemoryPlan plan = plan();
        assertEquals(1, plan.slots().size());
        assertTrue(plan.slots().getFirst().kept());
        assertFalse(plan.isInPlace(0), "a feed is not overwritten");
        assertTrue(plan.isInPlace(1) && plan.isInPlace(2) && plan.isInPlace(3));
    }

    @Test
    void anOperandThatIsReadLaterIsNotOverwritten() {
        Tensor y = Arithmetic.scale(tape, recorder.feed("x", TensorSpec.floats(6)), 2f);
        Tensor z = Activations.relu(tape, y);
        recorder.fetch("sum", Arithmetic.add(tape, z, y));
        MemoryPlan plan = plan();
        assertNotEquals(slotOfResult(plan, 0), slotOfResult(plan, 1));
        assertTrue(plan.isInPlace(2));
        assertEquals(2, plan.slots().size());
    }

    @Test
    void anOperandOfAnotherShapeIsNotOverwritten() {
        Tensor row = Arithmetic.scale(tape, recorder.feed("x", TensorSpec.floats(1, 3)), 2f);
        Tensor whole = Arithmetic.scale(tape, recorder.feed("w", TensorSpec.floats(2, 3)), 2f);
        recorder.fetch("sum", Arithmetic.add(tape, row, whole));
        MemoryPlan plan = plan();
        assertTrue(plan.isInPlace(2));
        assertEquals(slotOfResult(plan, 1), slotOfResult(plan, 2));
        assertEquals(2, plan.slots().size());
    }

    @Test
    void valuesThatDoNotLiveTogetherShareAnArrayAlsoIfOneIsShorter() {
        Tensor a = recorder.feed("a", TensorSpec.floats(4, 4));
        Tensor wide = Matrices.matmul(tape, a, recorder.feed("b", TensorSpec.floats(4, 10)));
        Tensor narrow = Matrices.matmul(tape, wide, recorder.feed("c", TensorSpec.floats(10, 2)));
        Tensor between = Matrices.matmul(tape, narrow, recorder.feed("d", TensorSpec.floats(2, 3)));
        recorder.fetch("y", Matrices.matmul(tape, between, recorder.feed("e", TensorSpec.floats(3, 2))));
        MemoryPlan plan = plan();
        assertEquals(List.of(40, 8), plan.slots().stream().map(MemoryPlan.Slot::length).toList());
        assertEquals(slotOfResult(plan, 0), slotOfResult(plan, 2));
        assertFalse(plan.isInPlace(1));
    }

    @Test
    void aSmallFetchedValueDoesNotKeepALongArray() {
        Tensor y = Arithmetic.scale(tape, recorder.feed("x", TensorSpec.floats(1000)), 2f);
        Tensor sum = Reductions.sum(tape, y, false);
        recorder.fetch("twice the sum", Arithmetic.scale(tape, Arithmetic.scale(tape, sum, 2f), 1f));
        Tensor other = Arithmetic.scale(tape, recorder.feed("z", TensorSpec.floats(3)), 2f);
        recorder.fetch("other", Arithmetic.scale(tape, other, 3f));
        MemoryPlan plan = plan();
        for (MemoryPlan.Slot slot : plan.slots()) {
            assertTrue(!slot.kept() || slot.length() <= 3, slot.toString());
        }
        assertEquals(2, plan.slots().stream().filter(MemoryPlan.Slot::kept).count());
    }
}
