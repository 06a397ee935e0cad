package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.Accelerator;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.bench.NormBenchmark;
import dev.normlab.experiments.bench.SpeedTest;
import dev.normlab.experiments.bench.SpeedTest.Method;
import dev.normlab.experiments.bench.SpeedTest.Repeats;
import dev.normlab.experiments.report.ShownPath;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.study.StudyFolder;
import dev.normlab.lip.spectral.PowerIteration;
import dev.normlab.lip.spectral.SvdMethod;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `experiment speed-test`: the paper's efficiency study.
@Command(name = "speed-test", sortOptions = false,
        description = "Time l1 and linf norms beside power iteration and the spectrum of singular value clipping, on six kernel sizes at 32x32.")
final class SpeedTestCommand implements Callable<Integer> {

    private static final int MOST_REPEATS = 1000;

    @Mixin
    private final CommonOptions common;

    @Option(names = "--repeats", paramLabel = "N",
            description = "Repeat slow methods N times, as often as ten seconds allow, but once at least (default: 5).")
    private @Nullable Integer repeats;

    @Option(names = "--paper",
            description = "As in the paper: every method 100 times, however long that takes. That is hours; --dry-run says how many here.")
    private boolean paper;

    @Option(names = "--svd", paramLabel = "NAME",
            description = "gram, ejml-values, jacobi or ejml: how the spectrum is computed (default: gram).")
    private String svd = "gram";

    @Option(names = "--smoke", description = "The two smallest sizes, once: does it run?")
    private boolean smoke;

    @Option(names = "--dry-run", description = "Only say what would be timed, and how long it takes here, after a few trial runs.")
    private boolean dryRun;

    @Option(names = "--out", paramLabel = "DIR",
            description = "Write the result as speed-test.json, tables as CSV, Markdown and LaTeX, a figure as SVG and PNG, and report.html.")
    private @Nullable Path out;

    SpeedTestCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        Repeats chosen = repeats();
        SvdMethod method = SvdNames.parse(svd);
        List<NormBenchmark.Size> sizes = smoke ? NormBenchmark.PAPER.subList(0, 2) : NormBenchmark.PAPER;
        SpeedTest test = new SpeedTest(sizes, chosen, method, common.seed());
        try (Device device = common.openDevice()) {
            Progress progress = common.progress();
            if (dryRun) {
                List<SpeedTest.Cost> costs = test.estimate(device, progress::update);
                progress.clear();
                plan(costs, chosen, method);
                return 0;
            }
            List<SpeedTest.Row> rows = test.run(device, progress::update);
            progress.clear();
            SpeedTestReport report = new SpeedTestReport(rows, device.workers().threads(), kernels(device), method.label(), chosen);
            report.lines().forEach(common::say);
            if (out != null) {
                report.write(out);
                common.say("report: " + ShownPath.of(out.resolve(StudyFolder.REPORT_FILE)) + " (tables and a figure beside it)");
            }
            common.writeJson(report.json());
            return 0;
        }
    }

    /// What computes: the CPU's kernels, and the GPU beside them if there is one.
    private static String kernels(Device device) {
        Accelerator accelerator = device.accelerator();
        return device.kernels().name() + (accelerator == null ? "" : " and GPU (" + accelerator.describe() + ")");
    }

    private Repeats repeats() {
        if (paper && (smoke || repeats != null)) {
            throw UserError.usage("--paper takes all sizes 100 times; leave " + (smoke ? "--smoke" : "--repeats") + " out");
        }
        if (repeats != null && (repeats < 1 || repeats > MOST_REPEATS)) {
            throw UserError.usage("--repeats: expected a number from 1 to " + MOST_REPEATS + ", but got " + repeats);
        }
        if (paper) {
            return Repeats.PAPER;
        }
        int count = smoke ? 1 : repeats == null ? Repeats.DEFAULT.count() : repeats;
        return new Repeats(count, Repeats.DEFAULT.mostSeconds());
    }

    private void plan(List<SpeedTest.Cost> costs, Repeats chosen, SvdMethod spectrum) throws IOException {
        List<String> methods = costs.getFirst().runs().keySet().stream().map(Method::label).toList();
        List<String> sizes = costs.stream().map(cost -> cost.size().toString()).toList();
        common.say(sizes.size() + " convolutions on 32x32 images: " + String.join(", ", sizes));
        common.say("each timed with " + String.join(", ", methods) + "; " + SpeedTestReport.described(chosen) + "; spectrum by "
                + spectrum.label());
        common.say("");
        common.say(String.format(Locale.ROOT, "%-13s", "seconds once") + methods.stream()
                .map(method -> String.format(Locale.ROOT, "  %17s", method)).collect(Collectors.joining()));
        for (SpeedTest.Cost cost : costs) {
            common.say(String.format(Locale.ROOT, "%-13s", cost.size()) + cost.runs().values().stream()
                    .map(once -> String.format(Locale.ROOT, once < 0.01 ? "  %17.6f" : "  %17.2f", once)).collect(Collectors.joining()));
        }
        double all = costs.stream().mapToDouble(cost -> cost.seconds(chosen)).sum();
        double asInPaper = costs.stream().mapToDouble(cost -> cost.seconds(Repeats.PAPER)).sum();
        common.say("");
        common.say("about " + Progress.duration(all) + " on this machine as busy as it is now, if power iterations take all of their "
                + PowerIteration.MOST_STEPS + " steps, and less if not");
        if (!smoke && !paper) {
            common.say("with --paper, every method 100 times: about " + Progress.duration(asInPaper));
        }
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("sizes", sizes);
        json.put("methods", methods);
        json.put("repeats", chosen.count());
        json.put("seconds_once", costs.stream().map(cost -> List.copyOf(cost.runs().values())).toList());
        json.put("seconds", all);
        json.put("seconds_as_in_paper", asInPaper);
        common.writeJson(json);
    }
}
