package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.io.Npy;
import dev.normlab.engine.io.Npz;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What `attack` says of single images, sizes and certificates.
class AttackCommandTest {

    private static final List<String> TRAIN = List.of("train", "--model", "vgg11:width=0.0625", "--data", "synthetic:train=1000,test=32",
            "--epochs", "3",
            "--batch-size", "20", "--lr", "0.05", "--quiet", "--out");

    @TempDir
    private static Path shared = Path.of("");

    @TempDir
    private Path folder = Path.of("");

    @BeforeAll
    static void train() {
        train(shared.resolve("run"));
    }

    private static void train(Path run) {
        List<String> args = new ArrayList<>(TRAIN);
        args.add(run.toString());
        Output output = Output.of(args.toArray(String[]::new));
        assertEquals(0, output.code(), output.err());
    }

    @Test
    void aSizeForSeveralNormsIsTakenWithAWarning() {
        String warning = "warning: --eps 8/255 is taken for all of linf, l2";
        Output shared = attack("--norm", "linf,l2", "--eps", "8/255", "--attacks", "fgsm", "--limit", "4");
        assertTrue(shared.err().contains(warning), shared.err());
        Output own = attack("--norm", "linf,l2", "--eps", "linf:8/255,l2:0.5", "--attacks", "fgsm", "--limit", "4");
        assertFalse(own.err().contains("is taken for all"), own.err());
        assertEquals(0, own.code(), own.err());
    }

    private static Output attack(String... options) {
        List<String> args = new ArrayList<>(List.of("attack", "--no-record", "--weights", shared.resolve("run").toString()));
        args.addAll(List.of(options));
        return Output.of(args.toArray(String[]::new));
    }

    private static JsonNode json(Output output) {
        assertEquals(0, output.code(), output.err());
        return JsonMapper.shared().readTree(output.out());
    }

    @Test
    void theJsonSaysWhatCameOfEveryImage() throws IOException {
        Path saved = folder.resolve("adv.npz");
        JsonNode json = json(attack("--attacks", "fgsm,apgd-ce", "--steps", "5", "--restarts", "1", "--eps", "0.2", "--certify", "--save",
                saved.toString(),
                "--json", "-"));
        Map<String, NumberArray> arrays = Npz.read(saved);
        JsonNode images = json.get("images");
        int[] fooledBy = ((NumberArray.Ints) arrays.get("fooled_by")).values();
        int[] predictions = ((NumberArray.Ints) arrays.get("pred")).values();
        float[] distances = ((NumberArray.Floats) arrays.get("distance")).values();
        float[] radii = ((NumberArray.Floats) arrays.get("certified_radius")).values();
        int fooled = 0;
        for (int i = 0; i < 32; i++) {
            JsonNode by = images.get("fooled_by").get(i);
            assertEquals(fooledBy[i] == -1, by.isNull());
            if (fooledBy[i] != -1) {
                assertEquals(fooledBy[i] == -2 ? "clean error" : fooledBy[i] == 0 ? "fgsm" : "apgd-ce", by.asString());
            }
            fooled += fooledBy[i] >= 0 ? 1 : 0;
            assertEquals(predictions[i], images.get("prediction").get(i).asInt());
            assertEquals(distances[i], (float) images.get("distance").get(i).asDouble());
            assertEquals(radii[i], (float) images.get("certified_radius").get(i).asDouble());
            assertEquals(fooledBy[i] >= 0, distances[i] > 0);
        }
        assertEquals(fooled, json.get("fooled").asInt());
        assertTrue(fooled > 0, "the attack does something");
        JsonNode certified = json.get("certified");
        assertEquals(0, certified.get("contradictions").asInt());
        assertTrue(certified.get("accuracy").asDouble() <= json.get("robust_accuracy").asDouble());
        assertTrue(certified.get("median_radius").asDouble() > 0);
        assertEquals(.2f / certified.get("median_radius").asDouble(), certified.get("eps_over_median_radius").asDouble(), 1e-9);
    }

    @Test
    void aCertificateStandsBesideTheRobustAccuracy() {
        Output text = attack("--attacks", "fgsm", "--eps", "0.2", "--certify");
        assertEquals(0, text.code(), text.err());
        assertTrue(text.out().contains("  certified  "), text.out());
        assertTrue(text.out().contains("the certificate is vacuous here"), text.out());
        assertFalse(attack("--attacks", "fgsm").out().contains("certified"));
    }

