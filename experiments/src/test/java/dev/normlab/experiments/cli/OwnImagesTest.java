package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.io.Npz;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.experiments.store.RunFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What a user's own data, of another size and number of classes, asks of the commands: they take what the run was made with.
class OwnImagesTest {

    private static final String MODEL = "vgg11:width=0.0625";
    private static final String DATA = "synthetic:size=48,train=24,test=12";

    @TempDir
    private Path folder;

    private String run = "";

    @BeforeEach
    void train() {
        run = folder.resolve("run").toString();
        Output trained = Output.of("train", "--model", MODEL, "--data", DATA, "--epochs", "1", "--batch-size", "12", "--out", run);
        assertEquals(0, trained.code(), trained.err());
    }

    private JsonNode json(String... args) throws IOException {
        Path file = folder.resolve("result.json");
        String[] all = List.of(args).toArray(new String[args.length + 2]);
        all[args.length] = "--json";
        all[args.length + 1] = file.toString();
        Output output = Output.of(all);
        assertEquals(0, output.code(), output.err());
        return JsonMapper.shared().readTree(Files.readString(file));
    }

    private double sumOfNorms(String... args) throws IOException {
        double sum = 0;
        for (JsonNode layer : json(args).get("layers")) {
            boolean counts = List.of("conv", "linear").contains(layer.get("kind").asString());
            sum += counts ? layer.get("l1").asDouble() : 0;
        }
        return sum;
    }

    @Test
    void normsAreThoseOfTheImagesOfTheRun() throws IOException {
        Output norms = Output.of("norms", "--weights", run);
        assertTrue(norms.out().contains("images of 3x48x48"), norms.out());
        double recorded = RunFolder.open(folder.resolve("run")).read().metrics().getLast().normSumL1();
        double own = sumOfNorms("norms", "--weights", run);
        double small = sumOfNorms("norms", "--weights", run, "--input", "3x32x32");
        assertEquals(recorded, own, 1e-5 * recorded);
        assertTrue(small < 0.99 * own, "maps of one pixel have smaller norms: " + small + " and " + own);
        Output compared = Output.of("norms", "--compare", run, folder.resolve("run/best.safetensors").toString());
        assertTrue(compared.out().contains("images of 3x48x48"), compared.out());
    }

    @Test
    void exportAndSummaryTakeTheSizeToo() throws IOException {
        Output exported = Output.of("export", "--weights", run, "--out", folder.resolve("m.onnx").toString());
        assertTrue(exported.out().contains("for images of 3x48x48"), exported.out());
        Output summary = Output.of("summary", "--weights", run);
        assertTrue(summary.out().contains("one image of 3x48x48"), summary.out());
        Path other = folder.resolve("other.safetensors");
        assertEquals(0, Output.of("export", "--weights", run, "--out", other.toString()).code());
        Output again = Output.of("summary", "--weights", other.toString());
        assertTrue(again.out().contains("one image of 3x48x48"), again.out());
    }

    @Test
    void aFileOfARunHasTheDataOfTheRunButOnlyTheLastWeightsAreItsResult() throws IOException {
        String before = Files.readString(folder.resolve("run/result.json"));
        for (String name : List.of("best.safetensors", "checkpoint.safetensors")) {
            Output attacked = Output.of("attack", "--weights", folder.resolve("run").resolve(name).toString(), "--attacks", "fgsm");
            assertEquals(0, attacked.code(), attacked.err());
            assertTrue(attacked.err().contains("data of the run: " + DATA), attacked.err());
            assertTrue(attacked.err().contains("not recorded"), attacked.err());
        }
        assertEquals(before, Files.readString(folder.resolve("run/result.json")));
        assertEquals(0, Output.of("attack", "--weights", folder.resolve("run/weights.safetensors").toString(), "--attacks", "fgsm").code());
        assertFalse(before.equals(Files.readString(folder.resolve("run/result.json"))), "the last weights are the run's");
    }

