package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.NormMeasurement;
import dev.normlab.experiments.run.Quantity;
import dev.normlab.experiments.run.Weights;
import dev.normlab.lip.spectral.LargestSingularValue;
import dev.normlab.lip.spectral.SvdMethod;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.model.ModelSpec;
import dev.normlab.nn.model.Models;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

    /// Eigenvalues of the Gram matrix below 1e-14 of the largest are rounding errors, and so are their roots.
    @ParameterizedTest
    @ValueSource(strings = {"gram", "ejml-values"})
    void whatIsNoiseIsNotShownAsASingularValue(String svd) throws IOException {
        ModelSpec spec = ModelSpec.parse(TINY);
        Layer model = Models.create(spec, 1);
        Parameter weight = model.namedParameters().get("features.4.weight");
        float[] ones = new float[weight.shape().elements()];
        Arrays.fill(ones, 0.1f);
        weight.set(ones);
        String file = folder.resolve("rank-one.safetensors").toString();
        Weights.save(model, spec, null, Path.of(file));
        Output output = Output.of("norms", "--weights", file, "--spectrum", "features.4", "--svd", svd, "--threads", "1");
        assertEquals(0, output.code(), output.err());
        assertTrue(output.out().contains("down to below 1e-07 of the largest, median below 1e-07 of the largest"), output.out());
        Output exact = Output.of("norms", "--weights", file, "--spectrum", "features.4", "--svd", "jacobi", "--threads", "1");
        assertFalse(exact.out().contains("below 1e-07"), exact.out());
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

    /// A norm that is not a number is no missing layer.
    @Test
    void aComparisonShowsNanAndWhatIsUnusual() throws IOException {
        String a = weights("a.safetensors", 1).toString();
        String b = weights("b.safetensors", Float.NaN).toString();
        Output output = Output.of("norms", "--compare", a, b, "--norm", "l1", "--threads", "1");
        String first = output.out().lines().filter(line -> line.startsWith("features.0 ")).findFirst().orElseThrow();
        assertTrue(first.contains("NaN") && !first.contains(" - ") && first.endsWith("(B: 108 of 108 weights are NaN)"), first);
        String sum = output.out().lines().filter(line -> line.startsWith("sum all ")).findFirst().orElseThrow();
        assertTrue(sum.contains("NaN") && !sum.contains(" - "), sum);
        Output json = Output.of("norms", "--compare", b, a, "--norm", "l1", "--threads", "1", "--json", "-");
        assertTrue(json.out().contains("\"remark_a\" : \"108 of 108 weights are NaN\""), json.out());
        assertFalse(json.out().contains("remark_b"), json.out());
    }

    @Test
    void aComparisonOfTwoModelsHasALineForEveryLayerOfBoth() throws IOException {
        String a = weights("a.safetensors", 1).toString();
        ModelSpec spec = ModelSpec.parse("vgg13:width=0.0625");
        Path b = folder.resolve("b.safetensors");
        Weights.save(Models.create(spec, 1), spec, null, b);
        Output output = Output.of("norms", "--compare", a, b.toString(), "--norm", "l1", "--threads", "1");
        assertEquals(0, output.code(), output.err());
        String only = output.out().lines().filter(line -> line.startsWith("features.31 ")).findFirst().orElseThrow();
        assertTrue(only.matches("features.31 +\\w+ +- +[\\d.]+ +-"), only);
        Output json = Output.of("norms", "--compare", a, b.toString(), "--norm", "l1", "--threads", "1", "--json", "-");
        assertTrue(json.out().contains("\"only_in\" : \"B\""), json.out());
    }

    @Test
    void theEstimateIsCalledOneAndSaysWhetherItConverged() throws IOException {
        Output output = Output.of("norms", "--model", TINY, "--norm", "l1,l2", "--threads", "1");
        assertTrue(output.out().contains("l2 (estimate)"), output.out());
        String file = weights("a.safetensors", 1).toString();
        Output compared = Output.of("norms", "--compare", file, file, "--norm", "l2", "--threads", "1");
        assertTrue(compared.out().contains("l2 (estimate) A  l2 (estimate) B"), compared.out());
        Output json = Output.of("norms", "--model", TINY, "--norm", "l2", "--threads", "1", "--json", "-");
        assertTrue(json.out().contains("\"l2_is\" : \"estimate\"") && json.out().contains("\"l2_converged\" : true"), json.out());
        Layer model = Models.create(ModelSpec.parse(TINY), 1);
        try (Device device = Device.cpu(1)) {
            Weights.summarize(model, new ImageShape(3, 32, 32), device);
            NormMeasurement.Request request = new NormMeasurement.Request(EnumSet.of(Quantity.L2), List.of(), SvdMethod.GRAM,
                    new LargestSingularValue.Options(1e-7, 2), 0);
            NormMeasurement measured = NormMeasurement.of(model, request, device);
            String first = NormTables.table(measured, request.quantities()).get(1);
            assertTrue(first.startsWith("features.0 ") && first.contains("(the estimate of l2 has not converged"), first);
            assertTrue(NormTables.json(measured, request.quantities()).toString().contains("l2_converged=false"));
            assertEquals(Optional.empty(), measured.layers().get(1).converged(), "batch norm's is exact");
        }
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
        assertMistake("known: jacobi, ejml, gram, ejml-values", "--model", TINY, "--svd", "magic");
        Output clipping = Output.of("train", "--svc", "1", "--svd", "ejml-values");
        assertEquals(2, clipping.code());
        assertTrue(clipping.err().contains("--svd: ejml-values finds singular values only, and clipping needs their vectors; choose "
                + "jacobi, ejml, gram"), clipping.err());
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
