package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.nn.model.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelsCommandTest {

    private static List<String> names() {
        return Models.names();
    }

    @ParameterizedTest
    @ValueSource(strings = {"docs/models.md", "README.md"})
    void theDocumentationHasTheTableThatTheCommandPrints(String file) throws IOException {
        Path root = Path.of("").toAbsolutePath();
        while (!Files.exists(root.resolve("mvnw"))) {
            root = root.getParent();
        }
        String document = Files.readString(root.resolve(file));
        String begin = "<!-- ./normlab models --markdown -->\n";
        int start = document.indexOf(begin) + begin.length();
        String table = document.substring(start, document.indexOf("<!-- end -->", start));
        Output output = Output.of("models", "--markdown");
        assertEquals(0, output.code(), output.err());
        assertEquals(output.out().strip(), table.strip(),
                file + " is out of date: put what `./normlab models --markdown` prints between its comments");
        Models.names().forEach(name -> assertTrue(table.contains("| `" + name + "` | "), name));
    }

    @ParameterizedTest
    @MethodSource("names")
    void everyModelHasASummary(String name) {
        Output output = Output.of("summary", "--model", name + ":width=0.05", "--threads", "1");
        assertEquals(0, output.code(), output.err());
        assertTrue(output.out().contains(name + ":width=0.05,classes=10: "), output.out());
    }

    @Test
    void aWrongNameSuggestsOthers() {
        Output output = Output.of("summary", "--model", "densnet121");
        assertEquals(2, output.code());
        assertTrue(output.err().contains("there is no model 'densnet121'; did you mean densenet121"), output.err());
    }
}
