package dev.normlab.engine.autograd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.scalar.ScalarKernels;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.testkit.Samples;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TapeTest {

    private final Device device = Device.of(new ScalarKernels(), 1, true);
    private final Tensor a = Tensor.of(Shape.of(3), 1f, 2f, 3f).named("a");
    private final Tensor b = Tensor.of(Shape.of(3), 4f, 5f, 6f).named("b");

    @AfterEach
    void close() {
        device.close();
    }

    private static void assertMessage(Throwable error, String part) {
        assertTrue(error.getMessage().contains(part), () -> "'" + error.getMessage() + "' does not say '" + part + "'");
    }

    @Test
    void onlyWatchedTensorsHaveGradients() {
        try (Tape tape = Tape.eager(device, List.of(a))) {
            Gradients gradients = tape.backward(Reductions.sum(tape, Arithmetic.multiply(tape, a, b), false));
            assertArrayEquals(b.toArray(), gradients.of(a).toArray());
            assertTrue(gradients.find(b).isEmpty());
            IllegalArgumentException error = assertThrows(IllegalArgumentException.class, () -> gradients.of(b));
            assertMessage(error, "there is no gradient for b float32[3]");
            assertMessage(error, "pass it to the tape when you open it");
        }
    }

    @Test
    void watchedTensorsShareNoGradientMemorySoThatHooksMayChangeOneInPlace() {
        Tensor one = Tensor.scalar(1f);
        try (Tape tape = Tape.eager(device, List.of(a, b))) {
            Gradients gradients = tape.backward(Reductions.sum(tape, Arithmetic.add(tape, a, b), false));
            tape.executor().update(Opcode.ADD_SCALED, null, List.of(gradients.of(a)), a, one);
            assertArrayEquals(new float[] {2, 3, 4}, gradients.of(a).toArray());
            assertArrayEquals(new float[] {1, 1, 1}, gradients.of(b).toArray());
        }
    }

    @Test
    void theGradientThatWasPassedInIsNotHandedOut() {
        Tensor given = Tensor.of(Shape.of(3), 1f, 1f, 1f);
        try (Tape tape = Tape.eager(device, List.of(a, b))) {
            Gradients gradients = tape.backward(Arithmetic.add(tape, a, b), given);
            assertNotSame(given.storage(), gradients.of(a).storage());
            assertNotSame(given.storage(), gradients.of(b).storage());
        }
    }

    @Test
    void aWatchedTensorThatTheResultDoesNotDependOnHasNoGradient() {
        try (Tape tape = Tape.eager(device, List.of(a, b))) {
            Gradients gradients = tape.backward(Reductions.sum(tape, a, false));
            assertTrue(gradients.find(a).isPresent());
            assertTrue(gradients.find(b).isEmpty());
        }
    }

    @Test
    void aResultThatDependsOnNoWatchedTensorIsAnError() {
        try (Tape tape = Tape.eager(device, List.of(a))) {
            Tensor sum = Reductions.sum(tape, b, false);
            assertMessage(assertThrows(IllegalArgumentException.class, () -> tape.backward(sum)),
                    "does not depend on any tensor that this tape watches");
        }
    }

    @Test
    void aResultOfSeveralElementsNeedsItsGradient() {
        try (Tape tape = Tape.eager(device, List.of(a))) {
            Tensor y = Arithmetic.scale(tape, a, 2f);
            assertMessage(assertThrows(ShapeException.class, () -> tape.backward(y)), "expected a float result of one element");
            assertMessage(assertThrows(ShapeException.class, () -> tape.backward(y, Tensor.zeros(2))), "must have its shape");
            assertArrayEquals(new float[] {2, 0, -4}, tape.backward(y, Tensor.of(Shape.of(3), 1f, 0f, -2f)).of(a).toArray());
        }
    }

    @Test
    void gradientsOfATensorThatIsUsedSeveralTimesAddUp() {
        try (Tape tape = Tape.eager(device, List.of(a))) {
            Tensor cube = Arithmetic.multiply(tape, Arithmetic.multiply(tape, a, a), a);
            Tensor y = Arithmetic.add(tape, cube, Arithmetic.add(tape, a, a));
            assertArrayEquals(new float[] {5, 14, 29}, tape.backward(Reductions.sum(tape, y, false)).of(a).toArray());
        }
    }

    @Test
    void theGradientOfTheResultItselfIsWhatWasPassed() {
        try (Tape tape = Tape.eager(device, List.of(a))) {
            assertArrayEquals(new float[] {7, 8, 9}, tape.backward(a, Tensor.of(Shape.of(3), 7f, 8f, 9f)).of(a).toArray());
        }
    }

    @Test
    void aDetachedTensorHasTheSameValuesAndStopsTheGradient() {
        try (Tape tape = Tape.eager(device, List.of(a))) {
            Tensor square = Arithmetic.square(tape, a);
            Tensor constant = tape.detach(square);
            assertNotSame(square, constant);
            assertArrayEquals(square.toArray(), constant.toArray());
            assertFalse(tape.tracks(constant));
            Tensor y = Arithmetic.multiply(tape, constant, a);
            assertArrayEquals(new float[] {1, 4, 9}, tape.backward(Reductions.sum(tape, y, false)).of(a).toArray());
        }
    }

    @Test
    void anIntermediateThatIsUsedAfterTheTapeClosedSaysHowToKeepIt() {
        Tensor y;
        Tensor kept;
        try (Tape tape = Tape.eager(device, List.of())) {
            y = Arithmetic.scale(tape, a, 2f);
            kept = tape.keep(Arithmetic.scale(tape, a, 3f));
        }
        assertMessage(assertThrows(IllegalStateException.class, y::toArray), "keep it with Tape.keep");
        try (Tape other = Tape.inference(device)) {
            assertThrows(IllegalStateException.class, () -> Arithmetic.add(other, y, a));
            Arithmetic.scale(other, a, 100f);
        }
        assertArrayEquals(new float[] {3, 6, 9}, kept.toArray());
    }

    @Test
    void closingATapeLeavesItsInputsAlone() {
        try (Tape tape = Tape.eager(device, List.of(a))) {
            tape.backward(Reductions.sum(tape, Arithmetic.multiply(tape, a, b), false));
        }
        assertArrayEquals(new float[] {1, 2, 3}, a.toArray());
        assertArrayEquals(new float[] {4, 5, 6}, b.toArray());
    }

    @Test
    void twoBackwardPassesOverOneTapeAgree() {
        try (Tape tape = Tape.eager(device, List.of(a))) {
            Tensor loss = Reductions.sum(tape, Arithmetic.exp(tape, a), false);
            assertArrayEquals(tape.backward(loss).of(a).toArray(), tape.backward(loss).of(a).toArray());
        }
    }

    @Test
    void anInferenceTapeRemembersNothing() {
        try (Tape tape = Tape.inference(device)) {
            Tensor y = Arithmetic.multiply(tape, a, b);
            assertFalse(tape.tracksAny(a, b, y, null));
            assertThrows(IllegalArgumentException.class, () -> tape.backward(y, y));
        }
    }

    @Test
    void aGradientOfTheWrongShapeIsAnErrorOfTheOperation() {
        try (Tape tape = Tape.eager(device, List.of(a))) {
            Tensor y = tape.onBackward(Reductions.sum(tape, b, false), List.of(a), (dOut, sink) -> sink.add(a, () -> dOut));
            assertMessage(assertThrows(ShapeException.class, () -> tape.backward(y)), "the gradient of a float32[3] came out as");
        }
    }

    @Test
    void aSteadyStepTakesItsMemoryFromThePool() {
        Tensor x = Samples.uniform(1, 2, 3, 6, 6);
        Tensor weight = Samples.uniform(2, 5, 3, 3, 3);
        long allocated = 0;
        for (int step = 0; step < 5; step++) {
            try (Tape tape = Tape.eager(device, List.of(weight))) {
                Tensor y = Convolution.conv2d(tape, x, weight, null, new Conv2dGeometry(1, 1, 1, 1, 1, 1, 1, 1, 1, PadMode.ZERO));
                tape.backward(Reductions.mean(tape, Activations.relu(tape, y), false)).of(weight);
            }
            if (step == 0) {
                allocated = device.pool().allocatedBytes();
                assertTrue(allocated > 0);
            }
        }
        assertEquals(allocated, device.pool().allocatedBytes());
    }

    /// Two convolutions with bias and batch norm between; returns a scalar.
    private static Tensor network(Tape tape, Tensor x, Tensor first, Tensor gamma, Tensor second) {
        Conv2dGeometry same = new Conv2dGeometry(1, 1, 1, 1, 1, 1, 1, 1, 1, PadMode.ZERO);
        Tensor y = BatchNorm.train(tape, Convolution.conv2d(tape, x, first, null, same), gamma, null, null, null, 0.1f, 1e-5f);
        y = Convolution.conv2d(tape, Activations.relu(tape, y), second, null, same);
        return Reductions.mean(tape, y, false);
    }

    @Test
    void anAttackComputesNoWeightGradientAndTrainingNoneOfTheInput() {
        Tensor x = Samples.uniform(1, 2, 3, 4, 4);
        Tensor first = Samples.uniform(2, 5, 3, 3, 3);
        Tensor gamma = Samples.uniform(3, 5);
        Tensor second = Samples.uniform(4, 2, 5, 3, 3);
        try (Tape attack = Tape.eager(device, List.of(x))) {
            attack.backward(network(attack, x, first, gamma, second));
        }
        assertEquals(0, device.calls("CONV2D_BACKWARD_WEIGHT"));
        assertEquals(2, device.calls("CONV2D_BACKWARD_INPUT"));
        try (Tape training = Tape.eager(device, List.of(first, gamma, second))) {
            training.backward(network(training, x, first, gamma, second));
        }
        assertEquals(2, device.calls("CONV2D_BACKWARD_WEIGHT"));
        assertEquals(3, device.calls("CONV2D_BACKWARD_INPUT"), "the first layer's input needs none");
    }
}
