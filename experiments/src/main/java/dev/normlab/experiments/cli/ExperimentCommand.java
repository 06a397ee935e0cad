package dev.normlab.experiments.cli;

import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.study.BuiltInStudy;
import dev.normlab.experiments.study.ConfigTree;
import dev.normlab.experiments.study.DryRun;
import dev.normlab.experiments.study.Shard;
import dev.normlab.experiments.study.StudyConfig;
import dev.normlab.experiments.study.StudyFolder;
import dev.normlab.experiments.study.StudyPlan;
import dev.normlab.experiments.study.StudyRunner;
import dev.normlab.experiments.study.report.StudyFiles;
import dev.normlab.experiments.study.report.StudySummary;
import dev.normlab.nn.data.DataException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `experiment`: whole studies.
@Command(name = "experiment", sortOptions = false, subcommandsRepeatable = false,
        description = {"Run a whole study into a folder and report on it. What is finished is skipped, what was broken off goes on.", "",
            "Studies: speed-test (the paper's table 1, with options of its own),",
            "norm-regularization (4 models, 7 methods, 5 strengths, accuracy and norm curves),",
            "adversarial-training (norms of adversarially trained networks),",
            "or FILE.yaml, your own (docs/studies.md).", ""},
        subcommands = {SpeedTestCommand.class})
final class ExperimentCommand implements Callable<Integer> {

    private static final int INTERRUPTED = 130;
    private static final int FAILED = 1;

    @Mixin
    private final CommonOptions common;

    @Parameters(paramLabel = "STUDY", arity = "0..1", description = "norm-regularization, adversarial-training, or a YAML file.")
    private @Nullable String study;

    @Option(names = "--smoke", description = "The reduced form: narrow models, synthetic images, minutes on two cores.")
    private boolean smoke;

    @Option(names = "--dry-run",
            description = "Only say what would be done: all runs, shapes, parameters, disk, and the time, from timing a few steps.")
    private boolean dryRun;

    @Option(names = "--out", paramLabel = "DIR", description = "The study's folder (default: runs/NAME). Say it again to go on with it.")
    private @Nullable Path out;

    @Option(names = "--data", paramLabel = "SPEC", description = DataOptions.FORMS + " (default: the study's).")
    private @Nullable String data;

    @Option(names = "--seeds", paramLabel = "N", description = "Train each setting N times, each with a seed of its own.")
    private @Nullable Integer seeds;

    @Option(names = "--epochs", paramLabel = "N", description = "Short for --set training.epochs=N.")
    private @Nullable Integer epochs;

    @Option(names = "--models", paramLabel = "LIST", split = ",",
            description = "Only these models of the study, for example vgg11,resnet18.")
    private List<String> models = List.of();

    @Option(names = "--methods", paramLabel = "LIST", split = ",",
            description = "Only these methods of the study, for example plain,nd-l1.")
    private List<String> methods = List.of();

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "Another value for a key of the configuration, for example "
            + "--set training.lr=0.05 --set 'models=[vgg11, \"resnet18:width=0.5\"]'.")
    private List<String> settings = List.of();

    @Option(names = "--index", paramLabel = "I",
            description = "Do part I of --of N parts only, from 0; default: what Slurm's or Kubernetes' variables say (docs/sweeps.md).")
    private @Nullable Integer index;

    @Option(names = "--of", paramLabel = "N", description = "The number of parts.")
    private @Nullable Integer of;

    ExperimentCommand(Streams streams) {
        this.common = new CommonOptions(streams);
    }

    @Override
    public Integer call() throws IOException {
        StudyConfig config = config();
        StudyPlan plan = StudyPlan.of(config);
        Shard shard = Shard.of(optional(index), optional(of), System.getenv());
        if (!shard.notice().isEmpty()) {
            common.progress().line(shard.notice());
        }
        Path path = out == null ? Path.of("runs", config.name()) : out;
        try (Device device = common.openDevice(config.conv())) {
            if (dryRun) {
                DryRun planned = new DryRun(plan, shard, device).run(common.progress());
                planned.lines().forEach(common::say);
                common.say("folder: " + path);
                common.writeJson(planned.json());
                return 0;
            }
            if (device.convolutionMode() != config.conv()) {
                throw UserError.failure("conv: the study asks for " + config.conv() + " convolutions, but these kernels have only "
                        + device.convolutionMode() + " ones, which its runs would not record; begin it with --conv "
                        + device.convolutionMode());
            }
            StudyFolder folder = new StudyFolder(path);
            StudyRunner.Result result = new StudyRunner(plan, folder, shard, device, common.progress(), common.commandLine()).run();
            return finish(folder, result);
        } catch (DataException e) {
            throw UserError.failure(e.getMessage() + " The study's data is '" + config.data() + "': say with --data where yours is"
                    + (smoke ? "" : ", or begin with --smoke, which needs none"));
        }
    }

    private int finish(StudyFolder folder, StudyRunner.Result result) throws IOException {
        if (result.interrupted()) {
            common.progress().line("go on with: ./normlab " + common.commandLine());
            return INTERRUPTED;
        }
        StudyFiles.Written written = StudyFiles.write(folder, common.progress()::line);
        StudySummary summary = new StudySummary(written);
        common.say("");
        summary.lines().forEach(common::say);
        result.failed().forEach(failure -> common.progress().line("failed: " + failure));
        common.writeJson(summary.json());
        return result.failed().isEmpty() ? 0 : FAILED;
    }

    private static OptionalInt optional(@Nullable Integer value) {
        return value == null ? OptionalInt.empty() : OptionalInt.of(value);
    }

    /// The configuration with everything that the options override.
    private StudyConfig config() throws IOException {
        if (study == null) {
            throw UserError.usage("say which study: experiment speed-test, " + String.join(", ", BuiltInStudy.names()) + " or FILE.yaml");
        }
        ConfigTree tree = BuiltInStudy.names().contains(study) || !study.contains(".") && !study.contains("/")
                ? ConfigTree.builtIn(smoke ? BuiltInStudy.smoke(study) : study)
                : ConfigTree.read(Path.of(study));
        if (smoke && !BuiltInStudy.names().contains(study)) {
            throw UserError.usage("--smoke: the studies " + String.join(", ", BuiltInStudy.names())
                    + " have a reduced form; a file says itself how large it is, for example with 'extends: norm-regularization-smoke'");
        }
        for (String setting : settings) {
            int equals = setting.indexOf('=');
            if (equals < 1) {
                throw UserError.usage("--set: expected KEY=VALUE, for example training.epochs=15, but got '" + setting + "'");
            }
            tree = tree.with(setting.substring(0, equals).strip(), setting.substring(equals + 1));
        }
        tree = data == null ? tree : tree.withText("data", data);
        tree = seeds == null ? tree : tree.with("seeds", seeds.toString());
        tree = epochs == null ? tree : tree.with("training.epochs", epochs.toString());
        tree = common.givenSeed() == null ? tree : tree.with("seed", String.valueOf(common.givenSeed()));
        tree = common.givenConvolutionMode().isEmpty() ? tree : tree.withText("conv", common.givenConvolutionMode().get().toString());
        return StudyConfig.of(tree).only(models, methods);
    }
}
