package dev.normlab.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// What a kernel for GPUs must not contain, because TornadoVM translates it wrongly or not at all (docs/gpu.md tells of each). Reads the
/// sources, so that it runs without TornadoVM, too.
class GpuKernelLintTest {

    private static final Path SOURCES = Path.of(System.getProperty("normlab.root"), "engine/tornado/src/main/java");

    // A kernel is a static method whose first parameter is the context; its body ends at the brace of its own depth.
    private static final Pattern KERNEL = Pattern.compile(
            "\n    (?:private |public )?static void (\\w+)\\(KernelContext context([^)]*)\\) \\{\n(.*?)\n    \\}\n",
            Pattern.DOTALL);

    private static final int MOST_ARGUMENTS = 20;

    /// @param example a statement that breaks the rule, so that a test shows that the rule can fail
    private record Rule(String name, Pattern forbidden, String example) {}

    private static final List<Rule> RULES = List.of(
            new Rule("no >>>: it becomes >>; mask the result of >>", Pattern.compile(">>>"), "int k = i >>> 1;"),
            new Rule("no java.lang.Math, and no fma: use TornadoMath", Pattern.compile("(?<![A-Za-z])(Strict)?Math\\s*\\."),
                    "y = Math.fma(a, b, c);"),
            new Rule(
                    "no && and ||: negations inside get lost, and constant sides do not compile; test the sign of (a | b), or multiply 0 and 1",
                    Pattern.compile("&&|\\|\\|"), "if (i >= 0 && i < n) {"),
            new Rule("no <=, and no >= but of integers with 0: between floats they lose the way that NaN takes",
                    Pattern.compile("<=|>=(?! 0[;) ])"),
                    "y = v <= 0f ? 0f : v;"),
            new Rule("no >= 0 of floats, told by a fraction behind it or an element before it: integers are compared with > -1 there",
                    Pattern.compile(">= 0 \\?[^;]*\\d(\\.\\d|f\\b)|floats\\.get\\([^;]*\\) >= 0"), "y = v >= 0 ? v : 0f;"),
            new Rule("no loop behind else: loops in both branches of an if went wrong; one loop does the work of both",
                    Pattern.compile("\\belse\\b[^}]*\\b(for|while) ?\\("), "if (a) { y = 1; } else { for (int i = 0; i < n; i++) {"),
            new Rule("no static arrays: a table of integers is an operand", Pattern.compile("\\b[A-Z][A-Z_0-9]*\\["), "y = TABLE[i & 3];"),
            new Rule("no isNaN and the like: compare a value with itself", Pattern.compile("\\b(Float|Double)\\s*\\.\\s*(is|NaN)"),
                    "Float.isNaN(x)"),
            new Rule("no throw, return, break, continue, try, switch, lambda: one way through a kernel",
                    Pattern.compile("\\b(throw|return|break|continue|try|switch|assert)\\b|->"), "return;"),
            new Rule("no objects but local arrays of the context", Pattern.compile("\\bnew\\b"), "float[] sums = new float[16];"),
            new Rule("no calls but of the arrays, the context and TornadoMath", Pattern.compile(
                    "(?<![\\w.])(?!if\\b|for\\b|while\\b|floats\\.|ints\\.|floatStaging\\.|intStaging\\.|matrix[ABC]?\\.|context\\.|TornadoMath\\.)[A-Za-z_]\\w*(\\.\\w+)*\\("),
                    "y = helper(x);"),
            new Rule("no @Parallel loops and no @Reduce: two in a row are wrong, and sums change from run to run",
                    Pattern.compile("@Parallel|@Reduce"), "for (@Parallel int i = 0; i < n; i++) {"));

    @Test
    void kernelsKeepTheRules() throws IOException {
        List<String> violations = new ArrayList<>();
        int kernels = 0;
        for (Path file : files()) {
            Matcher kernel = KERNEL.matcher(withoutComments(Files.readString(file)));
            while (kernel.find()) {
                kernels++;
                violations.addAll(violations(file.getFileName() + " " + kernel.group(1), kernel.group(2), kernel.group(3)));
            }
        }
        assertEquals(List.of(), violations);
        assertTrue(kernels > 50, "saw only " + kernels + " kernels: has their form changed?");
    }

    @Test
    void everyRuleFindsItsExample() {
        for (Rule rule : RULES) {
            assertTrue(rule.forbidden.matcher("            " + rule.example).find(), rule.name);
        }
        assertFalse(violations("k", ", boolean flag", "").isEmpty());
        assertFalse(violations("k", ", int a".repeat(20), "").isEmpty());
        assertEquals(List.of(), violations("k", ", FloatArray floats, int xAt", "        if (i < n) {\n            y = a != a ? 1f : 0f;"));
    }

    private static List<String> violations(String name, String parameters, String body) {
        List<String> found = new ArrayList<>();
        int count = 1;
        for (String parameter : parameters.split(",", -1)) {
            String trimmed = parameter.strip();
            if (trimmed.isEmpty()) {
                continue;
            }
            count++;
            if (!trimmed.matches("(FloatArray|IntArray|int|float) \\w+")) {
                found.add(name + ": a parameter is an array of TornadoVM, an int or a float, but got " + trimmed);
            }
        }
        if (count > MOST_ARGUMENTS) {
            found.add(name + ": a task has at most " + MOST_ARGUMENTS + " arguments, but got " + count);
        }
        for (Rule rule : RULES) {
            Matcher matcher = rule.forbidden.matcher(body);
            if (matcher.find()) {
                found.add(name + ": " + rule.name + ": " + matcher.group().strip());
            }
        }
        return found;
    }

    private static List<Path> files() throws IOException {
        try (Stream<Path> all = Files.walk(SOURCES)) {
            return all.filter(file -> file.toString().endsWith(".java")).sorted().toList();
        }
    }

    private static String withoutComments(String source) {
        return source.replaceAll("//[^\n]*", "");
    }
}
