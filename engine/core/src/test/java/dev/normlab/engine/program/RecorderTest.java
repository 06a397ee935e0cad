package dev.normlab.engine.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.scalar.ScalarKernels;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RecorderTest {

    private static final TensorSpec THREE = TensorSpec.floats(3);

    private final Device device = Device.of(new ScalarKernels(), 1, true);
    private final Recorder recorder = new Recorder(device);

    @AfterEach
    void close() {
        device.close();
    }

    private static void assertMessage(Throwable error, String... parts) {
        for (String part : parts) {
            assertTrue(error.getMessage().contains(part), () -> "'" + error.getMessage() + "' does not say '" + part + "'");
        }
    }

    /// `scale * x`, with the scale as a resident.
    private StepProgram scaled(Tensor scale) {
        Tape tape = new Tape(recorder, List.of());
        Tensor x = recorder.feed("x", THREE);
        recorder.fetch("y", Arithmetic.multiply(tape, x, scale));
        return recorder.program();
    }

    @Test
    void recordedTensorsHaveNoValues() {
        Tensor x = recorder.feed("x", THREE);
        assertTrue(x.isVirtual());
        assertMessage(assertThrows(IllegalStateException.class, x::toArray), "x float32[3]", "fetch it from the program");
        assertEquals(0, device.calls("BINARY"));
    }

    @Test
    void aProgramListsItsOperations() {
        StepProgram program = scaled(Tensor.scalar(2f).named("scale"));
        assertEquals(1, program.operations().size());
        assertTrue(program.listing().startsWith("%2 = BINARY(%0, %1) BroadcastSizes["), program.listing());
        assertEquals(List.of(StepProgram.Role.FEED, StepProgram.Role.RESIDENT, StepProgram.Role.INTERMEDIATE),
                program.values().stream().map(StepProgram.Value::role).toList());
        assertEquals(Map.of("x", 0), program.feeds());
        assertEquals(Map.of("y", 2), program.fetches());
        assertEquals("scale", program.values().get(1).name());
    }

    @Test
    void aRecordedProgramDoesNotGrowWithItsRecorder() {
        StepProgram program = scaled(Tensor.scalar(2f));
        Arithmetic.scale(new Tape(recorder, List.of()), recorder.feed("later", THREE), 3f);
        assertEquals(1, program.operations().size());
        assertEquals(1, program.feeds().size());
    }

    @Test
    void namesOfFeedsAndFetchesAreUnique() {
        Tensor x = recorder.feed("x", THREE);
        assertMessage(assertThrows(IllegalArgumentException.class, () -> recorder.feed("x", THREE)), "a feed named 'x'");
        recorder.fetch("y", x);
        assertMessage(assertThrows(IllegalArgumentException.class, () -> recorder.fetch("y", x)), "a fetch named 'y'");
    }

    @Test
    void aTensorOfAnotherRecordingIsAnError() {
        Tensor other = new Recorder(device).feed("x", THREE);
        assertMessage(assertThrows(IllegalArgumentException.class, () -> Arithmetic.scale(new Tape(recorder, List.of()), other, 2f)),
                "was made by another recording");
    }

    @Test
    void aMissingUnknownOrMisshapenFeedIsAnError() {
        try (Interpreter interpreter = new Interpreter(scaled(Tensor.scalar(2f)), device)) {
            assertMessage(assertThrows(IllegalArgumentException.class, () -> interpreter.replay(Map.of())), "feed 'x' is float32[3]",
                    "nothing");
            assertMessage(assertThrows(IllegalArgumentException.class, () -> interpreter.replay(Map.of("x", Tensor.zeros(4)))),
                    "float32[4]");
            assertMessage(
                    assertThrows(IllegalArgumentException.class,
                            () -> interpreter.replay(Map.of("x", Tensor.ofInts(Shape.of(3), 1, 2, 3)))),
                    "int32[3]");
            assertMessage(
                    assertThrows(IllegalArgumentException.class,
                            () -> interpreter.replay(Map.of("x", Tensor.zeros(3), "z", Tensor.zeros(3)))),
                    "no feed 'z'", "[x]");
            assertArrayEquals(new float[] {2, 4, 6},
                    interpreter.replay(Map.of("x", Tensor.of(Shape.of(3), 1f, 2f, 3f))).get("y").toArray());
        }
    }

    @Test
    void aResidentThatIsChangedBetweenReplaysCountsWithItsNewValue() {
        Tensor scale = Tensor.scalar(2f);
        Tensor x = Tensor.of(Shape.of(3), 1f, 2f, 3f);
        try (Interpreter interpreter = new Interpreter(scaled(scale), device)) {
            assertArrayEquals(new float[] {2, 4, 6}, interpreter.replay(Map.of("x", x)).get("y").toArray());
            scale.set(-1f);
            x.set(10f, 20f, 30f);
            assertArrayEquals(new float[] {-10, -20, -30}, interpreter.replay(Map.of("x", x)).get("y").toArray());
        }
    }

    @Test
    void fetchedTensorsStayReadableUntilTheNextReplay() {
        Tensor x = Tensor.of(Shape.of(3), 1f, 2f, 3f);
        Interpreter interpreter = new Interpreter(scaled(Tensor.scalar(2f)), device);
        Tensor first = interpreter.replay(Map.of("x", x)).get("y");
        assertArrayEquals(new float[] {2, 4, 6}, first.toArray());
        Tensor second = interpreter.replay(Map.of("x", x)).get("y");
        assertThrows(IllegalStateException.class, first::toArray);
        assertArrayEquals(new float[] {2, 4, 6}, second.toArray());
        interpreter.close();
        assertThrows(IllegalStateException.class, second::toArray);
    }

    @Test
    void oneValueCanBeFetchedTwiceAndFeedsAndResidentsToo() {
        Tape tape = new Tape(recorder, List.of());
        Tensor x = recorder.feed("x", THREE);
        Tensor scale = Tensor.scalar(2f);
        Tensor y = Arithmetic.multiply(tape, x, scale);
        recorder.fetch("y", y);
        recorder.fetch("again", tape.detach(y));
        recorder.fetch("x", x);
        recorder.fetch("scale", scale);
        try (Interpreter interpreter = new Interpreter(recorder.program(), device)) {
            for (int round = 0; round < 2; round++) {
                Map<String, Tensor> results = interpreter.replay(Map.of("x", Tensor.of(Shape.of(3), 1f, 2f, 3f)));
                assertEquals(List.of("y", "again", "x", "scale"), List.copyOf(results.keySet()));
                assertArrayEquals(results.get("y").toArray(), results.get("again").toArray());
                assertArrayEquals(new float[] {1, 2, 3}, results.get("x").toArray());
                assertEquals(2f, results.get("scale").item());
            }
        }
    }

    @Test
    void gradientsAreRecordedAsOperationsAndOnlyThoseThatAreWanted() {
        Tensor weight = Tensor.of(Shape.of(3), 1f, 2f, 3f);
        Tensor x = recorder.feed("x", THREE);
        Tape tape = new Tape(recorder, List.of(weight));
        Tensor loss = Reductions.sum(tape, Arithmetic.multiply(tape, x, weight), false);
        recorder.fetch("dWeight", tape.backward(loss).of(weight));
        StepProgram program = recorder.program();
        long products = program.operations().stream().filter(operation -> operation.opcode() == Opcode.BINARY).count();
        assertEquals(2, products, program.listing());
        try (Interpreter interpreter = new Interpreter(program, device)) {
            assertArrayEquals(new float[] {4, 5, 6},
                    interpreter.replay(Map.of("x", Tensor.of(Shape.of(3), 4f, 5f, 6f))).get("dWeight").toArray());
        }
    }

    @Test
    void updatesInPlaceChangeResidents() {
        Tensor target = Tensor.of(Shape.of(3), 1f, 1f, 1f);
        Tensor factor = Tensor.scalar(0.5f);
        Tensor x = recorder.feed("x", THREE);
        recorder.update(Opcode.ADD_SCALED, null, List.of(target), x, factor);
        recorder.fetch("now", Arithmetic.scale(new Tape(recorder, List.of()), target, 10f));
        try (Interpreter interpreter = new Interpreter(recorder.program(), device)) {
            long version = target.storage().version();
            Map<String, Tensor> feeds = Map.of("x", Tensor.of(Shape.of(3), 2f, 4f, 6f));
            assertArrayEquals(new float[] {20, 30, 40}, interpreter.replay(feeds).get("now").toArray());
            factor.set(-0.5f);
            assertArrayEquals(new float[] {10, 10, 10}, interpreter.replay(feeds).get("now").toArray());
            assertArrayEquals(new float[] {1, 1, 1}, target.toArray());
            assertEquals(version + 2, target.storage().version());
        }
    }

    @Test
    void anOpcodeIsEitherAnUpdateOrMakesNewTensors() {
        Tensor x = Tensor.zeros(3);
        try (EagerExecutor executor = new EagerExecutor(device)) {
            assertMessage(assertThrows(IllegalArgumentException.class, () -> executor.run(Opcode.ASSIGN, null, List.of(THREE), x)),
                    "in place");
            assertMessage(assertThrows(IllegalArgumentException.class, () -> executor.update(Opcode.REDUCE, null, List.of(x), x)),
                    "makes new tensors");
        }
    }
}
