package dev.normlab.engine.program;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.BinaryFunction;
import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Two programs as one do what they do one after the other.
class JoinedProgramsTest {

    private static final Shape THREE = Shape.of(3);

    private final Tensor weight = Tensor.of(THREE, 1f, 2f, 3f);
    private final Tensor factor = Tensor.scalar(10f);

    private StepProgram first(Device device) {
        Recorder recorder = new Recorder(device);
        Tensor x = recorder.feed("x", TensorSpec.floats(THREE));
        BroadcastSizes sizes = new BroadcastSizes(BinaryFunction.MULTIPLY, THREE, THREE, THREE);
        recorder.fetch("gradient", recorder.run(Opcode.BINARY, sizes, TensorSpec.floats(THREE), x, weight));
        return recorder.program();
    }

    /// Adds what it is fed ten times to the weight that the first one reads.
    private StepProgram second(Device device, String feed) {
        Recorder recorder = new Recorder(device);
        recorder.update(Opcode.ADD_SCALED, null, List.of(weight), recorder.feed(feed, TensorSpec.floats(THREE)), factor);
        return recorder.program();
    }

    @Test
    void theyShareResidentsAndPassOnWhatIsFetched() {
        try (Device device = Device.scalar(1)) {
            StepProgram joined = first(device).then(second(device, "gradient"));
            assertEquals(2, joined.operations().size());
            assertEquals(1, joined.values().stream().filter(value -> value.storage() == weight.storage()).count());
            try (Interpreter interpreter = new Interpreter(joined, device)) {
                Tensor x = Tensor.of(THREE, 1f, 0f, -1f);
                assertArrayEquals(new float[] {1f, 0f, -3f}, interpreter.replay(Map.of("x", x)).get("gradient").toArray());
                assertArrayEquals(new float[] {11f, 2f, -27f}, weight.toArray());
                assertArrayEquals(new float[] {11f, 0f, 27f}, interpreter.replay(Map.of("x", x)).get("gradient").toArray());
            }
        }
    }

    @Test
    void aFeedThatNobodyFetchesAndFetchesOfTheSecondAreRefused() {
        try (Device device = Device.scalar(1)) {
            StepProgram first = first(device);
            StepProgram other = second(device, "other");
            String message = assertThrows(IllegalArgumentException.class, () -> first.then(other)).getMessage();
            assertTrue(message.contains("'other'") && message.contains("gradient"), message);
            assertTrue(assertThrows(IllegalArgumentException.class, () -> first.then(first)).getMessage().contains("fetches nothing"));
        }
    }
}
