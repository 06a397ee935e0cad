package dev.normlab.nn.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.io.Safetensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateDictTest {

    @TempDir
    Path folder;

    private static Layer model(long seed) {
        return new Sequential(new Conv2d(2, 3, 3, 1, 1, true), new BatchNorm2d(3), new Linear(3, 4, false)).initialize(seed);
    }

    @Test
    void weightsSurviveAFile() throws IOException {
        Path file = folder.resolve("weights.safetensors");
        Layer first = model(1);
        first.namedBuffers().get("1.running_mean").set(1, 2, 3);
        StateDict.write(first, file, Map.of("model", "test"));
        Layer second = model(2);
        StateDict.read(second, file);
        first.stateDict().forEach((name, tensor) -> assertArrayEquals(tensor.toArray(), second.stateDict().get(name).toArray(), name));
        assertEquals(Map.of("model", "test"), Safetensors.read(file).metadata());
    }

    @Test
    void pyTorchsCountersOfBatchesAreIgnored() {
        Map<String, NumberArray> values = StateDict.copy(model(1));
        values.put("1.num_batches_tracked", NumberArray.of(new long[] {7}));
        Layer second = model(2);
        StateDict.load(second, values, "test");
        assertArrayEquals(model(1).stateDict().get("2.weight").toArray(), second.stateDict().get("2.weight").toArray());
    }

    @Test
    void loadingGivesValuesToAModelThatHasNone() {
        Layer empty = new Sequential(new Conv2d(2, 3, 3, 1, 1, true), new BatchNorm2d(3), new Linear(3, 4, false));
        StateDict.load(empty, StateDict.copy(model(1)), "test");
        assertEquals("2.weight", empty.namedParameters().get("2.weight").name());
        assertEquals(model(1).stateDict().keySet(), empty.stateDict().keySet());
    }

    @Test
    void allDifferencesAreListedAndNothingIsChanged() {
        Map<String, NumberArray> values = StateDict.copy(model(1));
        values.remove("0.bias");
        values.put("classifier.weight", NumberArray.of(new float[2], 2));
        values.put("2.weight", NumberArray.of(new float[8], 2, 4));
        values.put("1.running_var", NumberArray.of(new int[3], 3));
        Layer second = model(2);
        Map<String, float[]> before = new LinkedHashMap<>();
        second.stateDict().forEach((name, tensor) -> before.put(name, tensor.toArray()));
        StateDictException thrown = assertThrows(StateDictException.class, () -> StateDict.load(second, values, "other.safetensors"));
        assertEquals(List.of("0.bias"), thrown.missing());
        assertEquals(List.of("classifier.weight"), thrown.unexpected());
        assertEquals(List.of("2.weight [4, 3], but got [2, 4]", "1.running_var [3], but got [3] of integers"), thrown.misshapen());
        assertTrue(thrown.getMessage().contains("other.safetensors"), thrown.getMessage());
        before.forEach((name, tensor) -> assertArrayEquals(tensor, second.stateDict().get(name).toArray(), name));
    }

    @Test
    void aLongListOfDifferencesIsCut() {
        StateDictException thrown = assertThrows(StateDictException.class, () -> StateDict.load(model(1), Map.of(), "empty"));
        assertTrue(thrown.getMessage().contains("missing (7)"), thrown.getMessage());
        Layer large = new Sequential(model(1), model(2), model(3)).initialize(1);
        String message = assertThrows(StateDictException.class, () -> StateDict.load(large, Map.of(), "empty")).getMessage();
        assertTrue(message.contains("missing (21)") && message.contains("and 13 more"), message);
    }
}
