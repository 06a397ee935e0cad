package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class GpuSelfTestCommandTest {

    @TempDir
    private Path folder;

    @Test
    void aDeviceThatComputesRightPassesAllChecks() throws Exception {
        Path json = folder.resolve("selftest.json");
        Output output = Output.of("gpu-selftest", "--device", "cpu", "--threads", "2", "--json", json.toString());
        assertEquals(0, output.code(), output.err());
        assertTrue(output.out().endsWith("all checks passed\n"), output.out());
        JsonNode result = JsonMapper.shared().readTree(Files.readString(json));
        assertTrue(result.get("passed").asBoolean());
        List<String> names = result.get("checks").valueStream().map(check -> check.get("name").asString()).toList();
        assertEquals(List.of("contract", "golden", "step parity", "training", "apgd"), names);
        JsonNode attack = result.get("checks").get(4);
        assertTrue(attack.get("remark").asString().matches("fools (1\\d|2\\d|3\\d|4\\d|5\\d) of 64 images on the CPU, 0 flags differ"),
                "an attack that fools all or nothing shows little: " + attack);
    }

    @Test
    void withoutTornadoVmItSaysWhatIsMissing() {
        Output output = Output.of("gpu-selftest");
        assertEquals(1, output.code());
        assertTrue(output.err().contains("needs TornadoVM"), output.err());
        assertEquals("", output.out());
    }
}
