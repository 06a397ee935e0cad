package dev.normlab.nn.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Interpreter;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.testkit.Samples;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DropConnectTest {

    private static final Tensor X = Samples.uniform(4, 0.5f, 1f, 200, 3, 2, 2);
    private static final int SIZE = 12;

    @Test
    void dropsWholeImagesAndScalesTheOthers() {
        try (Device device = Device.cpu(1)) {
            Layer layer = new DropConnect(0.25f).initialize(3);
            float[] x = X.toArray();
            float[] first = output(layer, device);
            int kept = 0;
            for (int i = 0; i < 200; i++) {
                boolean zero = first[i * SIZE] == 0;
                kept += zero ? 0 : 1;
                for (int j = i * SIZE; j < (i + 1) * SIZE; j++) {
                    assertEquals(zero ? 0 : x[j] / 0.75f, first[j], 1e-6);
                }
            }
            assertEquals(150, kept, 5 * Math.sqrt(200 * 0.25 * 0.75));
            float[] second = output(layer, device);
            assertFalse(Arrays.equals(first, second), "the next step draws anew");
            layer.atStep(0);
            assertArrayEquals(first, output(layer, device));
            layer.eval();
            try (Tape tape = Tape.inference(device)) {
                assertSame(X, layer.forward(tape, X));
            }
        }
    }

    @Test
    void aReplayDrawsTheMasksOfItsStep() {
        try (Device device = Device.cpu(1)) {
            Layer layer = new DropConnect(0.5f).initialize(3);
            float[][] eager = {output(layer, device), output(layer, device)};
            layer.atStep(0);
            Recorder recorder = new Recorder(device);
            try (Tape tape = new Tape(recorder, List.of())) {
                recorder.fetch("y", layer.forward(tape, recorder.feed("x", X.spec())));
            }
            try (Interpreter replay = new Interpreter(recorder.program(), device)) {
                for (int step = 0; step < 2; step++) {
                    layer.atStep(step);
                    assertArrayEquals(eager[step], replay.replay(Map.of("x", X)).get("y").toArray());
                }
            }
        }
    }

    @Test
    void layersOfAnotherNameOrKindDrawOtherMasks() {
        try (Device device = Device.cpu(1)) {
            Sequential two = new Sequential(new DropConnect(0.5f), new DropConnect(0.5f));
            two.initialize(3);
            List<Layer> layers = List.copyOf(two.children().values());
            assertFalse(Arrays.equals(output(layers.get(0), device), output(layers.get(1), device)));
            assertThrows(IllegalArgumentException.class, () -> new DropConnect(1f));
        }
    }

    private static float[] output(Layer layer, Device device) {
        try (Tape tape = Tape.inference(device)) {
            return layer.forward(tape, X).toArray();
        }
    }
}