    @Test
    void theSelfTestHoldsAndSaysHowCloseEveryAttackComes() {
        Output output = Output.of("attack", "--self-test", "--threads", "2", "--quiet", "--json", "-");
        JsonNode json = json(output);
        assertTrue(json.get("holds").asBoolean());
        assertEquals(3 * 8, json.get("attacks").size());
        for (JsonNode row : json.get("attacks")) {
            int robust = row.get("robust").asInt();
            assertTrue(row.get("holds").asBoolean(), row.toString());
            assertTrue(row.get("exact").asInt() <= robust && robust <= row.get("at_most").asInt(), row.toString());
            assertTrue(row.get("at_most").asInt() < row.get("n").asInt(), row.toString());
            assertEquals(row.get("attack").asString().startsWith("fab"), row.has("largest_ratio"), row.toString());
        }
        Output text = Output.of("attack", "--self-test");
        assertEquals(0, text.code(), text.err());
        assertEquals(3 * 8, text.out().lines().filter(line -> line.startsWith("ok   ")).count(), text.out());
        assertTrue(text.out().contains("all attacks hold against the closed form"), text.out());
    }

    @Test
    void severalSizesOfANormGiveACurveThatNeverRises() {
        JsonNode json = json(
                attack("--attacks", "fgsm", "--norm", "linf,l2", "--eps", "linf:0.3,linf:1/255,linf:0.1,linf:0,l2:1", "--json", "-"));
        List<Double> sizes = new ArrayList<>();
        double previous = json.get("clean_accuracy").asDouble();
        for (JsonNode point : json.get("curve")) {
            assertEquals("linf", point.get("norm").asString(), "one size is no curve");
            sizes.add(point.get("eps").asDouble());
            assertTrue(point.get("robust_accuracy").asDouble() <= previous);
            assertWilson(point, "robust_accuracy");
            previous = point.get("robust_accuracy").asDouble();
        }
        assertEquals(4, sizes.size());
        assertEquals(sizes.stream().sorted().toList(), sizes);
        assertTrue(previous < json.get("clean_accuracy").asDouble());
        double[] alone = {1};
        json.get("results").forEach(result -> alone[0] = Math.min(alone[0], result.get("robust_accuracy").asDouble()));
        assertTrue(json.get("robust_accuracy_union").asDouble() <= alone[0]);
        assertWilson(json, "robust_accuracy_union");
    }

    @Test
    void everyNormHasASizeOfItsOwnUnlessOneIsGiven() {
        JsonNode json = json(attack("--attacks", "fgsm", "--norm", "linf,l2,l1", "--json", "-"));
        List<String> sizes = new ArrayList<>();
        json.get("results").forEach(result -> sizes.add(result.get("norm").asString() + " " + (float) result.get("eps").asDouble()));
        assertEquals(List.of("linf " + 8 / 255f, "l2 0.5", "l1 12.0"), sizes);
    }

    /// The interval of a share of 32 images, by the formula of Wilson (1927) with z = 1.96.
    private static void assertWilson(JsonNode json, String share) {
        double p = json.get(share).asDouble();
        double z = 1.959964;
        double middle = (p + z * z / 64) / (1 + z * z / 32);
        double half = z / (1 + z * z / 32) * Math.sqrt(p * (1 - p) / 32 + z * z / (4 * 32 * 32));
        JsonNode interval = json.get(share + "_95");
        assertEquals(2, interval.size());
        assertEquals(middle - half, interval.get(0).asDouble(), 1e-6, share);
        assertEquals(middle + half, interval.get(1).asDouble(), 1e-6, share);
        assertTrue(interval.get(0).asDouble() < interval.get(1).asDouble(), share);
    }

