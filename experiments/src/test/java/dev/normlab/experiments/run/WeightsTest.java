package dev.normlab.experiments.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.io.NumberArray;
import dev.normlab.nn.layer.StateDict;
import dev.normlab.nn.layer.StateDictException;
import dev.normlab.nn.model.Models;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Weights leave and come back bit for bit, of every model and in every format.
class WeightsTest {

    @TempDir
    private Path folder;

    static Stream<String> models() {
        return Models.names().stream();
    }

    @ParameterizedTest
    @MethodSource("models")
    void everyModelComesBackFromAFileBitForBit(String name) throws IOException {
        Weights one = Weights.load(null, name + ":width=0.0625,classes=7", 3);
        for (String ending : List.of("safetensors", "npz", "NPZ")) {
            Path file = folder.resolve("weights." + ending);
            Weights.save(one.model(), one.spec(), null, file);
            Weights other = Weights.load(file, ending.equals("safetensors") ? null : one.spec().toString(), 4);
            assertEquals(one.spec(), other.spec());
            Map<String, NumberArray> expected = StateDict.copy(one.model());
            Map<String, NumberArray> actual = StateDict.copy(other.model());
            assertEquals(List.copyOf(expected.keySet()), List.copyOf(actual.keySet()));
            expected.forEach((key, values) -> assertArrayEquals(((NumberArray.Floats) values).values(),
                    ((NumberArray.Floats) actual.get(key)).values(), key));
        }
    }

    @Test
    void anNpzFileDoesNotSayItsModel() throws IOException {
        Weights lenet = Weights.load(null, "lenet", 3);
        Path file = folder.resolve("lenet.npz");
        Weights.save(lenet.model(), lenet.spec(), null, file);
        UserError refused = assertThrows(UserError.class, () -> Weights.load(file, null, 0));
        assertTrue(refused.getMessage().endsWith("lenet.npz does not say which model it is of; add --model NAME"), refused.getMessage());
        StateDictException other = assertThrows(StateDictException.class, () -> Weights.load(file, "vgg11:width=0.0625", 0));
        assertTrue(other.getMessage().contains("lenet.npz"), other.getMessage());
    }
}
