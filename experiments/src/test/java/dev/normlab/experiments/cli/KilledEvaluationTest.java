package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A process that is killed (SIGKILL: it cannot do anything about it) in the middle of an evaluation with the ensemble `standard`, at
/// random moments, again and again. Whoever starts the same command again gets bitwise the result of an evaluation that nobody disturbed.
@EnabledOnOs({OS.LINUX, OS.MAC})
class KilledEvaluationTest {

    private static final String DATA = "synthetic:train=1000,test=32";

    @TempDir
    private static Path folder = Path.of("");

    private static byte[] images = {};
    private static String result = "";

    @BeforeAll
    static void evaluateUndisturbed() throws IOException {
        assertEquals(0,
                Output.of("train", "--model", "vgg11:width=0.0625", "--data", DATA, "--epochs", "3", "--batch-size", "20", "--lr", "0.05",
                        "--quiet",
                        "--out", folder.resolve("run").toString()).code());
        Output output = Output.of(command("whole").toArray(String[]::new));
        assertEquals(0, output.code(), output.err());
        images = Files.readAllBytes(folder.resolve("whole.npz"));
        result = withoutTimes(folder.resolve("whole.json"));
        JsonNode json = JsonMapper.shared().readTree(result);
        assertTrue(json.get("fooled").asInt() > 0 && json.get("robust_accuracy").asDouble() > 0,
                "some images are fooled, some are not: " + result);
    }

    private static List<String> command(String name) {
        return List.of("attack", "--weights", folder.resolve("run").toString(), "--data", DATA, "--attacks", "standard", "--steps", "30",
                "--queries", "400",
                "--eps", "4/255", "--batch-size", "6", "--threads", "1", "--no-record", "--state",
                folder.resolve(name + ".state").toString(), "--state-every",
                "0.05", "--save", folder.resolve(name + ".npz").toString(), "--json", folder.resolve(name + ".json").toString());
    }

    private static String withoutTimes(Path file) throws IOException {
        ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(Files.readString(file));
        json.remove("results");
        for (JsonNode attack : (ArrayNode) json.get("attacks")) {
            assertTrue(((ObjectNode) attack).remove("seconds").isNumber());
        }
        return json.toPrettyString();
    }

    @Test
    void aKilledEvaluationEndsBitwiseLikeAWholeOne() throws IOException, InterruptedException {
        killAndResume(0, 1);
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void aKilledEvaluationEndsBitwiseLikeAWholeOneEveryTime(int trial) throws IOException, InterruptedException {
        killAndResume(trial, 2);
    }

    private static void killAndResume(int trial, int most) throws IOException, InterruptedException {
        Random random = new Random(trial);
        String name = "trial" + trial;
        Path state = folder.resolve(name + ".state");
        int kills = 0, longest = 1500;
        while (kills < most && longest > 0) {
            Process process = start(name);
            awaitWork(process, state, kills);
            boolean ended = process.waitFor(random.nextInt(longest), TimeUnit.MILLISECONDS);
            process.destroyForcibly(); // SIGKILL
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            if (!ended && process.exitValue() != 0) {
                assertEquals(137, process.exitValue(), log(name));
                kills++;
                continue;
            }
            // It was faster than the wait.
            assertEquals(0, process.exitValue(), log(name));
            if (kills > 0) {
                break;
            }
            longest /= 2;
        }
        assertTrue(kills > 0, "trial " + trial + ": it was killed: " + log(name));
        Process last = start(name);
        assertTrue(last.waitFor(300, TimeUnit.SECONDS));
        assertEquals(0, last.exitValue(), log(name));
        assertArrayEquals(images, Files.readAllBytes(folder.resolve(name + ".npz")), "trial " + trial);
        assertEquals(result, withoutTimes(folder.resolve(name + ".json")), "trial " + trial);
        try (var files = Files.list(folder)) {
            assertFalse(files.anyMatch(file -> file.getFileName().toString().contains(name + ".state")),
                    "no state and no half of one is left");
        }
    }

    /// Waits until the first process has written a state, and later ones have begun to read it.
    private static void awaitWork(Process process, Path state, int kills) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        while (process.isAlive() && System.nanoTime() < end
                && (kills > 0
                        ? process.toHandle().info().totalCpuDuration().orElseThrow().toMillis() < 1000
                        : !Files.exists(state))) {
            Thread.sleep(5);
        }
    }

    private static Process start(String name) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(ProcessHandle.current().info().command().orElseThrow(), "--add-modules", "jdk.incubator.vector", "-cp",
                        System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(command(name));
        return new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve(name + ".log").toFile()))
                .start();
    }

    private static String log(String name) throws IOException {
        return Files.readString(folder.resolve(name + ".log"));
    }
}
