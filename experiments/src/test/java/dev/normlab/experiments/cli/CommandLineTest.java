package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.io.Npz;
import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.Method;
import dev.normlab.experiments.run.TrainingSettings;
import dev.normlab.experiments.run.Weights;
import dev.normlab.experiments.store.MetricsLine;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunResult;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.NormedLayer;
import dev.normlab.lip.spectral.CircularConvolution;
import dev.normlab.lip.spectral.ClippedOperator;
import dev.normlab.lip.spectral.ConvolutionSpectrum;
import dev.normlab.lip.spectral.SvdMethod;
import dev.normlab.nn.data.ImageShape;
import dev.normlab.nn.layer.Layer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class CommandLineTest {

    private static final String TINY = "vgg11:width=0.0625";
    private static final String DATA = "synthetic:train=64,test=32";

    @TempDir
    private Path folder = Path.of("");

    private static Output run(String... args) {
        return Output.of(args);
    }

    private Output train(String out, String... more) {
        List<String> args = new ArrayList<>(
                List.of("train", "--model", TINY, "--data", DATA, "--epochs", "2", "--batch-size", "24", "--threads", "1", "--quiet",
                        "--out", folder.resolve(out).toString()));
        args.addAll(List.of(more));
        return run(args.toArray(String[]::new));
    }

    /// A mistake ends with the expected code and one clear message, and writes nothing.
    private void refused(int code, String message, String... args) throws IOException {
        List<Path> before = files();
        Output output = run(args);
        assertEquals(code, output.code(), output.err());
        assertTrue(output.err().contains(message), output.err());
        assertFalse(output.err().contains("\tat "), "no stack trace: " + output.err());
        assertTrue(output.err().lines().count() <= 4, output.err());
        assertEquals("", output.out());
        assertEquals(before, files(), "nothing is written");
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.sorted().toList();
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {"--model;lenet99;there is no model 'lenet99'", "--model;vgg11:width=-1;width is a factor above 0",
        "--model;vgg11:depth=3;no option 'depth'", "--method;magic;there is no method 'magic'; known methods: plain",
        "--data;mnist;There is no data \"mnist\"", "--epochs;0;--epochs: expected a number from 1",
        "--epochs;-3;--epochs: expected a number from 1",
        "--epochs;many;Invalid value for option '--epochs': expected a whole number up to 2147483647, but got 'many'",
        "--epochs;99999999999;Invalid value for option '--epochs'", "--lr;fast;'--lr': expected a number, but got 'fast'",
        "--batch-size;0;--batch-size: expected", "--lr;NaN;--lr: expected a number above 0", "--lr;-0.1;--lr: expected a number above 0",
        "--lr;1e30;--lr: expected a number above 0", "--momentum;1.5;--momentum: expected", "--weight-decay;NaN;--weight-decay: expected",
        "--limit;0;--limit: expected a number of at least 1", "--norm-decay;l3:1;--norm-decay: expected l1:BETA",
        "--norm-decay;l1:1e-3:conv+pool;(known kinds: conv, linear, bn), but got 'l1:1e-3:conv+pool'",
        "--norm-decay;l1:-1;--norm-decay: beta is a number from 0", "--project-bn;0;--project-bn: expected a number above 0",
        "--svc;0;--svc: expected a number above 0", "--svc;tight;--svc: expected a number or none",
        "--svd;magic;no singular values are clipped without --svc", "--clip-freq;5;no singular values are clipped without --svc",
        "--project-bn;1e-50;--project-bn: expected a number above 0", "--lr;1e-50;--lr: expected a number above 0",
        "--model;vgg11:width=0.0625,classes=3;the model has 3 classes",
        "--schedule;sometimes;there is no schedule 'sometimes'", "--threads;0;--threads: expected a number from 1",
        "--device;abacus;there is no device 'abacus'", "--seed;x;Invalid value for option '--seed'"})
    void aWrongOptionOfTrainIsRefusedWithWhatIsValid(String option, String value, String message) throws IOException {
        refused(2, message, "train", "--out", folder.resolve("run").toString(), option, value);
    }

    @Test
    void whatAGpuNeedsIsSaidInOneLine() throws IOException {
        refused(1, "set TORNADOVM_HOME to a TornadoVM SDK", "train", "--device", "gpu", "--out", folder.resolve("run").toString());
    }

    @Test
    void unknownCommandsAndOptionsAreRefusedWithSuggestions() throws IOException {
        refused(2, "Did you mean", "trian");
        refused(2, "Unknown option", "train", "--epoch-count", "3");
        refused(2, "say what to measure", "bench");
    }

    @Test
    void withoutACommandOrWithHelpTheCommandsAreListed() {
        Output bare = run();
        assertEquals(2, bare.code());
        assertTrue(bare.err().contains("quickstart") && bare.err().contains("say what to do"), bare.err());
        Output help = run("help");
        assertEquals(0, help.code());
        assertTrue(help.out().contains("quickstart"), help.out());
        assertTrue(run("help", "attack").out().contains("--eps"));
        assertEquals(2, run("help", "nonsense").code());
    }

    @Test
    void devicesListsTheOneThatIsAskedFor() throws IOException {
        assertTrue(run("devices").out().contains("cpu"));
        Output one = run("devices", "--device", "scalar");
        assertTrue(one.out().contains("scalar") && !one.out().contains("Vector API"), one.out());
        refused(2, "there is no device 'abacus'", "devices", "--device", "abacus");
    }

    @Test
    void dataThatIsNotThereOrCutIsNamed() throws IOException {
        refused(1, "nowhere", "train", "--data", "cifar10:" + folder.resolve("nowhere"), "--out", folder.resolve("run").toString());
        Path cifar = Files.createDirectory(folder.resolve("cifar"));
        for (String name : List.of("data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
                "test_batch.bin")) {
            Files.write(cifar.resolve(name), new byte[3073]);
        }
        Files.write(cifar.resolve("data_batch_3.bin"), new byte[3000]);
        refused(1, "data_batch_3.bin", "train", "--data", "cifar10:" + cifar, "--out", folder.resolve("run").toString());
        byte[] record = new byte[3073];
        record[0] = 77;
        Files.write(cifar.resolve("data_batch_3.bin"), record);
        refused(1, "77", "train", "--data", "cifar10:" + cifar, "--out", folder.resolve("run").toString());
    }

    @Test
    void aBrokenPictureInAnImageFolderIsNamed() throws IOException {
        Path dog = Files.createDirectories(folder.resolve("pictures/train/dog"));
        Path test = Files.createDirectories(folder.resolve("pictures/test/dog"));
        Files.writeString(dog.resolve("rex.png"), "this is no picture");
        Files.writeString(test.resolve("rex.png"), "nor is this");
        refused(1, "rex.png", "train", "--data", "folder:" + folder.resolve("pictures"), "--out", folder.resolve("run").toString());
    }

    @Test
    void corruptAndHostileWeightsAreRefused() throws IOException {
        Path huge = folder.resolve("huge.safetensors");
        Files.write(huge, ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(1L << 60).array());
        refused(1, "huge.safetensors", "evaluate", "--model", TINY, "--data", DATA, "--weights", huge.toString());
        refused(1, "outside.safetensors", "norms", "--model", TINY, "--weights",
                safetensors("outside", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,800]}}", 8).toString());
        refused(1, "overlap.safetensors", "norms", "--model", TINY, "--weights", safetensors("overlap",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
                12).toString());
        refused(1, "dtype.safetensors", "norms", "--model", TINY, "--weights",
                safetensors("dtype", "{\"a\":{\"dtype\":\"Q7\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8).toString());
        refused(1, "missing", "norms", "--model", TINY, "--weights",
                safetensors("other", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8).toString());
        refused(1, "there is no file", "norms", "--model", TINY, "--weights", folder.resolve("absent.safetensors").toString());
    }

    private Path safetensors(String name, String header, int bytes) throws IOException {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer buffer = ByteBuffer.allocate(8 + text.length + bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(text.length).put(text);
        return Files.write(folder.resolve(name + ".safetensors"), buffer.array());
    }

    @Test
    void weightsOfAnotherModelAreRefusedWithTheNamesThatDiffer() throws IOException {
        assertEquals(0, train("run", "--save", folder.resolve("vgg.safetensors").toString()).code());
        refused(1, "layer1.0", "evaluate", "--model", "resnet18:width=0.0625", "--data", DATA, "--weights",
                folder.resolve("vgg.safetensors").toString());
    }

    @Test
    void initialWeightsThatDoNotFitLeaveNoRunFolder() throws IOException {
        Path weights = safetensors("other", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8);
        for (String init : List.of(weights.toString(), folder.resolve("absent.safetensors").toString())) {
            refused(1, Path.of(init).getFileName().toString(), "train", "--model", TINY, "--data", DATA, "--init", init, "--out",
                    folder.resolve("run").toString());
        }
    }

    @Test
    void theBenchmarkRefusesWhatDoesNotFitTogether() throws IOException {
        refused(2, "the model has 3 classes", "bench", "step", "--model", TINY + ",classes=3", "--data", DATA, "--batch-size", "8");
        refused(1, "do not fit the model", "bench", "step", "--model", TINY, "--data", DATA + ",size=16", "--batch-size", "8");
    }

    @Test
    void resumingAFinishedRunKeepsItsResult() throws IOException {
        assertEquals(0, train("run").code());
        RunFolder run = RunFolder.open(folder.resolve("run"));
        RunResult before = run.read().result().orElseThrow();
        RunResult.AttackScore attack = RunResult.AttackScore.of("pgd-20", "linf", 0.03, 32, 1, 2.0);
        run.writeResult(
                new RunResult(before.status(), before.message(), before.epochs(), before.seconds(), before.clean(), List.of(attack)));
        assertEquals(0, run("train", "--out", run.path().toString(), "--resume", "--quiet").code());
        RunResult after = run.read().result().orElseThrow();
        assertEquals(before.clean(), after.clean());
        assertEquals(List.of(attack), after.attacks());
    }

    @Test
    void aFolderThatCannotBeWrittenIsRefusedBeforeTraining() throws IOException {
        Path file = Files.writeString(folder.resolve("a-file"), "x");
        refused(1, "a-file", "train", "--model", TINY, "--data", DATA, "--out", file.resolve("run").toString());
        if (Files.isDirectory(Path.of("/proc/self"))) {
            refused(1, "cannot make the run folder /proc/nowhere", "train", "--model", TINY, "--data", DATA, "--out", "/proc/nowhere");
            Output page = run("report", "--out", "/proc/report.html", folder.toString());
            assertEquals(1, page.code());
            assertFalse(page.err().contains(".tmp"), page.err());
        }
        refused(1, "--json: cannot write", "train", "--model", TINY, "--data", DATA, "--out", folder.resolve("run").toString(), "--json",
                folder.resolve("no/such/result.json").toString());
        refused(1, "--save: cannot write", "train", "--model", TINY, "--data", DATA, "--out", folder.resolve("run").toString(), "--save",
                folder.resolve("no/such/folder.safetensors").toString());
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';',
            value = {"--eps;-1;eps is a number of at least 0", "--eps;NaN;eps is a number of at least 0", "--eps;8;did you mean 8.0/255",
                "--eps;8/0;eps is a number", "--eps;much;--eps: expected a number or a fraction",
                "--norm;l7;there is no perturbation norm 'l7'",
                "--queries;0;--queries: expected", "--targets;0;--targets: expected", "--draws;0;--draws: expected",
                "--attacks;tickle;there is no attack 'tickle'", "--steps;0;--steps: expected a number of at least 1",
                "--restarts;-1;--restarts: expected a number of at least 1",
                "--step-size;0;--step-size: expected a number above 0", "--batch-size;0;--batch-size: expected",
                "--split;both;--split: expected train or test"})
    void aWrongOptionOfAttackIsRefused(String option, String value, String message) throws IOException {
        refused(2, message, "attack", "--model", TINY, "--data", DATA, option, value);
    }

    @Test
    void severalNormsWithSizesOfTheirOwnGiveTheirUnionToo() throws IOException {
        Output attacked = run("attack", "--model", TINY, "--data", DATA, "--limit", "8", "--attacks", "apgd-ce", "--restarts", "1",
                "--steps",
                "3", "--norm", "linf,l2", "--eps", "linf:2/255,l2:0.1,linf:4/255", "--state", folder.resolve("state").toString(), "--json",
                "-");
        assertEquals(0, attacked.code(), attacked.err());
        assertTrue(attacked.out().contains("\"robust_accuracy_union\""), attacked.out());
        assertEquals(3, JsonMapper.shared().readTree(attacked.out()).get("results").size());
        try (var files = Files.list(folder)) {
            assertTrue(files.noneMatch(file -> file.getFileName().toString().startsWith("state")), "states are removed at the end");
        }
        refused(2, "no size was given for the norm l1", "attack", "--model", TINY, "--data", DATA, "--norm", "l1", "--eps", "l2:1");
    }

    @Test
    void sizesNameTheirNormsOrAreRefused() throws IOException {
        Output attacked = run("attack", "--model", TINY, "--data", DATA, "--limit", "8", "--attacks", "fgsm", "--eps",
                "l2:0.1,linf:2/255,l2:0.1", "--json", "-");
        List<String> norms = new ArrayList<>();
        JsonMapper.shared().readTree(attacked.out()).get("results").forEach(result -> norms.add(result.get("norm").asString()));
        assertEquals(List.of("l2", "linf"), norms, "each once, in the order given");
        refused(2, "--eps: there is no perturbation norm 'l3'", "attack", "--model", TINY, "--data", DATA, "--eps", "linf:8/255,l3:2");
        refused(2, "--eps: there is a size for the norm l2, which --norm leaves out", "attack", "--model", TINY, "--data", DATA, "--norm",
                "linf", "--eps", "linf:8/255,l2:0.5");
        refused(2, "but got 300.0", "attack", "--model", TINY, "--data", DATA, "--eps", "300");
        assertFalse(run("attack", "--model", TINY, "--data", DATA, "--eps", "300").err().contains("did you mean"));
    }

    @Test
    void imagesThatAreTooSmallForTheModelAreRefused() throws IOException {
        refused(1, "do not fit the model", "norms", "--model", TINY, "--input", "3x8x8");
        refused(2, "--input: expected channels x height x width", "norms", "--model", TINY, "--input", "32");
    }

    @Test
    void trainEvaluateAttackNormsAndReportWorkOnARunFolder() throws IOException {
        assertEquals(0, train("run", "--method", "nd-l1-bn", "--json", folder.resolve("train.json").toString()).code());
        String run = folder.resolve("run").toString();
        assertTrue(Files.readString(folder.resolve("train.json")).contains("\"accuracy\""));
        Output evaluated = run("evaluate", "--weights", run, "--data", DATA, "--json", "-", "--save",
                folder.resolve("logits.npz").toString());
        assertEquals(0, evaluated.code(), evaluated.err());
        assertTrue(evaluated.out().contains("\"n\" : 32"), evaluated.out());
        assertEquals(List.of(32, 10), boxed(Npz.read(folder.resolve("logits.npz")).get("logits")));
        Output attacked = run("attack", "--weights", run, "--data", DATA, "--attacks", "fgsm,pgd", "--steps", "3", "--json", "-", "--save",
                folder.resolve("adv.npz").toString());
        assertEquals(0, attacked.code(), attacked.err());
        assertTrue(attacked.out().contains("\"robust_accuracy\""), attacked.out());
        Map<String, NumberArray> images = Npz.read(folder.resolve("adv.npz"));
        assertEquals(List.of("x", "x_adv", "y", "pred", "fooled_by", "distance"), List.copyOf(images.keySet()));
        assertEquals(List.of(32, 3, 32, 32), boxed(images.get("x_adv")));
        Output norms = run("norms", "--weights", run, "--json", "-");
        assertTrue(norms.out().contains("\"l1_conv_linear\""), norms.out());
        assertEquals(0, run("report", run, "--quiet").code());
        assertTrue(Files.readString(folder.resolve("run/report.html")).contains("<svg"));
    }

    @Test
    void aRunIsNamedAfterWhatItDoesAndKeepsItsBestWeightsAndALog() throws IOException {
        assertEquals(0, train("run", "--svc", "0.9").code());
        RunFolder.Contents run = RunFolder.open(folder.resolve("run")).read();
        assertEquals("plain, svc 0.9", run.info().name());
        assertEquals("plain", run.info().method());
        assertEquals(0, run("report", folder.resolve("run").toString()).code());
        assertTrue(Files.readString(folder.resolve("run/report.html")).contains("plain, svc 0.9"));
        double best = run.metrics().stream().mapToDouble(MetricsLine::testAccuracy).max().orElseThrow();
        Output evaluated = run("evaluate", "--weights", folder.resolve("run/best.safetensors").toString(), "--data", DATA, "--json", "-");
        assertEquals(best, JsonMapper.shared().readTree(evaluated.out()).get("accuracy").asDouble(), 1e-12);
        String log = Files.readString(folder.resolve("run/log.txt"));
        assertTrue(log.contains("plain, svc 0.9 of vgg11"), log);
        assertEquals(run.metrics().size(), log.lines().filter(line -> line.contains("Z epoch ")).count(), log);
    }

    @Test
    void attacksOnTheTestImagesOfARunFolderEnterItsResultAndItsReport() throws IOException {
        assertEquals(0, train("run", "--limit", "24").code());
        String run = folder.resolve("run").toString();
        String[] attack = {"attack", "--weights", run, "--attacks", "fgsm,pgd", "--steps", "2", "--eps", "1/255,2/255", "--json", "-"};
        Output attacked = run(attack);
        assertEquals(0, attacked.code(), attacked.err());
        assertTrue(attacked.err().contains("data of the run: " + DATA), attacked.err());
        JsonNode json = JsonMapper.shared().readTree(attacked.out());
        assertEquals(24, json.get("n").asInt(), "the run's own limit holds");
        assertTrue(json.has("clean_accuracy") && !json.has("robust_accuracy"));
        assertEquals(2, json.get("results").size());
        assertTrue(json.get("results").get(1).has("robust_accuracy"));
        List<RunResult.AttackScore> scores = RunFolder.open(folder.resolve("run")).read().result().orElseThrow().attacks();
        assertEquals(List.of("fgsm + pgd-2", "fgsm + pgd-2"), scores.stream().map(RunResult.AttackScore::name).toList());
        assertEquals(0, run(attack).code());
        assertEquals(2, RunFolder.open(folder.resolve("run")).read().result().orElseThrow().attacks().size(),
                "the same attack takes its own place");
        assertEquals(0, run("report", folder.toString(), "--quiet").code());
        Path file = Files.createFile(folder.resolve("file"));
        refused(1, "--figures: expected a folder, but", "report", folder.toString(), "--figures", file.toString());
        assertTrue(Files.readString(folder.resolve("report.html")).contains("fgsm + pgd-2, linf 2/255"));
    }

    @Test
    void attacksOnOtherImagesOrUnrecordedOnesLeaveTheRunAsItWas() throws IOException {
        assertEquals(0, train("run").code());
        String run = folder.resolve("run").toString();
        byte[] before = Files.readAllBytes(folder.resolve("run/result.json"));
        Output other = run("attack", "--weights", run, "--attacks", "fgsm", "--data", "synthetic:train=64,test=16,seed=3");
        assertEquals(0, other.code(), other.err());
        assertTrue(other.err().contains("not the test images of the run"), other.err());
        assertEquals(0, run("attack", "--weights", run, "--attacks", "fgsm", "--split", "train", "--quiet").code());
        assertEquals(0, run("attack", "--weights", run, "--attacks", "fgsm", "--no-record").code());
        assertArrayEquals(before, Files.readAllBytes(folder.resolve("run/result.json")));
    }

    @Test
    void oneAttackKeepsItsKeysAtTheTop() {
        JsonNode json = JsonMapper.shared()
                .readTree(run("attack", "--model", TINY, "--data", DATA, "--attacks", "fgsm", "--json", "-").out());
        for (String key : List.of("n", "clean_accuracy", "robust_accuracy", "attacks")) {
            assertEquals(json.get(key), json.get("results").get(0).get(key), key);
        }
        assertEquals(List.of("name", "robust_accuracy", "seconds"), json.get("attacks").get(0).propertyNames().stream().limit(3).toList());
    }

    @Test
    void evaluateTakesTheDataOfTheRunAndWarnsAfterFewSteps() throws IOException {
        Output trained = run("train", "--model", TINY, "--data", DATA, "--epochs", "1", "--batch-size", "32", "--out",
                folder.resolve("run").toString());
        assertTrue(trained.err().contains("seen 2 training steps only"), trained.err());
        Output evaluated = run("evaluate", "--weights", folder.resolve("run").toString());
        assertEquals(0, evaluated.code(), evaluated.err());
        assertTrue(evaluated.out().contains("on 32 images"), evaluated.out());
        assertTrue(evaluated.err().contains("seen 2 training steps only") && evaluated.err().contains("data of the run: " + DATA),
                evaluated.err());
    }

    @Test
    void theRunFolderSaysTheWholeCommandLine() throws IOException {
        assertEquals(0, train("a run", "--method", "wd").code());
        String command = RunFolder.open(folder.resolve("a run")).readInfo().command();
        assertTrue(command.startsWith("train --model " + TINY + " --data " + DATA + " --epochs 2"), command);
        assertTrue(command.endsWith("--out '" + folder.resolve("a run") + "' --method wd"), command);
    }

    @Test
    void resumingAFinishedRunSaysSo() throws IOException {
        assertEquals(0, train("run").code());
        Output again = run("train", "--out", folder.resolve("run").toString(), "--resume");
        assertEquals(0, again.code());
        assertTrue(again.err().contains("there is nothing to resume"), again.err());
    }

    private static List<Integer> boxed(NumberArray array) {
        return Arrays.stream(array.shape().toArray()).boxed().toList();
    }

    @Test
    void theSameSettingsGiveTheSameBytesWhateverTheThreads() throws IOException {
        assertEquals(0, train("one", "--method", "nd-linf").code());
        assertEquals(0, train("two", "--method", "nd-linf", "--threads", "3").code());
        assertArrayEquals(Files.readAllBytes(folder.resolve("one/weights.safetensors")),
                Files.readAllBytes(folder.resolve("two/weights.safetensors")));
    }

    @Test
    void singularValueClippingEndsWithinItsLimit() throws IOException {
        assertEquals(0, train("clipped", "--method", "svc", "--svc", "0.8", "--lr", "0.1").code());
        Layer model = Weights.load(folder.resolve("clipped"), null, 0).model();
        try (Device device = Device.cpu(1)) {
            Weights.summarize(model, new ImageShape(3, 32, 32), device);
            for (NormedLayer layer : NormedLayer.of(model)) {
                if (layer.kind() == LayerKind.CONV) {
                    double norm = ConvolutionSpectrum.largest(CircularConvolution.of(layer.convolution().orElseThrow()),
                            layer.weight().orElseThrow().tensor().toArray(), device.workers());
                    assertTrue(norm <= 0.8 * (1 + 1e-3), layer.name() + " has the circular norm " + norm);
                }
            }
        }
    }

    @Test
    void theWayToSingularValuesAndTheFrequencyOfClippingAreSettingsOfTheRun() throws IOException {
        assertEquals(0, train("jacobi", "--svc", "0.8", "--svd", "jacobi", "--svc-as", "layer", "--clip-freq", "2").code());
        TrainingSettings settings = TrainingSettings.parse(RunFolder.open(folder.resolve("jacobi")).readInfo().settings());
        assertEquals(new Method.Clipping(0.8, SvdMethod.JACOBI, ClippedOperator.LAYER, 2), settings.svc().orElseThrow());
        refused(2, "--svd: there is no way 'magic' to singular values; known: jacobi, ejml, gram", "train", "--svc", "1", "--svd", "magic");
        refused(2, "--clip-freq: expected a number of steps of at least 1", "train", "--svc", "1", "--clip-freq", "0");
        refused(2, "--svc-as: convolutions are not clipped as 'padded'; known: circular, layer", "train", "--svc", "1", "--svc-as",
                "padded");
        refused(2, "--svc-as: no singular values are clipped without --svc", "train", "--svc-as", "layer");
        assertEquals(Method.Clipping.at(2), TrainingSettings.parse(olderSettings(settings)).svc().orElseThrow(), "a folder of before");
    }

    /// Statistics change what evaluation says and no weight; with clipping they are estimated unless that is turned off.
    @Test
    void statisticsOfBatchNormAreEstimatedInTrainingWhereAskedFor() throws IOException {
        assertEquals(0, train("kept").code());
        assertEquals(0, train("estimated", "--bn-statistics", "16").code());
        Layer kept = Weights.load(folder.resolve("kept"), null, 0).model();
        Layer estimated = Weights.load(folder.resolve("estimated"), null, 0).model();
        estimated.namedParameters().forEach((name, parameter) -> assertArrayEquals(
                kept.namedParameters().get(name).tensor().toArray(), parameter.tensor().toArray(), name));
        RunFolder.Contents with = RunFolder.open(folder.resolve("estimated")).read();
        assertTrue(with.metrics().getLast().testLoss() != RunFolder.open(folder.resolve("kept")).read().metrics().getLast().testLoss());
        assertEquals("plain, bn statistics 16", with.info().name());
        TrainingSettings settings = TrainingSettings.parse(with.info().settings());
        assertEquals(16, settings.statisticsImages());
        Map<String, String> clipped = new LinkedHashMap<>(settings.toMap());
        clipped.put("svc", "1.0");
        clipped.remove("bn_statistics");
        assertEquals(1024, TrainingSettings.parse(clipped).statisticsImages());
        clipped.put("bn_statistics", "0");
        assertEquals(0, TrainingSettings.parse(clipped).statisticsImages());
        refused(2, "--bn-statistics: expected a number of images of at least 0, but got -1", "train", "--bn-statistics", "-1");
    }

    /// The settings as they were written before there were ways and frequencies of clipping.
    private static Map<String, String> olderSettings(TrainingSettings settings) {
        Map<String, String> map = new LinkedHashMap<>(settings.toMap());
        map.put("svc", "2.0");
        map.remove("svd");
        map.remove("svc_as");
        map.remove("clip_freq");
        return map;
    }

    @Test
    void aRunFolderIsNeverOverwrittenAndResumeKeepsItsOptions() throws IOException {
        assertEquals(0, train("run").code());
        Output again = train("run");
        assertEquals(1, again.code());
        String folderName = folder.resolve("run").toString();
        assertTrue(again.err().contains("already holds a run: go on with it by train --resume --out " + folderName), again.err());
        refused(2, "leave --lr out", "train", "--out", folder.resolve("run").toString(), "--resume", "--lr", "0.1");
        refused(2, "leave --model, --lr, --no-shuffle out", "train", "--out", folder.resolve("run").toString(), "--resume", "--lr", "0.1",
                "--model", "lenet", "--no-shuffle");
        refused(1, "there is no such folder", "train", "--out", folder.resolve("elsewhere").toString(), "--resume", "--epochs", "3");
        refused(1, "is not a run folder: there is no such folder", "train", "--out", folder.resolve("elsewhere").toString(), "--resume");
        refused(2, "say which run", "train", "--resume");
        assertEquals(0, run("train", "--out", folder.resolve("run").toString(), "--resume", "--quiet").code());
    }

    @Test
    void divergenceStopsWithTheFirstLayerAndKeepsTheFolder() throws IOException {
        Output output = train("run", "--lr", "1e6", "--weight-decay", "1e6", "--epochs", "9");
        assertEquals(1, output.code(), output.err());
        assertTrue(output.err().contains("training diverged in step"), output.err());
        assertTrue(output.err().contains("features."), output.err());
        assertTrue(Files.readString(folder.resolve("run/result.json")).contains("diverged"));
    }
}
