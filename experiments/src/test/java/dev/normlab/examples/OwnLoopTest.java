package dev.normlab.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class OwnLoopTest {

    @Test
    void theLoopRunsAndGivesTheNormOfEveryLayer() {
        List<Double> norms = OwnLoop.train("vgg11:width=0.0625", "synthetic:size=32,train=128,test=16", 1);
        assertEquals(17, norms.size(), "8 convolutions, 8 batch norms, 1 linear layer");
        assertTrue(norms.stream().allMatch(norm -> norm > 0 && Double.isFinite(norm)), norms.toString());
    }

    @Test
    void theReadmeShowsThisLoop() throws IOException {
        Path root = repository();
        String source = Files.readString(root.resolve("experiments/src/test/java/dev/normlab/examples/OwnLoop.java"));
        String begin = "// README: begin\n";
        String shown = source.substring(source.indexOf(begin) + begin.length(), source.indexOf("        // README: end"))
                .replaceAll("(?m)^ {8}", "");
        assertTrue(Files.readString(root.resolve("README.md")).contains("```java\n" + shown + "```"),
                "the README's loop differs from OwnLoop.java");
    }

    private static Path repository() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("mvnw"))) {
            folder = folder.getParent();
        }
        return folder;
    }
}
