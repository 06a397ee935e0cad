package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuickstartCommandTest {

    @Test
    void aFileIsNotTakenForAFolder(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("notes.txt"), "mine");
        Output output = Output.of("quickstart", "--out", file.toString());
        assertEquals(2, output.code());
        assertTrue(output.err().contains("--out: " + file + " is a file"), output.err());
        assertEquals("", output.out(), "nothing is trained before");
        assertEquals("mine", Files.readString(file));
    }

    @Test
    void resumingNeedsAFolder(@TempDir Path folder) {
        Output output = Output.of("quickstart", "--resume", "--out", folder.resolve("none").toString());
        assertEquals(2, output.code());
        assertTrue(output.err().contains("there is no folder"), output.err());
    }
}
