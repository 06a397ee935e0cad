package dev.normlab.experiments.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/// An interruption that is asked for while the process is ending already.
class InterruptionLateTest {

    /// A process that begins work when it has been asked to end.
    static final class Late {

        private Late() {}

        public static void main(String[] args) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                try (Interruption interruption = Interruption.handle(() -> System.out.println("stop"))) {
                    System.out.println("requested " + interruption.requested());
                }
            }));
        }
    }

    @Test
    void workThatBeginsWhenTheProcessIsEndingIsStoppedAtOnce() throws Exception {
        Process process = new ProcessBuilder(ProcessHandle.current().info().command().orElseThrow(), "-cp",
                System.getProperty("java.class.path"), Late.class.getName()).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertFalse(said.contains("Exception"), said);
        assertEquals("stop\nrequested true\n", said.replace("\r", ""));
    }
}
