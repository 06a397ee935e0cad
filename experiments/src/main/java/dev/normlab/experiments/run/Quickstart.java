package dev.normlab.experiments.run;

import dev.normlab.attacks.Pgd;
import dev.normlab.attacks.PgdOptions;
import dev.normlab.attacks.RobustnessEvaluation;
import dev.normlab.attacks.RobustnessResult;
import dev.normlab.attacks.ThreatModel;
import dev.normlab.engine.io.AtomicFile;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.report.RecordedRun;
import dev.normlab.experiments.report.TrainingReport;
import dev.normlab.experiments.stats.Interval;
import dev.normlab.experiments.stats.Proportion;
import dev.normlab.experiments.store.FolderLock;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunInfo;
import dev.normlab.experiments.store.RunResult;
import dev.normlab.lip.norm.Norm;
import dev.normlab.nn.data.DataSplits;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.model.Summary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// The paper's question in a few minutes: does training with small layer norms make a network more robust?
///
/// Trains the same narrow VGG three times on the synthetic data (plain, with l1 norm decay, with weight decay), measures clean accuracy,
/// accuracy under PGD and the norms of all layers, and writes a report.
public final class Quickstart {

    private static final String MODEL = "vgg11:width=0.25";
    private static final String DATA = "synthetic";
    private static final int EPOCHS = 6;
    private static final int BATCH = 64;
    private static final double LEARNING_RATE = 0.05;
    private static final double NORM_DECAY = 3e-3;
    private static final double WEIGHT_DECAY = 5e-4;
    private static final int ATTACKED = 500;
    private static final float EPS = 8f / 255;
    private static final String ATTACK = "pgd-" + PgdOptions.DEFAULT.iterations();

    private final Path out;
    private final Device device;
    private final Progress progress;
    private final long seed;
    private final String command;
    private final boolean resume;

    /// What came out of one of the three trainings.
    ///
    /// @param normSum sum of the l1 norms of convolutions and linear layers at the end
    public record Line(String name, Proportion clean, Proportion robust, double normSum, double seconds) {

