package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.io.Npy;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.experiments.run.Weights;
import dev.normlab.nn.data.CorruptedCifar;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.train.Evaluator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// `evaluate --data cifar10c:DIR`: one command for the 95 sets of 19 corruptions in 5 severities.
class EvaluateCorruptionsTest {

    private static final String MODEL = "vgg11:width=0.0625";
    private static final List<String> BENCHMARK = List.of("gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur",
            "motion_blur", "zoom_blur", "snow", "frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate",
            "jpeg_compression");
    private static final List<String> FURTHER = List.of("speckle_noise", "gaussian_blur", "spatter", "saturate");
    private static final ImageShape SHAPE = new ImageShape(3, 32, 32);
    private static final int SEVERITIES = 5;
    private static final int EACH = 4;
    private static final int POOL = 60;

    @TempDir
    private static Path folder = Path.of("");

    /// Accuracies by corruption (in the order of the names above) and severity.
    private static final double[][] EXPECTED = new double[BENCHMARK.size() + FURTHER.size()][SEVERITIES];
    private static Output all = new Output(-1, "", "");
    private static JsonNode json = JsonMapper.shared().createObjectNode();

    /// Every set holds images of a pool, of which the model's classes are known. A label is one of two of these classes, the same for all
    /// corruptions, as in the official files.
    @BeforeAll
    static void evaluateAll() throws IOException {
        Random random = new Random(5);
        byte[][] pool = IntStream.range(0, POOL).mapToObj(_ -> image(random)).toArray(byte[][]::new);
        int[] classes = classes(pool);
        int[] found = Arrays.stream(classes).distinct().toArray();
        assertTrue(found.length > 1, "the pool has images of several classes");
        int images = EACH * SEVERITIES;
        byte[] labels = new byte[images];
        for (int i = 0; i < images; i++) {
            labels[i] = (byte) found[random.nextInt(2)];
        }
        Npy.write(folder.resolve("labels.npy"), new NumberArray.Bytes(Shape.of(images), labels));
        for (int c = 0; c < EXPECTED.length; c++) {
            byte[] bytes = new byte[images * SHAPE.values()];
            for (int i = 0; i < images; i++) {
                int chosen = random.nextInt(POOL);
                System.arraycopy(pool[chosen], 0, bytes, i * SHAPE.values(), SHAPE.values());
                EXPECTED[c][i / EACH] += classes[chosen] == labels[i] ? 1.0 / EACH : 0;
            }
            Npy.write(folder.resolve(name(c) + ".npy"), new NumberArray.Bytes(Shape.of(images, 32, 32, 3), bytes));
        }
        Path file = folder.resolve("all.json");
        all = Output.of("evaluate", "--weights", weights().toString(), "--data", "cifar10c:" + folder, "--json", file.toString());
        assertEquals(0, all.code(), all.err());
        json = JsonMapper.shared().readTree(Files.readString(file));
    }

