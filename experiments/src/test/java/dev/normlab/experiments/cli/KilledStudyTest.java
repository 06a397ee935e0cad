package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.store.FolderLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Processes that work on a study and are killed (SIGKILL: they cannot do anything about it) at random moments, and processes that work on
/// one folder at the same time. The tables are bitwise those of a study that nobody disturbed.
@EnabledOnOs({OS.LINUX, OS.MAC})
class KilledStudyTest {

    private static final String STUDY = """
            name: small
            title: A small study
            data: synthetic:train=400,test=60
            limit: 0
            models: ["vgg11:width=0.0625"]
            seeds: 1
            seed: 3
            conv: exact
            training: {epochs: 4, batch_size: 20, lr: 0.05, momentum: 0.9, schedule: cosine, augment: true}
            methods:
              - {name: plain, base: plain}
              - {name: nd-l1, base: nd-l1, options: {norm_decay: "l1:{}:conv+linear"}, strengths: [1e-2]}
              - {name: svc, base: svc, options: {svc: "{}", clip_freq: 7}, strengths: [1.0]}
              - {name: pgd-at, base: pgd-at, options: {adv_steps: 2, adv_step: 0.02}}
            attack: {attacks: [apgd-ce, apgd-t], norm: linf, eps: 1/255, steps: 10, restarts: 1, targets: 3, images: 40}
            """;

    @TempDir
    private static Path folder = Path.of("");

    private static Map<String, String> undisturbed = Map.of();

    @BeforeAll
    static void runUndisturbed() throws IOException {
        Files.writeString(folder.resolve("small.yaml"), STUDY);
        Output output = Output.of(command("whole").toArray(String[]::new));
        assertEquals(0, output.code(), output.err());
        undisturbed = results("whole");
        assertTrue(undisturbed.size() > 20, undisturbed.keySet().toString());
    }

    private static List<String> command(String name) {
        return List.of("experiment", folder.resolve("small.yaml").toString(), "--out", folder.resolve(name).toString(), "--threads", "1");
    }

