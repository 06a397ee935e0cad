package dev.normlab.nn.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.engine.kernel.Device;
import dev.normlab.nn.layer.Layer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// All models at full width against what `tools/golden/make_zoo_lists.py` printed of the PyTorch reference.
class ZooReferenceTest {

    private static final Map<String, List<String>> STATES = states();

    private static Map<String, List<String>> states() {
        Map<String, List<String>> states = new LinkedHashMap<>();
        List<String> entries = new ArrayList<>();
        for (String line : lines("zoo.txt.gz")) {
            if (line.startsWith("= ")) {
                entries = new ArrayList<>();
                states.put(line.substring(2), entries);
            } else {
                entries.add(line);
            }
        }
        return states;
    }

    private static List<String> counts() {
        return lines("zoo-counts.txt");
    }

    private static List<String> lines(String resource) {
        try (InputStream in = Objects.requireNonNull(ZooReferenceTest.class.getResourceAsStream("/models/" + resource), resource);
                BufferedReader reader = new BufferedReader(
                        new InputStreamReader(resource.endsWith(".gz") ? new GZIPInputStream(in) : in, StandardCharsets.UTF_8))) {
            return reader.lines().toList();
        } catch (IOException e) {
            throw new IllegalStateException(resource, e);
        }
    }

    @Test
    void theListsHaveEveryModelAndNoOther() {
        assertEquals(Models.names(), List.copyOf(STATES.keySet()));
        assertEquals(Models.names(), counts().stream().map(line -> line.split(" ")[0]).toList());
    }

    @ParameterizedTest
    @MethodSource("counts")
    void namesShapesOrderAndCountsAreTheReferences(String line) {
        String[] words = line.split(" ");
        Layer model = Models.build(ModelSpec.parse(words[0])).zero();
        List<String> actual = new ArrayList<>();
        model.stateDict().forEach((key, tensor) -> actual.add(key + " " + tensor.shape()));
        assertEquals(STATES.get(words[0]), actual);
        try (Device device = Device.scalar(1)) {
            Summary summary = Summary.of(model, 3, 32, 32, device);
            assertEquals(Long.parseLong(words[1]), summary.parameters());
            assertEquals(Long.parseLong(words[2]), summary.multiplyAdds());
            assertEquals(words[0].startsWith("efficientnet") ? List.of("layers.0.conv1", "layers.0.bn1") : List.of(), summary.unused());
        }
    }
}