    @Test
    void individualAttacksSeeAllImagesAndTheJsonSaysWhatTheyCost() {
        String[] options = {"--attacks", "fgsm,apgd-ce", "--steps", "4", "--restarts", "1", "--eps", "0.05", "--json", "-"};
        JsonNode inTurn = json(attack(options));
        JsonNode individual = json(attack(Stream.concat(Stream.of(options), Stream.of("--individual")).toArray(String[]::new)));
        int right = (int) Math.round(32 * inTurn.get("clean_accuracy").asDouble());
        for (JsonNode json : List.of(inTurn, individual)) {
            assertWilson(json, "robust_accuracy");
            for (JsonNode one : json.get("attacks")) {
                assertWilson(one, "robust_accuracy");
                double passes = one.get("name").asString().equals("fgsm") ? 1 : 5;
                assertEquals(passes, one.get("backward_passes_per_image").asDouble());
                assertEquals(passes == 1 ? 2 : 5, one.get("forward_passes_per_image").asDouble());
                assertEquals(0, one.get("unconfirmed").asInt());
                assertEquals(passes * one.get("attacked").asInt(), one.get("backward_passes").asDouble());
            }
            int fooled = json.get("fooled").asInt();
            assertEquals(right - 32 * json.get("robust_accuracy").asDouble(), fooled);
            for (String changed : List.of("fooled_after_rounding", "fooled_after_logit_shift")) {
                assertTrue(json.get(changed).asInt() > fooled / 2 && json.get(changed).asInt() <= fooled, changed + " " + json);
            }
        }
        JsonNode first = inTurn.get("attacks").get(0);
        assertTrue(first.get("fooled").asInt() > 0, "the attack does something");
        assertEquals(right - first.get("fooled").asInt(), inTurn.get("attacks").get(1).get("attacked").asInt());
        assertEquals(right, individual.get("attacks").get(1).get("attacked").asInt());
        assertTrue(attack("--attacks", "fgsm,apgd-ce", "--steps", "1", "--individual").out().contains("apgd-ce alone"));
    }

    @Test
    void thePictureShowsFooledImagesInThreeColumns() throws IOException {
        Path file = folder.resolve("adv.png");
        JsonNode json = json(attack("--attacks", "fgsm", "--eps", "0.3", "--picture", file.toString(), "--json", "-"));
        var image = ImageIO.read(file.toFile());
        int rows = Math.min(8, json.get("fooled").asInt());
        assertTrue(rows > 0);
        assertEquals(16 + 3 * 176, image.getWidth());
        assertEquals(28 + 16 + rows * (160 + 6 + 2 * 16 + 16), image.getHeight());
        Path none = folder.resolve("none.png");
        Output nothing = attack("--attacks", "fgsm", "--eps", "0", "--picture", none.toString());
        assertTrue(nothing.err().contains("no image was fooled"), nothing.err());
        assertFalse(Files.exists(none));
    }

    @Test
    void pgdIsLedToATargetOfAllOrOfEveryImage() throws IOException {
        Path saved = folder.resolve("adv.npz");
        Output one = attack("--target", "3", "--eps", "0.5", "--save", saved.toString());
        assertEquals(0, one.code(), one.err());
        assertReached(saved, image -> 3);
        int[] targets = new int[32];
        Arrays.setAll(targets, i -> i % 2 == 0 ? 3 : 4); // classes that the model knows
        Path file = folder.resolve("targets.npy");
        Npy.write(file, new NumberArray.Ints(Shape.of(32), targets));
        Output own = attack("--target", file.toString(), "--eps", "0.5", "--save", saved.toString());
        assertEquals(0, own.code(), own.err());
        assertReached(saved, image -> targets[image]);
    }

    private static void assertReached(Path saved, IntUnaryOperator target) throws IOException {
        Map<String, NumberArray> arrays = Npz.read(saved);
        int[] fooledBy = ((NumberArray.Ints) arrays.get("fooled_by")).values();
        int[] predictions = ((NumberArray.Ints) arrays.get("pred")).values();
        int reached = 0;
        int[] labels = ((NumberArray.Ints) arrays.get("y")).values();
        int[] index = arrays.get("index") instanceof NumberArray.Ints left ? left.values() : IntStream.range(0, 32).toArray();
        assertEquals(fooledBy.length, index.length);
        assertEquals(IntStream.range(0, 32).filter(i -> target.applyAsInt(i) != i % 10).count(), index.length, "others are left out");
        for (int i = 0; i < fooledBy.length; i++) {
            assertEquals(index[i] % 10, labels[i], "image " + i + " of synthetic data");
            assertTrue(labels[i] != target.applyAsInt(index[i]), "image " + i);
            if (fooledBy[i] >= 0) {
                assertEquals(target.applyAsInt(index[i]), predictions[i], "image " + i);
                reached++;
            }
        }
        assertTrue(reached > 0);
    }

