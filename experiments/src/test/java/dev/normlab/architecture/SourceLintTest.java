package dev.normlab.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// What no source file may contain, read from the sources of every module, because the compiled classes no longer show it.
class SourceLintTest {

    private static final Path ROOT = repositoryRoot();
    private static final List<String> MODULES = List.of("engine/core", "engine/tornado", "testkit", "nn", "lip", "attacks", "experiments",
            "benchmarks");
    private static final int LONGEST_FILE = 500;

    /// One rule: `forbidden` must not be found in the files that `applies` accepts.
    ///
    /// @param inComments whether comments and string literals count as well
    /// @param example    a line that breaks the rule, so that a test shows that the rule can fail
    private record Rule(String name, Predicate<String> applies, Pattern forbidden, boolean inComments, String example) {

        List<String> violations(String file, String source) {
            String text = inComments ? source : withoutCommentsAndStrings(source);
            List<String> found = new ArrayList<>();
            String[] lines = text.split("\n", -1);
            for (int i = 0; i < lines.length; i++) {
                if (forbidden.matcher(lines[i]).find()) {
                    found.add(file + ":" + (i + 1) + ": " + name);
                }
            }
            return found;
        }
    }

    private static final Predicate<String> PRODUCT = file -> file.contains("/src/main/") && !file.startsWith("testkit/");

    // Lanes has the one species.
    private static boolean mustUseLanes(String file) {
        return PRODUCT.test(file) && !file.endsWith("/vector/Lanes.java");
    }

    private static final List<Rule> RULES = List.of(
            new Rule("no reduceLanes(ADD or MUL): interpreter and compiled code sum in different orders; use a fixed tree", file -> true,
                    Pattern.compile("reduceLanes\\s*\\(\\s*(VectorOperators\\s*\\.\\s*)?(ADD|MUL)\\b"), false,
                    "float s = v.reduceLanes(VectorOperators.ADD);"),
            new Rule("no transcendental vector operators: their rounding depends on machine and compiler", file -> true,
                    Pattern.compile("VectorOperators\\s*\\.\\s*(A?(SIN|COS|TAN)H?|ATAN2|EXP|EXPM1|LOG|LOG10|LOG1P|POW|CBRT|HYPOT)\\b"),
                    false, "v.lanewise(VectorOperators.EXP)"),
            new Rule("no Math.exp and its like in results, their rounding is free: use StrictMath", PRODUCT,
                    Pattern.compile(
                            "(?<![A-Za-z])Math\\s*\\.\\s*(a?(sin|cos|tan)h?|atan2|exp|expm1|log|log10|log1p|pow|cbrt|hypot)\\s*\\("),
                    false,
                    "y = Math.log(x);"),
            new Rule("no fixed vector width: use the preferred species", file -> true,
                    Pattern.compile("\\bSPECIES_(64|128|256|512|MAX)\\b"), false, "FloatVector.SPECIES_512"),
            new Rule("no second species of float vectors: it makes the compiler box the sums of the convolutions (docs/performance.md)",
                    SourceLintTest::mustUseLanes,
                    Pattern.compile(
                            "VectorSpecies\\s*<\\s*Float\\s*>|VectorShape\\b|FloatVector\\s*\\.\\s*SPECIES|\\bwith(Lanes|Shape)\\s*\\("),
                    false, "static final VectorSpecies<Float> HALF = VectorSpecies.of(float.class, VectorShape.forBitSize(128));"),
            new Rule("no test is switched off", file -> !PRODUCT.test(file), Pattern.compile("@Disabled\\b|assumeTrue\\s*\\(\\s*false"),
                    false,
                    "@Disabled"),
            new Rule("lines of comments have at most 140 characters; the formatter leaves them alone", file -> true,
                    Pattern.compile("^(?=\\s*//).{141}"), true, "/// " + "long ".repeat(28)),
            new Rule("nothing is left open", file -> true, Pattern.compile("\\b(TO" + "DO|FIX" + "ME|XX" + "X)\\b"), true,
                    "// TO" + "DO later"));

    @Test
    void sourcesKeepTheRules() throws IOException {
        List<String> violations = new ArrayList<>();
        List<Path> files = sources();
        for (Path path : files) {
            String file = relative(path);
            String source = Files.readString(path);
            for (Rule rule : RULES) {
                if (rule.applies.test(file)) {
                    violations.addAll(rule.violations(file, source));
                }
            }
        }
        assertTrue(files.size() > 50, "only " + files.size() + " source files were seen under " + ROOT);
        assertEquals(List.of(), violations);
    }

    @Test
    void everyRuleFindsItsExampleInCodeButNotInAComment() {
        for (Rule rule : RULES) {
            assertFalse(rule.violations("Example.java", rule.example).isEmpty(), rule.name);
            if (!rule.inComments) {
                assertEquals(List.of(), rule.violations("Example.java", "// " + rule.example + "\nString s = \"" + rule.example + "\";"),
                        rule.name);
            }
        }
    }

    @Test
    void noFileIsTooLong() throws IOException {
        List<String> tooLong = new ArrayList<>();
        for (Path path : sources()) {
            long lines = Files.readString(path).lines().count();
            if (lines > LONGEST_FILE) {
                tooLong.add(relative(path) + " has " + lines + " lines: a long file is two ideas");
            }
        }
        assertEquals(List.of(), tooLong);
    }

    @Test
    void everyPackageIsNullMarked() throws IOException {
        List<String> unmarked = new ArrayList<>();
        for (Path folder : sources().stream().filter(path -> relative(path).contains("/src/main/")).map(Path::getParent).distinct()
                .toList()) {
            Path description = folder.resolve("package-info.java");
            if (!Files.exists(description) || !Files.readString(description).contains("@NullMarked")) {
                unmarked.add(relative(folder) + " has no package-info.java with @NullMarked");
            }
        }
        assertEquals(List.of(), unmarked);
    }

    private static List<Path> sources() throws IOException {
        List<Path> sources = new ArrayList<>();
        for (String module : MODULES) {
            Path folder = ROOT.resolve(module).resolve("src");
            if (Files.isDirectory(folder)) {
                try (Stream<Path> paths = Files.walk(folder)) {
                    paths.filter(path -> path.toString().endsWith(".java")).sorted().forEach(sources::add);
                }
            }
        }
        return sources;
    }

    private static String relative(Path path) {
        return ROOT.relativize(path).toString().replace('\\', '/');
    }

    /// The source with comments and literals blanked out; lines keep their numbers.
    private static String withoutCommentsAndStrings(String source) {
        Pattern blanked = Pattern
                .compile("\"\"\"[\\s\\S]*?\"\"\"|\"(\\\\.|[^\"\\\\\n])*\"|'(\\\\.|[^'\\\\\n])+'|//[^\n]*|/\\*[\\s\\S]*?\\*/");
        return blanked.matcher(source).replaceAll(match -> "\n".repeat((int) match.group().chars().filter(c -> c == '\n').count()));
    }

    /// The folder with the Maven wrapper: given by the build, or found upwards from the working directory.
    private static Path repositoryRoot() {
        String given = System.getProperty("normlab.root");
        Path folder = Path.of(given == null ? "" : given).toAbsolutePath();
        while (!Files.exists(folder.resolve("mvnw"))) {
            folder = folder.getParent();
            if (folder == null) {
                throw new IllegalStateException("no folder with mvnw above " + Path.of("").toAbsolutePath());
            }
        }
        return folder;
    }
}
