package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.interchange.RunEvents;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainEventsTest {

    @TempDir
    private Path folder;

    @Test
    void aRunWritesItsEpochsAsEventsWhenAsked() throws IOException {
        Path run = folder.resolve("run");
        assertEquals(0,
                run("train", "--model", "vgg11:width=0.0625", "--data", "synthetic:train=64,test=32", "--epochs", "2", "--batch-size",
                        "32", "--tensorboard", "--out", run.toString()));
        byte[] bytes = Files.readAllBytes(run.resolve(RunEvents.FILE));
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        assertEquals(2, count(text, "loss/training"));
        assertEquals(2, count(text, "l1 norm/features.0"));
        assertEquals(0, count(text, "adversarial"), "what was not measured is left out");
        assertTrue(text.contains("brain.Event:2"));
    }

    @Test
    void aRunWritesNoneOtherwise() throws IOException {
        Path run = folder.resolve("run");
        assertEquals(0, run("train", "--model", "vgg11:width=0.0625", "--data", "synthetic:train=32,test=32", "--epochs", "1", "--out",
                run.toString()));
        assertTrue(Files.notExists(run.resolve(RunEvents.FILE)));
    }

    private static int count(String text, String part) {
        return (text.length() - text.replace(part, "").length()) / part.length();
    }

    private static int run(String... args) {
        PrintStream silent = new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
        return Main.run(silent, silent, args);
    }
}
