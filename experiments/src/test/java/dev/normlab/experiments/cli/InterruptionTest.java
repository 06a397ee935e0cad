package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// A training process that gets a signal, as from Ctrl-C or a scheduler. Windows ends processes without one.
@EnabledOnOs({OS.LINUX, OS.MAC})
class InterruptionTest {

    private static final List<String> SETTINGS = List.of("--model", "vgg11:width=0.0625", "--data", "synthetic:train=600,test=20",
            "--epochs", "6",
            "--batch-size", "20", "--method", "nd-l1-bn", "--threads", "1", "--record-norms", "7");

    @TempDir
    private Path folder = Path.of("");

    @Test
    void aSignalInTheMiddleOfTrainingLeavesACheckpointFromWhichTheRunGoesOnBitwise() throws IOException, InterruptedException {
        Path whole = folder.resolve("whole");
        assertEquals(0, run(arguments(whole)));
        Path stopped = folder.resolve("stopped");
        List<String> command = new ArrayList<>(
                List.of(ProcessHandle.current().info().command().orElseThrow(), "--add-modules", "jdk.incubator.vector", "-cp",
                        System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(List.of(arguments(stopped)));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile()).start();
        Path metrics = stopped.resolve("metrics.jsonl");
        while (process.isAlive() && (!Files.exists(metrics) || Files.size(metrics) == 0)) {
            Thread.sleep(20);
        }
        process.destroy(); // SIGTERM
        assertTrue(process.waitFor(120, TimeUnit.SECONDS));
        String log = Files.readString(folder.resolve("log"));
        assertEquals(143, process.exitValue(), log);
        assertTrue(log.contains("interrupted; the checkpoint is safe"), log);
        assertFalse(Files.exists(stopped.resolve("weights.safetensors")), "the run had not ended");
        assertEquals(0, run("train", "--out", stopped.toString(), "--resume", "--quiet", "--record-norms", "7"));
        assertArrayEquals(Files.readAllBytes(whole.resolve("weights.safetensors")),
                Files.readAllBytes(stopped.resolve("weights.safetensors")));
        assertEquals(6, Files.readAllLines(metrics).size());
        assertArrayEquals(Files.readAllBytes(whole.resolve("norms.safetensors")), Files.readAllBytes(stopped.resolve("norms.safetensors")),
                "the norms of the steps before and after the signal are there");
    }

    private static String[] arguments(Path out) {
        List<String> arguments = new ArrayList<>(List.of("train"));
        arguments.addAll(SETTINGS);
        arguments.addAll(List.of("--out", out.toString()));
        return arguments.toArray(String[]::new);
    }

    private static int run(String... arguments) {
        PrintStream silent = new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
        return Main.run(silent, silent, arguments);
    }
}
