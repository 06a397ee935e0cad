package dev.normlab.experiments.study;

import dev.normlab.attacks.Attack;
import dev.normlab.attacks.EvaluationStopped;
import dev.normlab.attacks.RobustnessEvaluation;
import dev.normlab.attacks.RobustnessResult;
import dev.normlab.engine.io.FormatException;
import dev.normlab.engine.kernel.Device;
import dev.normlab.experiments.run.AttackScores;
import dev.normlab.experiments.run.Interruption;
import dev.normlab.experiments.run.Progress;
import dev.normlab.experiments.run.Provenance;
import dev.normlab.experiments.run.TrainingRun;
import dev.normlab.experiments.run.TrainingSettings;
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
import dev.normlab.nn.train.TrainingEvent;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
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
    private Listener listener = new Listener() {

        @Override
        public void trained(double epochs) {}

        @Override
        public void attacked(double share) {}
    };

    /// Hears how far the run is, where this process goes on with it and from then on.
    interface Listener {

        /// So many epochs are trained, also of one that is under way.
        void trained(double epochs);

        /// Training is over, and this share of the attacks' work is done.
        void attacked(double share);
    }

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

    /// Tells a listener from now on.
    StudyRun tellingTo(Listener one) {
        listener = one;
        return this;
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
            return logged();
        }
    }

    /// Trains and attacks, and leaves the trace of what went wrong unexpectedly in the run's log, while this still has the lock.
    private Outcome logged() throws IOException {
        try {
            return trainAndAttack();
        } catch (UserError e) {
            throw e;
        } catch (RuntimeException e) {
            StringWriter trace = new StringWriter();
            e.printStackTrace(new PrintWriter(trace));
            try (RunLog log = new RunLog(path)) {
                log.line("failed: " + trace.toString().strip());
            } catch (IOException | UncheckedIOException unwritable) {
                e.addSuppressed(unwritable);
            }
            throw e;
        }
    }

    private void requireSame(RunInfo before) {
        List<String> differences = new ArrayList<>();
        // read and written again, what the folder of an earlier version leaves out has the value that it had then
        Map<String, String> known = TrainingSettings.parse(before.settings()).toMap();
        run.settings().toMap().forEach((key, value) -> {
            if (!value.equals(known.get(key))) {
                differences.add(key + " was " + known.get(key) + ", not " + value);
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
            removeLeftovers(); // it ended before its first epoch did: nothing to go on with
        }
        TrainingRun.FolderSource source = summary -> checkpoint ? RunFolder.open(path) : RunFolder.create(path, info(summary));
        TrainingRun.Outcome outcome;
        try (TrainingRun training = new TrainingRun(run.settings(), data, device, source, progress)) {
            training.resumeWith(command);
            training.listen(this::tell);
            if (checkpoint) {
                training.resume();
            }
            outcome = training.run();
        } catch (DivergenceException e) {
            return Outcome.DIVERGED;
        }
        return outcome.completed() && attacked(outcome) ? Outcome.DONE : Outcome.INTERRUPTED;
    }

    private void tell(TrainingEvent event) {
        switch (event) {
            case TrainingEvent.RunStarted at -> listener.trained(at.epoch() + at.batch() / (double) at.batches());
            case TrainingEvent.StepFinished at -> listener.trained(at.epoch() + (at.batch() + 1.0) / at.batches());
            case TrainingEvent.EpochFinished at -> listener.trained(at.epoch() + 1);
            default -> {
            }
        }
    }

    /// Removes everything that another run has left here, `run.json` first: with it gone nobody goes on from the rest.
    private void removeLeftovers() throws IOException {
        for (String name : List.of(RunFolder.INFO_FILE, Weights.CHECKPOINT_NAME, RunFolder.RESULT_FILE, ATTACK_STATE, Weights.BEST_NAME,
                Weights.FILE_NAME, RunFolder.METRICS_FILE, RunFolder.NORMS_FILE, RunFolder.PROVENANCE_FILE, TrainingRun.NORM_SERIES_NAME)) {
            Files.deleteIfExists(path.resolve(name));
        }
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
        if (!Files.exists(state)) {
            listener.attacked(0);
        }
        try (RunLog log = new RunLog(path); Interruption interruption = Interruption.handle(evaluation::requestStop)) {
            RobustnessResult result = evaluated(evaluation, trained, images, progress.loggedTo(log::line), state);
            RunFolder.open(path)
                    .addAttacks(AttackScores.of(List.of(), config.attack().label(), config.attack().threat(), result, false));
            Files.deleteIfExists(state);
            return true;
        } catch (EvaluationStopped e) {
            return false;
        }
    }

    /// Goes on from the state of an attack, or begins anew where that is of another evaluation or damaged: nobody but this writes it.
    private RobustnessResult evaluated(RobustnessEvaluation evaluation, TrainingRun.Outcome trained, Dataset images, Progress told,
            Path state) throws IOException {
        try {
            return evaluation.run(trained.model(), images, device, new Attacks(told, images), Optional.of(state));
        } catch (FormatException e) {
            told.line("the state of the attack is of no use and is removed, so that the attack begins anew: " + e.getMessage());
            Files.deleteIfExists(state);
            return evaluation.run(trained.model(), images, device, new Attacks(told, images), Optional.of(state));
        }
    }

    /// Tells how the attacks go on; each has the share of their work that it has of their passes.
    private final class Attacks implements RobustnessEvaluation.Listener {

        private final Progress told;
        private final int images;
        private final List<Attack> list = config.attack().list();
        private final double[] passes;
        private int current;

        Attacks(Progress told, Dataset images) {
            this.told = told;
            this.images = images.size();
            this.passes = list.stream().map(attack -> attack.passes(config.attack().threat(), images.classes()))
                    .mapToDouble(one -> one.forward() + one.backward()).toArray();
        }

        @Override
        public void attack(String name, int count, Optional<RobustnessResult.AttackResult> result) {
            told.line(result.map(ended -> String.format(Locale.ROOT, "%s fooled %d of %d images in %s", name, ended.fooled(), count,
                    Progress.duration(ended.seconds()))).orElse(name + " attacks " + count + " images"));
            while (!list.get(current).name().equals(name)) {
                current++; // it was done by an earlier process
            }
            if (result.isPresent()) {
                tell(1);
                current++;
            }
        }

        @Override
        public void progress(String name, double done, int robust) {
            told.update(String.format(Locale.ROOT, "%s %.0f%%  robust so far %.1f%%", name, 100 * done, 100.0 * robust / images));
            tell(done);
        }

        private void tell(double done) {
            double before = Arrays.stream(passes).limit(current).sum();
            listener.attacked((before + done * passes[current]) / Arrays.stream(passes).sum());
        }
    }
}
