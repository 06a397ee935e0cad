package dev.normlab.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.DocumentationTool;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The Javadoc of the product has neither errors nor gaps: every public type, method, constructor and constant says what it is.
///
/// All checks of the tool are on but these: a tag for each parameter, result and exception, where one sentence says it; and a comment on
/// constructors that the compiler adds, which have nothing to say.
class JavadocTest {

    private static final List<String> MODULES = List.of("engine/core", "nn", "lip", "attacks", "experiments");
    private static final Pattern NOT_WANTED = Pattern
            .compile("no @(param|return|throws)\\b.*|use of default constructor.*|.*incubating module.*|[\\d,.]+ warnings?",
                    Pattern.DOTALL);

    @Test
    @Tag("slow")
    void everythingPublicIsDescribedWithoutFault(@TempDir Path site) throws IOException {
        DocumentationTool javadoc = ToolProvider.getSystemDocumentationTool();
        DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
        List<Path> sources = sources();
        assertTrue(sources.size() > 300, "only " + sources.size() + " sources were seen");
        try (StandardJavaFileManager files = javadoc.getStandardFileManager(found, Locale.ROOT, StandardCharsets.UTF_8)) {
            List<String> options = List.of("-d", site.toString(), "-quiet", "-encoding", "UTF-8", "-Xdoclint:all", "-Xmaxwarns", "10000",
                    "--add-modules", "jdk.incubator.vector", "-classpath", System.getProperty("java.class.path"));
            boolean done = javadoc.getTask(new StringWriter(), files, found, null, options, files.getJavaFileObjectsFromPaths(sources))
                    .call();
            List<String> faults = found.getDiagnostics().stream()
                    .filter(each -> !NOT_WANTED.matcher(each.getMessage(Locale.ROOT)).matches())
                    .map(JavadocTest::text).toList();
            assertEquals(List.of(), faults);
            assertTrue(done && Files.exists(site.resolve("index.html")), "javadoc made no site");
        }
    }

    private static String text(Diagnostic<? extends JavaFileObject> fault) {
        JavaFileObject source = fault.getSource();
        return (source == null ? "" : source.getName() + ":" + fault.getLineNumber() + ": ") + fault.getMessage(Locale.ROOT);
    }

    private static List<Path> sources() throws IOException {
        Path root = Path.of("").toAbsolutePath();
        while (!Files.exists(root.resolve("mvnw"))) {
            root = root.getParent();
        }
        List<Path> sources = new ArrayList<>();
        for (String module : MODULES) {
            try (Stream<Path> paths = Files.walk(root.resolve(module).resolve("src/main/java"))) {
                paths.filter(path -> path.toString().endsWith(".java")).sorted().forEach(sources::add);
            }
        }
        return sources;
    }
}