    /// All tables, the data of all figures, and what the runs recorded of norms.
    private static Map<String, String> results(String name) throws IOException {
        Map<String, String> texts = new TreeMap<>();
        Path study = folder.resolve(name);
        try (Stream<Path> files = Files.walk(study)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String path = study.relativize(file).toString();
                if (path.startsWith("tables") || path.endsWith(".svg") || path.endsWith("norms.jsonl")) {
                    texts.put(path, Files.readString(file));
                }
            }
        }
        return texts;
    }

    @Test
    void aKilledStudyEndsBitwiseLikeAWholeOne() throws IOException, InterruptedException {
        killAndGoOn(0, 2);
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void aKilledStudyEndsBitwiseLikeAWholeOneEveryTime(int trial) throws IOException, InterruptedException {
        killAndGoOn(trial, 5);
    }

    private static void killAndGoOn(int trial, int most) throws IOException, InterruptedException {
        Random random = new Random(trial);
        String name = "trial" + trial;
        int kills = 0;
        while (kills < most) {
            Process process = start(name, name);
            awaitWork(process);
            boolean ended = process.waitFor(random.nextInt(2500), TimeUnit.MILLISECONDS);
            process.destroyForcibly(); // SIGKILL
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            if (ended || process.exitValue() == 0) {
                assertEquals(0, process.exitValue(), log(name));
                break;
            }
            assertEquals(137, process.exitValue(), log(name));
            kills++;
        }
        assertTrue(kills > 0, "trial " + trial + ": it was killed: " + log(name));
        Process last = start(name, name);
        assertTrue(last.waitFor(300, TimeUnit.SECONDS));
        assertEquals(0, last.exitValue(), log(name));
        assertEquals(undisturbed, results(name), "trial " + trial);
        try (Stream<Path> files = Files.walk(folder.resolve(name))) {
            assertFalse(files.anyMatch(file -> file.toString().endsWith("attack.state")), "no state of an attack is left");
        }
    }

    @Test
    void aStudyThatIsAskedToEndSavesItsStateAndGoesOn() throws IOException, InterruptedException {
        Process process = start("asked", "asked");
        Path checkpoint = folder.resolve("asked").resolve("runs").resolve("vgg11-width-0.0625_plain_1").resolve("checkpoint.safetensors");
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        while (!Files.exists(checkpoint) && process.isAlive() && System.nanoTime() < end) {
            Thread.sleep(1);
        }
        process.destroy(); // SIGTERM
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(143, process.exitValue(), log("asked"));
        assertTrue(Files.readString(checkpoint.resolveSibling("log.txt")).contains("interrupted; the checkpoint is safe"), log("asked"));
        Process last = start("asked", "asked");
        assertTrue(last.waitFor(300, TimeUnit.SECONDS));
        assertEquals(0, last.exitValue(), log("asked"));
        assertEquals(undisturbed, results("asked"));
    }

    @Test
    void twoProcessesShareAFolderWithoutDisturbingEachOther() throws IOException, InterruptedException {
        List<Process> processes = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            processes.add(start("both", "both" + i));
        }
        for (int i = 0; i < 2; i++) {
            assertTrue(processes.get(i).waitFor(300, TimeUnit.SECONDS));
            assertEquals(0, processes.get(i).exitValue(), log("both" + i));
        }
        String said = log("both0") + log("both1");
        for (String method : List.of("plain", "nd-l1 0.01", "svc 1", "pgd-at")) {
            long done = said.lines().filter(line -> line.matches("\\[\\d/4] vgg11:width=0.0625 " + method + " \\(seed 1 of 1\\)  clean.*"))
                    .count();
            assertEquals(1, done, method + " was done by exactly one: " + said);
        }
        assertTrue(said.contains("another process is at it; going on with the next") || said.contains("was finished by another process"),
                said);
        assertEquals(undisturbed, results("both"));
    }

    @Test
    void aSingleTrainingKeepsOutOfAFolderThatIsInUse() throws IOException, InterruptedException {
        Process process = start("used", "used");
        Path run = folder.resolve("used").resolve("runs").resolve("vgg11-width-0.0625_plain_1");
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        while (!Files.exists(run.resolve("checkpoint.safetensors")) && process.isAlive() && System.nanoTime() < end) {
            Thread.sleep(1);
        }
        Output output = Output.of("train", "--out", run.toString(), "--resume");
        process.destroyForcibly();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(1, output.code(), output.err());
        assertTrue(output.err().contains(run + " is in use by process " + process.pid() + " on "), output.err());
    }

    /// The lock of its only run is held by this process, and is not given back.
    @Test
    void aStudyThatWaitsForAnotherProcessEndsWhenItIsAskedTo() throws IOException, InterruptedException {
        try (FolderLock lock = new FolderLock(folder.resolve("waiting").resolve("runs").resolve("vgg11-width-0.0625_plain_1"))) {
            lock.acquire();
            Process process = start("waiting", "waiting", "--methods", "plain");
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
            while (!log("waiting").contains("waiting for ") && process.isAlive() && System.nanoTime() < end) {
                Thread.sleep(10);
            }
            assertTrue(process.isAlive(), log("waiting"));
            process.destroy(); // SIGTERM
            assertTrue(process.waitFor(30, TimeUnit.SECONDS));
            assertEquals(143, process.exitValue(), log("waiting"));
            assertTrue(log("waiting").contains("waiting for vgg11-width-0.0625_plain_1, which process " + ProcessHandle.current().pid()),
                    log("waiting"));
        }
    }

    /// Waits until the Java virtual machine has started and works.
    private static void awaitWork(Process process) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        while (process.isAlive() && System.nanoTime() < end
                && process.toHandle().info().totalCpuDuration().orElseThrow().toMillis() < 900) {
            Thread.sleep(5);
        }
    }

    private static Process start(String name, String log, String... options) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(ProcessHandle.current().info().command().orElseThrow(), "--add-modules", "jdk.incubator.vector", "-cp",
                        System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(command(name));
        command.addAll(List.of(options));
        return new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve(log + ".log").toFile())).start();
    }

    private static String log(String name) throws IOException {
        return Files.readString(folder.resolve(name + ".log"));
    }
}