    @Test
    void statisticsOfBatchNormAreEstimatedWhereAskedAndThenNotTheRuns() throws IOException {
        String before = Files.readString(folder.resolve("run/result.json"));
        JsonNode kept = json("evaluate", "--weights", run);
        JsonNode estimated = json("evaluate", "--weights", run, "--bn-statistics", "24");
        assertEquals(24, estimated.get("bn_statistics_images").asInt());
        Output said = Output.of("evaluate", "--weights", run, "--bn-statistics", "24");
        assertTrue(said.out().contains("batch norm's statistics of 24 training images"), said.out());
        assertFalse(said.err().contains("their hash differs"), said.err());
        Output corruptions = Output.of("evaluate", "--weights", run, "--data", "cifar10c:nowhere", "--bn-statistics", "24");
        assertTrue(corruptions.err().contains("CIFAR-10-C has no training images"), corruptions.err());
        assertTrue(kept.get("loss").asDouble() != estimated.get("loss").asDouble(), "two steps leave most of what statistics begin with");
        Output attacked = Output.of("attack", "--weights", run, "--attacks", "fgsm", "--bn-statistics", "24");
        assertTrue(attacked.err().contains("estimated anew on 24 training images"), attacked.err());
        assertTrue(attacked.err().contains("not the statistics of batch norm with which the run ended"), attacked.err());
        assertEquals(before, Files.readString(folder.resolve("run/result.json")));
        assertEquals(2, Output.of("evaluate", "--weights", run, "--bn-statistics", "-1").code());
    }