        /// A row of the closing table.
        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%-8s  %s  %s  %12.1f  %8s", name, percent(clean), percent(robust), normSum,
                    Progress.duration(seconds));
        }

        /// The head of the closing table.
        public static String head() {
            return String.format(Locale.ROOT, "%-8s  %-24s  %-24s  %12s  %8s", "method", "clean accuracy", "PGD accuracy", "sum l1 norms",
                    "time");
        }

        private static String percent(Proportion proportion) {
            Interval interval = proportion.wilson95();
            return String.format(Locale.ROOT, "%5.1f%% (%5.1f to %5.1f)  ", 100 * proportion.fraction(), 100 * interval.low(),
                    100 * interval.high());
        }
    }

    /// All results and the report.
    ///
    /// @param completed false if the user interrupted
    public record Result(List<Line> lines, Path report, boolean completed) {}

    /// A quickstart into a folder.
    ///
    /// @param out     the folder for run folders and the report
    /// @param command the command line, for the run folders
    /// @param resume  whether what the folder holds already is taken over and gone on with
    public Quickstart(Path out, Device device, Progress progress, long seed, String command, boolean resume) {
        this.command = command;
        this.resume = resume;
        this.out = out;
        this.device = device;
        this.progress = progress;
        this.seed = seed;
    }

    /// Runs everything.
    ///
    /// @throws IOException if the folder cannot be written
    public Result run() throws IOException {
        if (!resume) {
            for (TrainingSettings settings : settings()) {
                RunFolder.requireNone(out.resolve(settings.method()), resumingCommand());
            }
        }
        WarmUp.begin(MODEL, device);
        DataSplits data = DataSource.load(DATA);
        List<Line> lines = new ArrayList<>();
        for (TrainingSettings settings : settings()) {
            progress.line("");
            progress.line("training " + settings.method() + ": " + settings.model() + ", " + data.train().size() + " images, "
                    + Numbers.counted(settings.epochs(), "epoch", "epochs"));
            Optional<Line> line = train(settings, data);
            if (line.isEmpty()) {
                return new Result(lines, out, false);
            }
            lines.add(line.get());
        }
        Path report = out.resolve("report.html");
        AtomicFile.writeText(report, new TrainingReport("Quickstart: layer norms and robustness", introduction(data),
                RecordedRun.allOf(RunFolder.readAll(out))).toHtml());
        return new Result(lines, report, true);
    }

    private String resumingCommand() {
        return "quickstart --out " + out + " --resume";
    }

    private static String introduction(DataSplits data) {
        return "The same narrow VGG11 was trained three times on " + data.train().size()
                + " small synthetic images of ten classes: plain, with l1 norm decay (beta "
                + Numbers.significant(NORM_DECAY, 1) + "), and with weight decay (" + Numbers.significant(WEIGHT_DECAY, 1)
                + "). Norm decay makes the norms of the layers smaller during training. Does that make "
                + "the network harder to fool? PGD moves every pixel of a test image by at most 8/255 to find out.";
    }

    /// The three trainings.
    List<TrainingSettings> settings() {
        return List.of(settings("plain", 0, Optional.empty()),
                settings("nd-l1", 0, Optional.of(new Method.NormDecaySpec(Norm.L1, NORM_DECAY))),
                settings("wd", WEIGHT_DECAY, Optional.empty()));
    }

    private TrainingSettings settings(String method, double weightDecay, Optional<Method.NormDecaySpec> normDecay) {
        return new TrainingSettings(MODEL, DATA, 0, method, EPOCHS, BATCH, LEARNING_RATE, 0.9, weightDecay, "cosine", normDecay,
                Optional.empty(), Optional.empty(), Optional.empty(), "", false, true, device.convolutionMode(), OptionalInt.empty(), seed);
    }

    private Optional<Line> train(TrainingSettings settings, DataSplits data) throws IOException {
        try (FolderLock lock = new FolderLock(out.resolve(settings.method()))) {
            lock.acquire();
            return train(settings, data, out.resolve(settings.method()));
        }
    }

    private Optional<Line> train(TrainingSettings settings, DataSplits data, Path path) throws IOException {
        boolean known = resume && Files.exists(path.resolve(RunFolder.INFO_FILE));
        if (known) {
            requireSame(settings, path);
            Optional<Line> line = finished(path);
            if (line.isPresent()) {
                progress.line("trained and attacked already");
                return line;
            }
        }
        boolean checkpoint = known && Files.exists(path.resolve(Weights.CHECKPOINT_NAME));
        if (known && !checkpoint) {
            Files.delete(path.resolve(RunFolder.INFO_FILE)); // it ended before its first epoch did: nothing to go on with
        }
        TrainingRun.FolderSource source = summary -> checkpoint
                ? RunFolder.open(path)
                : RunFolder.create(path, info(settings, data, summary));
        try (TrainingRun run = new TrainingRun(settings, data, device, source, progress)) {
            run.resumeWith(resumingCommand());
            if (checkpoint) {
                run.resume();
            }
            TrainingRun.Outcome outcome = run.run();
            if (!outcome.completed() || outcome.evaluation().isEmpty()) {
                return Optional.empty();
            }
            RobustnessResult robust = attack(outcome, data.test());
            RunFolder.open(path).addAttacks(List.of(RunResult.AttackScore.of(ATTACK, "linf", EPS, robust.n(), robust.robustCorrect(),
                    robust.attacks().getFirst().seconds())));
            return finished(path);
        }
    }

    /// What came out of a training that was attacked, if it was.
    private static Optional<Line> finished(Path path) throws IOException {
        RunFolder.Contents contents = RunFolder.open(path).read();
        RunResult result = contents.result().orElse(null);
        if (result == null || result.status() != RunResult.Status.FINISHED || result.clean() == null || contents.metrics().isEmpty()) {
            return Optional.empty();
        }
        RunResult.Score clean = result.clean();
        double normSum = contents.metrics().getLast().normSumL1();
        return result.attacks().stream().filter(attack -> attack.name().equals(ATTACK) && attack.n() <= ATTACKED).findFirst()
                .map(attack -> new Line(contents.info().name(), new Proportion(clean.correct(), clean.n()),
                        new Proportion(attack.correct(), attack.n()), normSum, result.seconds()));
    }

    /// Fails if the folder holds a training with other settings.
    private static void requireSame(TrainingSettings settings, Path path) throws IOException {
        Map<String, String> before = RunFolder.open(path).readInfo().settings();
        settings.toMap().forEach((key, value) -> {
            if (!value.equals(before.get(key))) {
                throw UserError.usage("--resume: " + path + " was begun with " + key + " " + before.get(key) + ", not " + value
                        + "; say the same, or choose another --out");
            }
        });
    }

    private RunInfo info(TrainingSettings settings, DataSplits data, Summary summary) {
        return new RunInfo(RunInfo.FORMAT, RunInfo.VERSION, settings.method(), command, Instant.now(), settings.model(),
                settings.data(), settings.method(), settings.seed(), settings.epochs(), data.train().size(), data.test().size(),
                settings.toMap(), Provenance.of(device, summary, data));
    }

    private RobustnessResult attack(TrainingRun.Outcome outcome, Dataset test) {
        Dataset attacked = test.first(ATTACKED);
        progress.line("attacking " + attacked.size() + " test images with PGD, linf 8/255");
        return new RobustnessEvaluation(List.of(new Pgd(PgdOptions.DEFAULT)), new ThreatModel(ThreatModel.Ball.LINF, EPS), false, BATCH,
                seed)
                .run(outcome.model(), attacked, device, (name, images, result) -> {
                });
    }
}
