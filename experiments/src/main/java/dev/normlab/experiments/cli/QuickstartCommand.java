package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.Quickstart;
import dev.normlab.experiments.run.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `quickstart`: the main job on the embedded data.
@Command(name = "quickstart",
        description = "Train a small network plain, with norm decay and with weight decay on embedded data; attack each; write a report. "
                + "Takes a few minutes.",
        sortOptions = false)
final class QuickstartCommand implements Callable<Integer> {

    private static final int INTERRUPTED = 130;

    @Mixin
    private final CommonOptions common;

    @Option(names = "--out", paramLabel = "DIR",
            description = "A folder for the results (default: a new one, runs/quickstart or runs/quickstart-N).")
    private @Nullable Path out;

    @Option(names = "--resume",
            description = "Go on with the quickstart in --out (default: the latest one); what it finished is not done again.")
    private boolean resume;

    QuickstartCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        try (Device device = common.openDevice()) {
            if (resume && out != null && !Files.isDirectory(out)) {
                throw UserError.usage("--resume: there is no folder " + out);
            }
            if (out != null && Files.exists(out) && !Files.isDirectory(out)) {
                throw UserError.usage("--out: " + out + " is a file, and a quickstart is a folder of runs; say another name");
            }
            Path folder = out != null ? out : resume ? latest() : fresh();
            Quickstart.Result result = new Quickstart(folder, device, common.progress(), common.seed(), common.commandLine(), resume).run();
            if (!result.completed()) {
                return INTERRUPTED;
            }
            common.say("");
            common.say(Quickstart.Line.head());
            result.lines().forEach(line -> common.say(line.toString()));
            common.say("");
            common.say("report: " + result.report().toAbsolutePath());
            writeJson(result);
            return 0;
        }
    }

    private void writeJson(Quickstart.Result result) throws IOException {
        List<Map<String, Object>> methods = new ArrayList<>();
        for (Quickstart.Line line : result.lines()) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("name", line.name());
            entry.put("clean_accuracy", line.clean().fraction());
            entry.put("pgd_accuracy", line.robust().fraction());
            entry.put("l1_sum_conv_linear", line.normSum());
            entry.put("seconds", line.seconds());
            methods.add(entry);
        }
        common.writeJson(Map.of("methods", methods, "report", result.report().toString()));
    }

    /// The newest folder that [#fresh()] chose.
    private static Path latest() {
        Path latest = Path.of("runs", "quickstart");
        if (!Files.isDirectory(latest)) {
            throw UserError.usage("--resume: there is no " + latest + "; say which quickstart with --out DIR");
        }
        for (int i = 2; Files.isDirectory(Path.of("runs", "quickstart-" + i)); i++) {
            latest = Path.of("runs", "quickstart-" + i);
        }
        return latest;
    }

    private static Path fresh() {
        Path path = Path.of("runs", "quickstart");
        for (int i = 2; Files.exists(path); i++) {
            path = Path.of("runs", "quickstart-" + i);
        }
        return path;
    }
}