    @Test
    void trainingImagesThatAreNotTheRunsAreNoticed() throws IOException {
        Path copy = Files.createDirectories(folder.resolve("copy"));
        try (var files = Files.list(folder.resolve("run"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.copy(file, copy.resolve(file.getFileName().toString()));
            }
        }
        String info = Files.readString(copy.resolve(RunFolder.INFO_FILE));
        String changed = info.replaceFirst("(\"train_data_sha256\" *: *\")[0-9a-f]", "$1x");
        assertFalse(info.equals(changed), info);
        Files.writeString(copy.resolve(RunFolder.INFO_FILE), changed);
        Output evaluated = Output.of("evaluate", "--weights", copy.toString(), "--bn-statistics", "24");
        assertTrue(evaluated.err().contains("the train images of " + DATA + " are not those of the run"), evaluated.err());
        assertFalse(Output.of("evaluate", "--weights", copy.toString()).err().contains("the train images"));
    }

    @Test
    void dataThatNobodyChoseIsNamed() throws IOException {
        Path moved = Files.copy(folder.resolve("run/weights.safetensors"), folder.resolve("moved.safetensors"));
        Output evaluated = Output.of("evaluate", "--weights", moved.toString(), "--limit", "5");
        assertTrue(evaluated.err().contains("data: synthetic, since neither --data nor a run says other"), evaluated.err());
        assertFalse(evaluated.err().contains("classes only"), evaluated.err());
    }

    @Test
    void anUnfinishedRunSaysWhichWeightsAreAttacked() throws IOException {
        Files.delete(folder.resolve("run/weights.safetensors"));
        Output attacked = Output.of("attack", "--weights", run, "--attacks", "fgsm");
        assertTrue(attacked.err().contains("not recorded"), attacked.err());
        assertTrue(attacked.err().contains("checkpoint.safetensors (after 1 epoch)"), attacked.err());
    }

    @Test
    void aRunThatBeginsWithWeightsHasTheirModel() throws IOException {
        Output trained = Output.of("train", "--init", run, "--data", DATA, "--epochs", "1", "--batch-size", "12", "--out",
                folder.resolve("more").toString());
        assertEquals(0, trained.code(), trained.err());
        assertEquals(MODEL + ",classes=10", RunFolder.open(folder.resolve("more")).readInfo().model());
        assertTrue(RunFolder.open(Path.of(run)).read().result().orElseThrow().message()
                .startsWith("batch norm's running statistics have seen"));
        assertEquals("", RunFolder.open(folder.resolve("more")).read().result().orElseThrow().message(), "the weights brought theirs");
        Output evaluated = Output.of("evaluate", "--weights", folder.resolve("more").toString());
        assertFalse(evaluated.err().contains("running statistics"), evaluated.err());
        Output photos = Output.of("train", "--init", run, "--data", "npz:" + twoClasses(), "--out", folder.resolve("two").toString());
        assertTrue(photos.err().contains("--init: the weights are of " + MODEL + ",classes=10, but the data has 2 classes"), photos.err());
        Output missing = Output.of("train", "--init", folder.resolve("none").toString());
        assertTrue(missing.err().contains("--init: there is no file or run folder"), missing.err());
        Output longer = Output.of("train", "--resume", "--out", run, "--epochs", "3");
        assertEquals(2, longer.code());
        assertTrue(longer.err().contains("train --init " + run), longer.err());
    }

    private Path twoClasses() throws IOException {
        Path file = folder.resolve("two.npz");
        Npz.write(file, Map.of("x", NumberArray.of(new float[10 * 3 * 32 * 32], 10, 3, 32, 32), "y",
                NumberArray.of(new int[] {0, 1, 0, 1, 0, 1, 0, 1, 0, 1}, 10)));
        return file;
    }

    @Test
    void namesOfFilesSayTheirFormat() {
        for (List<String> wrong : List.of(List.of("train", "--save"), List.of("attack", "--save"), List.of("attack", "--picture"),
                List.of("evaluate", "--save"), List.of("data", "synthetic", "--out"), List.of("data", "info", "synthetic", "--png"))) {
            String[] args = wrong.toArray(new String[wrong.size() + 1]);
            args[wrong.size()] = folder.resolve("x.txt").toString();
            Output refused = Output.of(args);
            assertEquals(2, refused.code(), String.join(" ", args));
            assertTrue(refused.err().contains("expected a file that ends in"), refused.err());
        }
        Output onnx = Output.of("evaluate", "--weights", folder.resolve("run").resolve("m.onnx").toString());
        assertEquals(1, onnx.code());
    }

    @Test
    void helpIsThatOfTheCommandThatFailed() {
        assertTrue(Output.of("data", "info").err().contains("See: normlab data info --help"), "a missing parameter");
        assertTrue(Output.of("data", "info", "nothing").err().contains("See: normlab data info --help"), "a wrong one");
        assertTrue(Output.of("train", "--wrong").err().contains("See: normlab train --help"), "an option");
        assertTrue(Output.of("wrong").err().contains("See: normlab --help"), "a command");
    }

    @Test
    void dataOfARunThatIsGoneSaysWhatItsPathIsRelativeTo() throws IOException {
        Path info = folder.resolve("run/run.json");
        Files.writeString(info, Files.readString(info).replace(DATA, "folder:photos"));
        Output evaluated = Output.of("evaluate", "--weights", run);
        assertEquals(1, evaluated.code());
        assertTrue(evaluated.err().contains("the data of the run, folder:photos") && evaluated.err().contains("relative path"),
                evaluated.err());
    }

    @Test
    void aTrainingFromARunTakesItsDataUnlessToldOtherwise() throws IOException {
        Path next = folder.resolve("next");
        Output trained = Output.of("train", "--init", run, "--epochs", "1", "--batch-size", "12", "--method", "nd-l1", "--out",
                next.toString());
        assertEquals(0, trained.code(), trained.err());
        assertTrue(trained.err()
                .contains("data of the run " + run + ": " + DATA + "; its other settings are not taken over, and it was trained "
                        + "with --method plain"),
                trained.err());
        assertEquals(DATA, RunFolder.open(next).readInfo().data());
        Path other = folder.resolve("other");
        String named = "synthetic:size=48,train=20,test=10";
        assertEquals(0, Output.of("train", "--init", folder.resolve("run/best.safetensors").toString(), "--data", named, "--epochs", "1",
                "--batch-size", "10", "--out", other.toString()).code());
        assertEquals(named, RunFolder.open(other).readInfo().data());
    }

    @Test
    void aFolderOfRunsNamesThem() {
        Output evaluated = Output.of("evaluate", "--weights", folder.toString());
        assertEquals(1, evaluated.code());
        assertTrue(evaluated.err().contains("it holds the run folders " + run + ": name one of them"), evaluated.err());
    }
}