    /// A colour with some noise, `[32, 32, 3]`.
    private static byte[] image(Random random) {
        int[] colour = {random.nextInt(256), random.nextInt(256), random.nextInt(256)};
        byte[] bytes = new byte[SHAPE.values()];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Math.clamp(colour[i % 3] + random.nextInt(-60, 61), 0, 255);
        }
        return bytes;
    }

    private static Path weights() {
        return folder.resolve("weights.safetensors");
    }

    /// What a model takes images for, whose biases are such that no class is favoured: without training it would take all for one class.
    /// Writes its weights.
    private static int[] classes(byte[][] pool) throws IOException {
        byte[] bytes = new byte[pool.length * SHAPE.values()];
        int pixels = SHAPE.height() * SHAPE.width();
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = pool[i / SHAPE.values()][i % pixels * 3 + i / pixels % 3];
        }
        List<String> names = IntStream.range(0, 10).mapToObj(Integer::toString).toList();
        Dataset images = Dataset.ofBytes("pool", SHAPE, names, bytes, new int[pool.length]);
        Weights weights = Weights.load(null, MODEL, 0);
        try (Device device = Device.cpu(1)) {
            Weights.summarize(weights.model(), SHAPE, device);
            try (Evaluator evaluator = new Evaluator(weights.model(), POOL, device)) {
                centre(weights.model(), evaluator.logits(images).toArray());
                Weights.save(weights.model(), weights.spec(), SHAPE, weights());
                float[] logits = evaluator.logits(images).toArray();
                return IntStream.range(0, pool.length).map(i -> IntStream.range(0, 10).boxed()
                        .max((a, b) -> Float.compare(logits[10 * i + a], logits[10 * i + b])).orElseThrow()).toArray();
            }
        }
    }

    /// Takes the mean of the logits off the last biases.
    private static void centre(Layer model, float[] logits) {
        Parameter biases = List.copyOf(model.namedParameters().values()).getLast();
        float[] values = biases.tensor().toArray();
        assertEquals(10, values.length, "the last parameters are the classifier's biases");
        for (int i = 0; i < logits.length; i++) {
            values[i % 10] -= logits[i] * 10 / logits.length;
        }
        biases.set(values);
    }

    private static String name(int corruption) {
        return corruption < BENCHMARK.size() ? BENCHMARK.get(corruption) : FURTHER.get(corruption - BENCHMARK.size());
    }

    private static double mean(int corruptions) {
        return Arrays.stream(EXPECTED).limit(corruptions).flatMapToDouble(Arrays::stream).average().orElseThrow();
    }

    @Test
    void allSetsAreEvaluated() {
        assertEquals(19, json.get("accuracy").size());
        for (int c = 0; c < EXPECTED.length; c++) {
            JsonNode severities = json.get("accuracy").get(name(c));
            assertEquals(SEVERITIES, severities.size());
            for (int s = 0; s < SEVERITIES; s++) {
                assertEquals(EXPECTED[c][s], severities.get(s).asDouble(), 1e-12, name(c) + " " + (s + 1));
            }
        }
    }

    @Test
    void theBenchmarksMeanLeavesTheFourFurtherCorruptionsOut() {
        assertEquals(mean(15), json.get("mean_benchmark").asDouble(), 1e-12);
        assertEquals(mean(19), json.get("mean_all").asDouble(), 1e-12);
        assertNotEquals(mean(15), mean(19), 1e-4);
        String last = all.out().lines().toList().getLast();
        String means = String.format(Locale.ROOT, "mean accuracy %.2f%% under the 15 corruptions of the benchmark, %.2f%% under all 19",
                100 * mean(15), 100 * mean(19));
        assertTrue(last.endsWith(means), last);
    }

    @Test
    void theTableHasARowForEveryCorruptionInOrder() {
        List<String> rows = all.out().lines().toList();
        assertTrue(rows.getFirst().startsWith("corruption") && rows.getFirst().contains("mean"), rows.getFirst());
        assertEquals(1 + 19 + 1, rows.size(), all.out());
        for (int c = 0; c < EXPECTED.length; c++) {
            String numbers = Arrays.stream(EXPECTED[c]).mapToObj(value -> String.format(Locale.ROOT, "%.1f", 100 * value))
                    .collect(Collectors.joining(" "));
            String mean = String.format(Locale.ROOT, "%.1f", 100 * Arrays.stream(EXPECTED[c]).average().orElseThrow());
            assertEquals(name(c) + " " + numbers + " " + mean, rows.get(1 + c).replaceAll(" +", " "));
        }
    }

    @ParameterizedTest
    @CsvSource({"gaussian_noise,1", "fog,3", "jpeg_compression,5", "saturate,2"})
    void asSingleEvaluationsAre(String corruption, int severity) throws IOException {
        Path file = folder.resolve("single.json");
        Output single = Output.of("evaluate", "--weights", weights().toString(), "--data",
                "cifar10c:" + folder + "," + corruption + "=" + severity, "--json", file.toString());
        assertEquals(0, single.code(), single.err());
        JsonNode found = JsonMapper.shared().readTree(Files.readString(file));
        assertEquals(EACH, found.get("n").asInt());
        assertEquals(found.get("accuracy").asDouble(), json.get("accuracy").get(corruption).get(severity - 1).asDouble());
    }

    @Test
    void theNamesAreThoseThatAreRead() {
        assertEquals(IntStream.range(0, EXPECTED.length).mapToObj(EvaluateCorruptionsTest::name).toList(), CorruptedCifar.CORRUPTIONS);
        assertEquals(BENCHMARK.size(), CorruptedCifar.BENCHMARK);
    }
}
