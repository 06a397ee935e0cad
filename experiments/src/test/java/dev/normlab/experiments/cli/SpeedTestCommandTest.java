package dev.normlab.experiments.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.experiments.bench.NormBenchmark;
import dev.normlab.experiments.bench.SpeedTest.BruteForce;
import dev.normlab.experiments.bench.SpeedTest.Method;
import dev.normlab.experiments.bench.SpeedTest.Repeats;
import dev.normlab.experiments.bench.SpeedTest.Row;
import dev.normlab.experiments.bench.SpeedTest.Timing;
import dev.normlab.experiments.stats.Sample;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpeedTestCommandTest {

    @TempDir
    private Path folder = Path.of("");

    /// Made-up times: method number i takes i, 2i and 3i milliseconds.
    private static SpeedTestReport report(Repeats repeats) {
        return report(repeats, EnumSet.range(Method.L1, Method.SVC));
    }

    private static SpeedTestReport report(Repeats repeats, Set<Method> methods) {
        Map<Method, Timing> timings = new EnumMap<>(Method.class);
        for (Method method : methods) {
            double unit = 1e-3 * (method.ordinal() + 1);
            timings.put(method, new Timing(Sample.of(unit, 2 * unit, 3 * unit), 7.5, method == Method.POWER ? 431 : 0));
        }
        return new SpeedTestReport(List.of(new Row(new NormBenchmark.Size(3, 32, 128), timings, new BruteForce(7.5, Double.NaN))), 2,
                "vector", "gram", repeats);
    }

    @Test
    void tablesFigureAndPageAreFilesBesideTheJson() throws IOException {
        report(Repeats.DEFAULT).write(folder);
        for (String name : List.of("speed-test.json", "speed-test.csv", "speed-test.md", "speed-test.tex", "speed-test-values.csv",
                "speed-test-values.md", "speed-test-values.tex", "speed-test.svg", "speed-test.png", "report.html")) {
            assertTrue(Files.size(folder.resolve(name)) > 0, name);
        }
        List<String> times = Files.readAllLines(folder.resolve("speed-test.csv"));
        assertTrue(
                times.getFirst().startsWith("convolution,kernel,inputs,outputs,l1_ms,l1_ms_quartile_1,l1_ms_quartile_3,l1_repeats,linf_ms,")
                        && times.getFirst().endsWith(",svc_ms,svc_ms_quartile_1,svc_ms_quartile_3,svc_repeats,svc_to_l1"),
                times.getFirst());
        assertTrue(times.getLast().startsWith("3x3 32->128,3,32,128,2,1.5,2.5,3,4,3,5,3,") && times.getLast().endsWith(",3,6"),
                times.getLast());
        String markdown = Files.readString(folder.resolve("speed-test.md"));
        assertTrue(markdown.contains("| 3x3 32->128 | 2.00 (1.50 to 2.50) | 4.00 (3.00 to 5.00) |"), markdown);
        assertTrue(markdown.contains("slow methods up to 5 times and for 10 seconds at most, but once at least (the paper: 100 times)"),
                markdown);
        assertTrue(Files.readString(folder.resolve("speed-test-values.md")).contains("| 7.50000 (431) |"));
        assertTrue(Files.readAllLines(folder.resolve("speed-test-values.csv")).getLast().endsWith(",7.5,0,7.5,"));
        String page = Files.readString(folder.resolve("report.html"));
        assertTrue(page.contains("6 to 6 times as fast") && page.contains("<svg") && page.contains("2 threads, vector kernels"));
    }

    @Test
    void methodsOfAGpuStandBesideThoseOfTheCpu() throws IOException {
        report(Repeats.DEFAULT, EnumSet.allOf(Method.class)).write(folder);
        String times = Files.readAllLines(folder.resolve("speed-test.csv")).getFirst();
        assertTrue(times.endsWith(",svc_repeats,gpu_l1_ms,gpu_l1_ms_quartile_1,gpu_l1_ms_quartile_3,gpu_l1_repeats,gpu_linf_ms,"
                + "gpu_linf_ms_quartile_1,gpu_linf_ms_quartile_3,gpu_linf_repeats,gpu_power_ms,gpu_power_ms_quartile_1,"
                + "gpu_power_ms_quartile_3,gpu_power_repeats,svc_to_l1"), times);
        String page = Files.readString(folder.resolve("report.html"));
        assertTrue(page.contains("power, GPU") && page.contains("On the GPU l1, linf and power differ from the CPU&#39;s by 0.0e+00"),
                page);
        Output refused = Output.of("experiment", "speed-test", "--smoke", "--device", "gpu");
        assertEquals(1, refused.code(), "no GPU is on this class path");
        assertTrue(refused.err().contains("--device: "), refused.err());
    }

    @Test
    void theSettingOfThePaperIsSaidToBeThat() throws IOException {
        report(Repeats.PAPER).write(folder);
        assertTrue(Files.readString(folder.resolve("speed-test.tex")).contains("every method 100 times, as in the paper"));
        assertEquals(2, Output.of("experiment", "speed-test", "--paper", "--smoke", "--dry-run").code());
        assertEquals(2, Output.of("experiment", "speed-test", "--paper", "--repeats", "5", "--dry-run").code());
        assertEquals(2, Output.of("experiment", "speed-test", "--repeats", "0").code());
    }

    @Test
    void aDryRunSaysHowLongOneRunOfEveryMethodTakes() throws IOException {
        Path json = folder.resolve("plan.json");
        Output plan = Output.of("experiment", "speed-test", "--smoke", "--dry-run", "--json", json.toString());
        assertEquals(0, plan.code(), plan.err());
        assertTrue(plan.out().contains("2 convolutions on 32x32 images") && plan.out().contains("slow methods once (the paper: 100 times)"),
                plan.out());
        assertTrue(plan.out().contains("seconds once ") && plan.out().contains("on this machine as busy as it is now"), plan.out());
        assertTrue(Files.readString(json).contains("seconds_as_in_paper"), Files.readString(json));
    }
}
