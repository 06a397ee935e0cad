package dev.normlab.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Another Java machine with this one's class path and with flags of its own: interpreted only, or with shorter vectors.
public final class ForkedJvm {

    private ForkedJvm() {}

    /// Runs a main class to its end and returns the lines it printed.
    ///
    /// @param flags          flags of the Java machine
    /// @param timeoutSeconds after which it is ended
    /// @throws AssertionError if it fails or does not end in time, with everything it printed
    public static List<String> run(Class<?> main, List<String> flags, int timeoutSeconds, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xmx1g", "--add-modules", "jdk.incubator.vector", "-cp", System.getProperty("java.class.path")));
        command.addAll(flags);
        command.add(main.getName());
        command.addAll(List.of(arguments));
        try {
            return run(command, timeoutSeconds);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for another Java machine", e);
        }
    }

    private static List<String> run(List<String> command, int timeoutSeconds) throws IOException, InterruptedException {
        Path output = Files.createTempFile("forked-jvm", ".out");
        Path errors = Files.createTempFile("forked-jvm", ".err");
        try {
            Process process = new ProcessBuilder(command).redirectOutput(output.toFile()).redirectError(errors.toFile()).start();
            boolean ended = process.waitFor(timeoutSeconds, TimeUnit.SECONDS);
            if (!ended) {
                process.destroyForcibly().waitFor();
            }
            if (!ended || process.exitValue() != 0) {
                throw new AssertionError(
                        (ended ? "exit code " + process.exitValue() : "no end after " + timeoutSeconds + " seconds") + " of "
                                + String.join(" ", command) + "\n" + Files.readString(errors) + Files.readString(output));
            }
            return Files.readAllLines(output, StandardCharsets.UTF_8);
        } finally {
            Files.delete(output);
            Files.delete(errors);
        }
    }
}
