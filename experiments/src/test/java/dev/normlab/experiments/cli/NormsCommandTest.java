package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.run.Weights;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.model.ModelSpec;
import dev.normlab.nn.model.Models;
import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NormsCommandTest {

    private static final String TINY = "vgg11:width=0.0625";

    @TempDir
    private Path folder = Path.of("");

    /// The numbers of a key in JSON, in order.
    private static double[] values(String json, String key) {
        Matcher matcher = Pattern.compile("\"" + key + "\"\\s*:\\s*(-?[\\d.eE+-]+)").matcher(json);
        return matcher.results().mapToDouble(match -> Double.parseDouble(match.group(1))).toArray();
    }

    private Path weights(String name, float scale) throws IOException {
        ModelSpec spec = ModelSpec.parse(TINY);
        Layer model = Models.create(spec, 1);
        model.namedParameters().forEach((key, parameter) -> {
            if (key.equals("features.0.weight")) {
                float[] values = parameter.tensor().toArray();
                for (int i = 0; i < values.length; i++) {
                    values[i] *= scale;
                }
                parameter.set(values);
            }
        });
        Path file = folder.resolve(name);
        Weights.save(model, spec, null, file);
        return file;
    }

    @Test
    void everyNormIsMeasuredAndTheEstimateIsNotAboveTheBound() {
        Output output = Output.of("norms", "--model", TINY, "--norm", "all", "--network", "--threads", "1", "--json", "-");
        assertEquals(0, output.code(), output.err());
        double[] l1 = values(output.out(), "l1");
        double[] l2 = values(output.out(), "l2");
        double[] linf = values(output.out(), "linf");
        double[] bound = values(output.out(), "l2_bound");
        assertEquals(17 + 1, bound.length, "17 layers and their sum");
        for (int i = 0; i < 17; i++) {
            assertTrue(l2[i] <= bound[i] * (1 + 1e-6), "layer " + i + ": " + l2[i] + " > " + bound[i]);
            assertTrue(bound[i] <= Math.sqrt(l1[i] * linf[i]) * (1 + 1e-9), "layer " + i);
        }
        assertTrue(output.out().contains("\"network_bound\""), output.out());
        assertTrue(output.out().contains("\"max pooling\""), "pooling has norms, too");
    }

    @Test
    void theSpectrumOfALayerHasAllOfItsSingularValues() {
        Output output = Output.of("norms", "--model", TINY, "--norm", "circular", "--spectrum", "features.4,classifier", "--threads", "1");
        assertEquals(0, output.code(), output.err());
        assertTrue(output.out().contains("spectrum of features.4: 1024 singular values"), output.out());
        assertTrue(output.out().contains("spectrum of classifier: 10 singular values"), output.out());
    }

    @Test
    void twoCheckpointsAreComparedLayerByLayer() throws IOException {
        String a = weights("a.safetensors", 1).toString();
        String b = weights("b.safetensors", 2).toString();
        Output output = Output.of("norms", "--compare", a, b, "--norm", "l1", "--threads", "1");
        assertEquals(0, output.code(), output.err());
        String first = output.out().lines().filter(line -> line.startsWith("features.0 ")).findFirst().orElseThrow();
        assertTrue(first.endsWith("2.000"), first);
        String second = output.out().lines().filter(line -> line.startsWith("features.4 ")).findFirst().orElseThrow();
        assertTrue(second.endsWith("1.000"), second);
        Output json = Output.of("norms", "--compare", a, b, "--norm", "linf", "--threads", "1", "--json", "-");
        assertTrue(json.out().contains("\"sources\""), json.out());
    }

    @Test
    void infiniteWeightsAreSaidBesideTheNorm() throws IOException {
        String file = weights("infinite.safetensors", Float.POSITIVE_INFINITY).toString();
        Output output = Output.of("norms", "--weights", file, "--norm", "all", "--threads", "1");
        assertEquals(0, output.code(), output.err());
        assertTrue(output.out().contains("weights are infinite"), output.out());
    }

    @Test
    void mistakesAreSaid() {
        assertMistake("there is no norm 'l3'; known norms: l1, linf, l2, l2-bound, circular, all", "--model", TINY, "--norm", "l3");
        assertMistake("no convolution or linear layer 'nowhere'", "--model", TINY, "--spectrum", "nowhere");
        assertMistake("--compare shows norms of two checkpoints", "--compare", "a", "b", "--network");
        assertMistake("--svd", "--model", TINY, "--svd", "magic");
    }

    private static void assertMistake(String message, String... more) {
        String[] args = new String[more.length + 1];
        args[0] = "norms";
        System.arraycopy(more, 0, args, 1, more.length);
        Output output = Output.of(args);
        assertEquals(2, output.code(), output.err());
        assertTrue(output.err().contains(message), output.err());
    }
}
