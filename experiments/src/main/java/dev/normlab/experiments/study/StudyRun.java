package dev.normlab.experiments.study;

import dev.normlab.attacks.EvaluationStopped;
import dev.normlab.attacks.RobustnessEvaluation;
import dev.normlab.attacks.RobustnessResult;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.AttackScores;
import dev.normlab.experiments.run.Interruption;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.Provenance;
import dev.normlab.experiments.run.TrainingRun;
import dev.normlab.experiments.run.UserError;
import dev.normlab.experiments.run.Weights;
import dev.normlab.experiments.store.FolderLock;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunInfo;
import dev.normlab.experiments.store.RunLog;
import dev.normlab.experiments.store.RunResult;
import dev.normlab.experiments.store.UnfinishedFiles;
import dev.normlab.nn.data.DataSplits;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.model.Summary;
import dev.normlab.nn.train.DivergenceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// One run of a study in its folder: trained, attacked, recorded. Wherever an earlier process stopped or was killed, it goes on, with
/// bitwise the result of a run that nobody disturbed.
final class StudyRun {

    /// The state of an attack under way.
    static final String ATTACK_STATE = "attack.state";

    private static final int ATTACK_BATCH = 128;

    private final StudyConfig config;
    private final PlannedRun run;
    private final Path path;
    private final DataSplits data;
    private final Device device;
    private final Progress progress;
    private final String command;

    /// How it went.
    enum Outcome {
        /// Trained and attacked now.
        DONE,
        /// Had been before.
        KNOWN,
        /// Another process is at it.
        BUSY,
        /// The user stopped it; it can go on.
        INTERRUPTED,
        /// Training met NaN or infinity, now or before: that is its result.
        DIVERGED
    }

    /// @param data     the images, limited as the study says
    /// @param progress hears how it goes on
    /// @param command  the command line, for the run folder
    StudyRun(StudyConfig config, PlannedRun run, StudyFolder folder, DataSplits data, Device device, Progress progress, String command) {
        this.config = config;
        this.run = run;
        this.path = folder.of(run);
        this.data = data;
        this.device = device;
        this.progress = progress;
        this.command = command;
    }

    /// Does the run, or what is left of it.
    ///
    /// @throws UserError   if the folder holds a run of other settings or data
    /// @throws IOException if the folder cannot be read or written
    Outcome execute() throws IOException {
        try (FolderLock lock = new FolderLock(path)) {
            if (!lock.tryAcquire()) {
                return Outcome.BUSY;
            }
            UnfinishedFiles.removeFrom(path);
            if (Files.exists(path.resolve(RunFolder.INFO_FILE))) {
                RunFolder.Contents known = RunFolder.open(path).read();
                requireSame(known.info());
                if (config.isComplete(known)) {
                    boolean diverged = known.result().filter(result -> result.status() == RunResult.Status.DIVERGED).isPresent();
                    return diverged ? Outcome.DIVERGED : Outcome.KNOWN;
                }
            }
            return trainAndAttack();
        }
    }

    private void requireSame(RunInfo before) {
        List<String> differences = new ArrayList<>();
        run.settings().toMap().forEach((key, value) -> {
            if (!value.equals(before.settings().get(key))) {
                differences.add(key + " was " + before.settings().get(key) + ", not " + value);
            }
        });
        Map.of("train_data_sha256", data.train(), "test_data_sha256", data.test()).forEach((key, split) -> {
            if (!split.contentHash().equals(before.provenance().get(key))) {
                differences.add("the data was other images (" + key + " differs)");
            }
        });
        if (!differences.isEmpty()) {
            throw UserError.failure(path + " was begun with other settings: " + String.join("; ", differences)
                    + ". Say the same again, remove the folder, or choose another --out");
        }
    }

    private Outcome trainAndAttack() throws IOException {
        boolean checkpoint = Files.exists(path.resolve(RunFolder.INFO_FILE)) && Files.exists(path.resolve(Weights.CHECKPOINT_NAME));
        if (!checkpoint) {
            Files.deleteIfExists(path.resolve(RunFolder.INFO_FILE)); // it ended before its first epoch did: nothing to go on with
            Files.deleteIfExists(path.resolve(RunFolder.RESULT_FILE));
        }
        TrainingRun.FolderSource source = summary -> checkpoint ? RunFolder.open(path) : RunFolder.create(path, info(summary));
        TrainingRun.Outcome outcome;
        try (TrainingRun training = new TrainingRun(run.settings(), data, device, source, progress)) {
            training.resumeWith(command);
            if (checkpoint) {
                training.resume();
            }
            outcome = training.run();
        } catch (DivergenceException e) {
            return Outcome.DIVERGED;
        }
        return outcome.completed() && attacked(outcome) ? Outcome.DONE : Outcome.INTERRUPTED;
    }

    private RunInfo info(Summary summary) {
        return new RunInfo(RunInfo.FORMAT, RunInfo.VERSION, run.setting(), command, Instant.now(), run.settings().model(),
                run.settings().data(), run.settings().method(), run.settings().seed(), run.settings().epochs(), data.train().size(),
                data.test().size(), run.settings().toMap(), Provenance.of(device, summary, data));
    }

    /// Attacks the trained model; false if the user stopped it.
    private boolean attacked(TrainingRun.Outcome trained) throws IOException {
        Dataset images = data.test().first(Math.min(config.attack().images(), data.test().size()));
        RobustnessEvaluation evaluation = new RobustnessEvaluation(config.attack().list(), config.attack().threat(), false,
                Math.min(ATTACK_BATCH, images.size()), run.settings().seed());
        Path state = path.resolve(ATTACK_STATE);
        try (RunLog log = new RunLog(path); Interruption interruption = Interruption.handle(evaluation::requestStop)) {
            RobustnessResult result = evaluation.run(trained.model(), images, device, listener(progress.loggedTo(log::line), images.size()),
                    Optional.of(state));
            RunFolder.open(path)
                    .addAttacks(AttackScores.of(List.of(), config.attack().label(), config.attack().threat(), result, false));
            Files.deleteIfExists(state);
            return true;
        } catch (EvaluationStopped e) {
            return false;
        }
    }

    private static RobustnessEvaluation.Listener listener(Progress progress, int images) {
        return new RobustnessEvaluation.Listener() {

            @Override
            public void attack(String name, int count, Optional<RobustnessResult.AttackResult> result) {
                progress.line(result.map(ended -> String.format(Locale.ROOT, "%s fooled %d of %d images in %s", name, ended.fooled(), count,
                        Progress.duration(ended.seconds()))).orElse(name + " attacks " + count + " images"));
            }

            @Override
            public void progress(String name, double done, int robust) {
                progress.update(String.format(Locale.ROOT, "%s %.0f%%  robust so far %.1f%%", name, 100 * done, 100.0 * robust / images));
            }
        };
    }
}
