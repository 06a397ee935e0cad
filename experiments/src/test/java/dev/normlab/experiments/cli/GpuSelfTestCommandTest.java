package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.nn.model.Models;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
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
        assertTrue(output.out().contains("this is the CPU that devices are compared with"), output.out());
        JsonNode result = JsonMapper.shared().readTree(Files.readString(json));
        assertTrue(result.get("passed").asBoolean());
        List<String> names = result.get("checks").valueStream().map(check -> check.get("name").asString()).toList();
        assertEquals(List.of("contract", "golden", "step parity", "training", "apgd"), names);
        JsonNode attack = result.get("checks").get(4);
        assertTrue(attack.get("remark").asString().matches("fools (1\\d|2\\d|3\\d|4\\d|5\\d) of 64 images on the CPU, 0 flags differ"),
                "an attack that fools all or nothing shows little: " + attack);
    }

    @Test
    void theZooTakesStepsInTheOrderInWhichItIsNamed() {
        Output output = Output.of("gpu-selftest", "--device", "cpu", "--threads", "2", "--zoo=LeNet,shufflenetv2,resnet18");
        assertEquals(0, output.code(), output.err());
        List<String> rows = output.out().lines().skip(2).map(line -> line.split(" +")[0]).toList();
        assertEquals(List.of("lenet", "shufflenetv2_1", "resnet18", "all"), rows);
    }

    @Test
    @Tag("slow")
    void theWholeZooTakesSteps() {
        Output output = Output.of("gpu-selftest", "--device", "cpu", "--threads", "2", "--zoo");
        assertEquals(0, output.code(), output.err() + output.out());
        assertEquals(Models.names().size(), output.out().lines().filter(line -> line.contains(" of their norm")).count());
    }

    @Test
    void aModelThatIsNotInTheZooIsNamed() {
        Output output = Output.of("gpu-selftest", "--device", "cpu", "--zoo=vgg11,vgg12");
        assertEquals(2, output.code());
        assertTrue(output.err().contains("there is no model 'vgg12'; did you mean vgg11"), output.err());
    }

    @Test
    void withoutTornadoVmItSaysWhatIsMissing() {
        Output output = Output.of("gpu-selftest");
        assertEquals(1, output.code());
        assertTrue(output.err().contains("needs TornadoVM"), output.err());
        assertEquals("", output.out());
    }

    @Test
    void optionsThatTheZooDoesNotTakeAreRefused() {
        Output both = Output.of("gpu-selftest", "--device", "cpu", "--zoo=lenet", "--all");
        assertEquals(2, both.code());
        assertTrue(both.err().contains("--all is about the other checks"), both.err());
        Output width = Output.of("gpu-selftest", "--device", "cpu", "--zoo=vgg11:width=1");
        assertEquals(2, width.code());
        assertTrue(width.err().contains("--zoo: expected names of models without options, but got 'vgg11:width=1'"), width.err());
        Output unknown = Output.of("gpu-selftest", "--device", "cpu", "--zoo=vgg12");
        assertTrue(unknown.err().contains("--zoo: there is no model 'vgg12'"), unknown.err());
    }
}