    @Test
    void imagesOfTheTargetClassAreLeftOutWhichIsSaid() {
        Output output = attack("--target", "3", "--json", "-", "--eps", "0.1");
        assertTrue(
                output.err().contains("--target: 3 of 32 images are of their own target class, the first of them image 3 of class 3; they"
                        + " are left out, and all figures are of the other 29"),
                output.err());
        JsonNode json = json(output);
        assertEquals(29, json.get("n").asInt());
        assertEquals(29, json.get("images").get("index").size());
        assertEquals(4, json.get("images").get("index").get(3).asInt());
        assertFalse(json(attack("--json", "-")).get("images").has("index"));
    }

    @Test
    void aModelOfCosinesHasNoCertificateWhichIsSaidBeforeTheAttack() {
        Output output = Output.of("attack", "--model", "vgg11:width=0.0625,head=cosine", "--data", "synthetic:train=10,test=4", "--attacks",
                "fgsm", "--certify");
        assertEquals(2, output.code(), output.err());
        assertTrue(output.err().contains("--certify: expected a model with a linear last layer") && output.err().contains("head=cosine")
                && output.err().contains("attack it without --certify"), output.err());
        assertFalse(output.out().contains("robust accuracy"), output.out());
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';',
            value = {"2;--state-every;-1;--state-every: expected a number of seconds",
                "2;--state-every;NaN;--state-every: expected a number of seconds",
                "1;--save;/no/such/folder/adv.npz;--save: cannot write", "1;--picture;/no/such/folder/adv.png;--picture: cannot write",
                "1;--state;/no/such/folder/state;--state: cannot write", "2;--target;10;--target: expected a class from 0 to 9",
                "2;--target;-1;--target: expected a class from 0 to 9", "1;--target;absent.npy;absent.npy"})
    void aWrongOptionIsRefusedBeforeTheAttack(int code, String option, String value, String message) {
        Output output = attack(option, value);
        assertEquals(code, output.code(), output.err());
        assertTrue(output.err().contains(message), output.err());
        assertFalse(output.err().contains("\tat "), output.err());
        assertFalse(output.err().contains("attacks 32 images") || output.err().contains("pgd attacks"), output.err());
    }

    @Test
    void oneFileTakesOneNormAndOneSizeAndTargetsFitTheImages() throws IOException {
        for (String option : List.of("--save", "--picture")) {
            Output output = attack("--eps", "1/255,2/255", option, folder.resolve("file").toString());
            assertEquals(2, output.code());
            assertTrue(output.err().contains(option + ": needs one norm and one eps"), output.err());
        }
        Path few = folder.resolve("few.npy");
        Npy.write(few, new NumberArray.Ints(Shape.of(3), new int[] {1, 2, 3}));
        Output tooShort = attack("--target", few.toString());
        assertEquals(1, tooShort.code());
        assertTrue(tooShort.err().contains("a class for each of the 32 images, but it has 3"), tooShort.err());
    }

    @Test
    void whatOnlyPgdKnowsIsNotPassedOverInSilence() {
        for (List<String> options : List.of(List.of("--attacks", "standard", "--target", "3"),
                List.of("--attacks", "pgd,apgd-t", "--target", "3"),
                List.of("--attacks", "fgsm", "--step-size", "0.1"), List.of("--attacks", "square", "--no-random-start"))) {
            Output output = attack(options.toArray(String[]::new));
            assertEquals(2, output.code(), output.err());
            assertTrue(output.err().contains("pgd"), output.err());
        }
    }

    @Test
    void certificatesAndCurvesEnterTheReportOfARun() throws IOException {
        String run = folder.resolve("run").toString();
        train(Path.of(run));
        assertEquals(0, Output.of("attack", "--weights", run, "--attacks", "fgsm", "--eps", "1/255,8/255", "--certify").code());
        List<RunResult.AttackScore> scores = RunFolder.open(folder.resolve("run")).read().result().orElseThrow().attacks();
        assertEquals(2, scores.stream().filter(score -> score.name().equals("fgsm")).count());
        assertTrue(scores.stream().filter(score -> score.name().equals("certified")).count() >= 2, scores.toString());
        assertEquals(0, Output.of("report", run, "--quiet").code());
        String page = Files.readString(folder.resolve("run/report.html"));
        assertTrue(page.contains("Accuracy over the size of the perturbation: fgsm, linf"));
        assertTrue(page.contains("norms of the layers prove"));
        assertFalse(page.contains("under certified"));
    }
}
