package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/// A Java machine without the Vector API.
class ScalarFallbackTest {

    @Test
    void theProgramRunsOnScalarKernelsAndSaysOnceWhichFlagIsMissing() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(List.of(System.getProperty("java.home") + "/bin/java", "-cp",
                System.getProperty("java.class.path"), Main.class.getName(), "evaluate", "--model", "vgg11:width=0.125", "--data",
                "synthetic:train=4,test=2", "--threads", "1")).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        assertTrue(output.contains("on 2 images"), output);
        assertEquals(1, output.lines().filter(line -> line.contains("--add-modules jdk.incubator.vector")).count(), output);
    }
}
