package dev.normlab.nn.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Models against lists that were printed by the PyTorch reference: state dictionaries, counts, shapes of every layer.
class ReferenceModelsTest {

    @ParameterizedTest
    @ValueSource(strings = {"vgg11", "vgg13", "vgg16", "vgg19", "resnet18", "resnet34", "resnet50", "senet18", "regnetx200mf",
        "regnetx400mf",
        "regnety400mf"})
    void namesShapesAndOrderOfTheStateDictAreTheReferences(String name) throws IOException {
        List<String> expected = lines(name + ".txt").stream().filter(line -> !line.contains("num_batches_tracked"))
                .map(line -> line.replace(" float32", "")).toList();
        Map<String, String> actual = new LinkedHashMap<>();
        Models.create(name, 0).stateDict().forEach((key, tensor) -> actual.put(key, tensor.shape().toString()));
        assertEquals(expected, actual.entrySet().stream().map(entry -> entry.getKey() + " " + entry.getValue()).toList());
    }

    @ParameterizedTest
    @CsvSource({"vgg11, 9231114, 152764416, 5120", "vgg13, 9416010, 228261888, 5120", "vgg16, 14728266, 313196544, 5120",
        "vgg19, 20040522, 398131200, 5120", "resnet18, 11173962, 555417600, 5120", "resnet34, 21282122, 1159397376, 5120",
        "resnet50, 23520842, 1297809408, 20480", "senet18, 11260354, 555504640, 5120", "regnetx200mf, 2321946, 223313920, 3680",
        "regnetx400mf, 4779338, 466157568, 3840", "regnety400mf, 5714362, 467085312, 3840"})
    void parametersAndMultiplyAddsAreTheReferences(String name, long parameters, long convolutions, long linear) {
        try (Device device = Device.scalar(1)) {
            Summary summary = Summary.of(Models.create(name, 0), 3, 32, 32, device);
            assertEquals(parameters, summary.parameters());
            assertEquals(parameters, summary.layers().stream().mapToLong(LayerSummary::parameters).sum());
            assertEquals(convolutions,
                    summary.layers().stream().filter(layer -> layer.kind().equals("Conv2d")).mapToLong(LayerSummary::multiplyAdds)
                            .sum());
            assertEquals(convolutions + linear, summary.multiplyAdds());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"vgg11", "resnet18", "resnet50", "senet18", "regnetx200mf", "regnety400mf"})
    void everyLayerOfTheReferenceHasItsInputAndOutputShape(String name) throws IOException {
        Map<String, LayerSummary> layers = new LinkedHashMap<>();
        try (Device device = Device.scalar(1)) {
            Summary.of(Models.create(name, 0), 3, 32, 32, device).layers().forEach(layer -> layers.put(layer.name(), layer));
        }
        int compared = 0;
        for (String line : lines(name + ".layers.txt")) {
            String[] words = line.split(" ");
            LayerSummary layer = layers.get(words[0]);
            if (layer != null) {
                assertEquals(sizes(words[1]), sizes(layer.input().toString()), line);
                assertEquals(sizes(words[2]), sizes(layer.output().toString()), line);
                compared++;
            }
        }
        assertTrue(compared >= layers.size() - 2, compared + " of " + layers.size() + " layers were compared");
    }

    @Test
    void widthScalesAllChannelsAndClassesOnlyTheLastLayer() {
        Map<String, String> shapes = new LinkedHashMap<>();
        Models.create("vgg11:width=0.125,classes=7", 1).stateDict().forEach((key, tensor) -> shapes.put(key, tensor.shape().toString()));
        assertEquals("[8, 3, 3, 3]", shapes.get("features.0.weight"));
        assertEquals("[64, 64, 3, 3]", shapes.get("features.25.weight"));
        assertEquals("[7, 64]", shapes.get("classifier.weight"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"vgg11", "resnet18", "resnet50", "senet18", "regnetx200mf", "regnetx400mf", "regnety400mf"})
    void tinyWidthsStillMakeAModel(String name) {
        try (Device device = Device.scalar(1)) {
            Layer model = Models.create(name + ":width=0.001,classes=3", 1);
            assertEquals("[1, 3]", Summary.of(model, 3, 32, 32, device).layers().getLast().output().toString());
        }
    }

    @Test
    void aWrongSpecificationSaysWhatIsValid() {
        assertTrue(message("alexnet").endsWith("The command 'models' lists all " + Models.names().size()), message("alexnet"));
        assertTrue(message("vgg11:depth=3").contains("valid are width=FACTOR, classes=COUNT and head="));
        assertTrue(message("vgg11:width=wide").contains("needs a number, but got 'wide'"));
        assertTrue(message("vgg11:width=NaN").contains("above 0 and at most 16"));
        assertTrue(message("vgg11:width=0").contains("above 0 and at most 16"));
        assertTrue(message("vgg11:width=1e9").contains("above 0 and at most 16"));
        assertTrue(message("vgg11:classes=0").contains("between 1 and"));
        assertTrue(message("vgg11:classes=10.5").contains("needs a number"));
        assertTrue(message("vgg11:").contains("no option ''"));
    }

    @Test
    void aSpecificationSurvivesItsOwnText() {
        ModelSpec spec = ModelSpec.parse("ResNet18:classes=100,width=0.5");
        assertEquals(new ModelSpec("resnet18", 0.5, 100), spec);
        assertEquals(spec, ModelSpec.parse(spec.toString()));
    }

    private static String message(String spec) {
        return assertThrows(IllegalArgumentException.class, () -> Models.create(spec, 0)).getMessage();
    }

    private static String sizes(String text) {
        String numbers = text.replaceAll("[^0-9,]", "");
        String image = numbers.startsWith("1,") ? numbers.substring(2) : numbers;
        return image.endsWith(",") ? image.substring(0, image.length() - 1) : image;
    }

    private static List<String> lines(String resource) throws IOException {
        try (InputStream in = Objects.requireNonNull(ReferenceModelsTest.class.getResourceAsStream("/models/" + resource), resource);
                BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            return new ArrayList<>(reader.lines().filter(line -> !line.isBlank()).toList());
        }
    }
}
