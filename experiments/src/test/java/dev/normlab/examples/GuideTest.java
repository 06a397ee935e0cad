package dev.normlab.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jdk.jshell.JShell;
import jdk.jshell.Snippet;
import jdk.jshell.SnippetEvent;
import jdk.jshell.SourceCodeAnalysis.CompletionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The guide says what is true: its snippets are those of the example files and give the output that it shows, its excerpts are in the
/// sources.
///
/// In the guide a snippet is a block of ` ```java jshell `, its output the block of ` ```text ` that follows; an excerpt is a block of
/// ` ```java PATH `, lines that follow one another in that file, indented as it may be.
class GuideTest {

    private static final Path ROOT = repository();
    private static final Pattern BLOCK = Pattern.compile("(?m)^```java ([^\n]+)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", Pattern.DOTALL);

    private static final List<Chapter> CHAPTERS = List.of(new Chapter("README.md", "train-and-attack.jsh"),
            new Chapter("1-autograd.md", "autograd.jsh"), new Chapter("2-norms.md", "norms.jsh"),
            new Chapter("3-norm-decay.md", "norm-decay.jsh"), new Chapter("4-apgd.md", "apgd.jsh"));

    /// A page of the guide, and the file with its snippets.
    record Chapter(String page, String example) {

        List<MatchResult> blocks() throws IOException {
            return BLOCK.matcher(Files.readString(ROOT.resolve("docs/guide").resolve(page))).results().toList();
        }

        List<MatchResult> snippets() throws IOException {
            return blocks().stream().filter(block -> block.group(1).equals("jshell")).toList();
        }
    }

    private static List<Chapter> chapters() {
        return CHAPTERS;
    }

    @Test
    void everyPageAndExampleIsTested() throws IOException {
        assertEquals(names("docs/guide"), CHAPTERS.stream().map(Chapter::page).collect(Collectors.toCollection(TreeSet::new)));
        assertEquals(names("docs/examples"), CHAPTERS.stream().map(Chapter::example).collect(Collectors.toCollection(TreeSet::new)));
    }

    private static Set<String> names(String folder) throws IOException {
        try (Stream<Path> files = Files.list(ROOT.resolve(folder))) {
            return files.map(file -> file.getFileName().toString()).collect(Collectors.toCollection(TreeSet::new));
        }
    }

    @ParameterizedTest
    @MethodSource("chapters")
    void theExampleIsTheSnippetsOfThePage(Chapter chapter) throws IOException {
        String example = Files.readString(ROOT.resolve("docs/examples").resolve(chapter.example));
        String snippets = chapter.snippets().stream().map(block -> block.group(2)).collect(Collectors.joining());
        assertEquals(code(snippets), code(example));
        assertTrue(example.contains("./normlab jshell docs/examples/" + chapter.example), "the example does not say how to run it");
    }

    /// Lines of code: neither empty nor a comment that begins the line.
    private static String code(String text) {
        return text.lines().filter(line -> !line.isBlank() && !line.startsWith("// ")).collect(Collectors.joining("\n"));
    }

    @ParameterizedTest
    @MethodSource("chapters")
    void theSnippetsGiveTheOutputThatThePageShows(Chapter chapter) throws IOException {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream console = System.out;
        // in this JVM, which has the flags and warm code; ./normlab jshell has another one for the snippets
        try (JShell shell = JShell.builder().executionEngine("local").build()) {
            shell.addToClasspath(System.getProperty("java.class.path"));
            System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
            for (MatchResult block : chapter.snippets()) {
                evaluate(shell, block.group(2));
                assertEquals(block.group(3) == null ? "" : block.group(3), printed.toString(StandardCharsets.UTF_8),
                        chapter.page + " shows another output than this snippet has:\n" + block.group(2));
                printed.reset();
            }
        } finally {
            System.setOut(console);
        }
    }

    private static void evaluate(JShell shell, String code) {
        String rest = code;
        while (!rest.isBlank()) {
            CompletionInfo next = shell.sourceCodeAnalysis().analyzeCompletion(rest);
            assertTrue(next.completeness().isComplete(), () -> "jshell cannot read this: " + next.source() + next.remaining());
            for (SnippetEvent event : shell.eval(next.source())) {
                if (event.causeSnippet() == null) {
                    String diagnostics = shell.diagnostics(event.snippet()).map(each -> each.getMessage(null))
                            .collect(Collectors.joining("\n"));
                    assertEquals(Snippet.Status.VALID, event.status(), () -> event.snippet().source() + "\n" + diagnostics);
                    assertEquals(null, event.exception(), event.snippet().source());
                }
            }
            rest = next.remaining();
        }
    }

    @ParameterizedTest
    @MethodSource("chapters")
    void theExcerptsAreInTheSources(Chapter chapter) throws IOException {
        for (MatchResult block : chapter.blocks()) {
            if (!block.group(1).equals("jshell")) {
                String source = unindented(Files.readString(ROOT.resolve(block.group(1))));
                assertTrue(source.contains(unindented(block.group(2))), block.group(1) + " does not have these lines:\n" + block.group(2));
            }
        }
    }

    private static String unindented(String text) {
        return text.lines().map(String::strip).collect(Collectors.joining("\n", "\n", "\n"));
    }

    @Test
    void linksOfAllPagesLeadToFilesAndHeadings() throws IOException {
        List<Path> pages = new ArrayList<>(List.of(ROOT.resolve("README.md"), ROOT.resolve("CONTRIBUTING.md")));
        try (Stream<Path> docs = Files.walk(ROOT.resolve("docs"))) {
            docs.filter(file -> file.toString().endsWith(".md")).sorted().forEach(pages::add);
        }
        List<String> broken = new ArrayList<>();
        for (Path page : pages) {
            Matcher link = Pattern.compile("\\]\\((?!https?:|mailto:)([^)#\\s]*)(?:#([^)\\s]+))?\\)")
                    .matcher(Files.readString(page).replaceAll("(?s)```.*?```|`[^`\n]*`\\([^)]*\\)", ""));
            while (link.find()) {
                Path target = link.group(1).isEmpty() ? page : page.resolveSibling(link.group(1));
                boolean found = Files.exists(target);
                if (found && link.group(2) != null) {
                    found = headings(target).contains(link.group(2));
                }
                if (!found) {
                    broken.add(ROOT.relativize(page) + ": " + link.group());
                }
            }
        }
        assertEquals(List.of(), broken);
    }

    /// The anchors of a page's headings as GitHub makes them.
    private static Set<String> headings(Path page) throws IOException {
        return Pattern.compile("(?m)^#+ (.*)$").matcher(Files.readString(page)).results()
                .map(heading -> heading.group(1).toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N} _-]", "").strip().replace(' ', '-'))
                .collect(Collectors.toSet());
    }

    private static Path repository() {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.exists(folder.resolve("mvnw"))) {
            folder = folder.getParent();
        }
        return folder;
    }
}
