package dev.normlab.engine.kernel.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The vector kernels on machines with narrower vectors, and interpreted, each played by a Java virtual machine of its own.
class OtherMachinesTest {

    @Test
    void narrowerVectorsGiveRightResults() throws Exception {
        for (int bytes : new int[] {16, 32}) {
            String output = run("60", "-XX:MaxVectorSize=" + bytes);
            assertTrue(output.contains("vector length " + Math.min(bytes / Float.BYTES, Lanes.V) + " hash"), output);
        }
    }

    @Test
    void theInterpreterGivesTheBitsOfTheCompiler() throws Exception {
        // Few cases with the interpreter alone; the compiler takes over quickly when it compiles everything at its first call.
        assertEquals(run("6", "-Xint"), run("6", "-Xcomp", "-XX:CompileCommand=quiet", "-XX:CompileCommand=compileonly,dev.normlab.*::*"));
    }

    private static String run(String cases, String... flags) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java"));
        command.addAll(List.of(flags));
        command.addAll(List.of("--add-modules", "jdk.incubator.vector", "-cp", System.getProperty("java.class.path"),
                OtherMachinesCheck.class.getName(), cases));
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), () -> "the check failed with " + List.of(flags) + ": " + output);
        return output;
    }
}
