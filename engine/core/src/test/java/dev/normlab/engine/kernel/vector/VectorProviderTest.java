package dev.normlab.engine.kernel.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Device;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class VectorProviderTest {

    /// Prints the kernels that a device for the CPU gets, and its notices.
    static final class Probe {

        private Probe() {}

        public static void main(String[] arguments) {
            try (Device device = Device.cpu(1)) {
                System.out.println(device.kernels().name() + " " + device.notices());
            }
        }
    }

    @Test
    void runsWhereTheModuleIs() {
        assertEquals(Optional.empty(), new VectorProvider().obstacle());
        assertTrue(new VectorProvider().describe().contains("-bit vectors"));
    }

    @Test
    void aMachineWithoutTheModuleFallsBackToScalarKernelsAndNamesTheFlag() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                List.of(System.getProperty("java.home") + "/bin/java", "-cp", System.getProperty("java.class.path"),
                        Probe.class.getName()))
                .redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        assertTrue(output.startsWith("scalar [") && output.contains("--add-modules jdk.incubator.vector"), output);
    }
}
