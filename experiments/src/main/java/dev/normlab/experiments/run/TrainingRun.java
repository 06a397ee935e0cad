package dev.normlab.experiments.run;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.experiments.interchange.RunEvents;
import dev.normlab.experiments.plot.Numbers;
import dev.normlab.experiments.store.LineWriter;
import dev.normlab.experiments.store.MetricsLine;
import dev.normlab.experiments.store.NormLine;
import dev.normlab.experiments.store.RunFolder;
import dev.normlab.experiments.store.RunLog;
import dev.normlab.experiments.store.RunResult;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.LayerNorms;
import dev.normlab.lip.norm.Norm;
import dev.normlab.lip.record.NormRecorder;
import dev.normlab.lip.record.NormSeries;
import dev.normlab.nn.data.Augmentation;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.DataSplits;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.model.ModelSpec;
import dev.normlab.nn.model.Summary;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.DivergenceException;
import dev.normlab.nn.train.EpochTotals;
import dev.normlab.nn.train.Evaluation;
import dev.normlab.nn.train.Evaluator;
import dev.normlab.nn.train.Trainer;
import dev.normlab.nn.train.TrainerOptions;
import dev.normlab.nn.train.TrainingEvent;
import dev.normlab.nn.train.TrainingListener;
import dev.normlab.nn.train.TrainingStep;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One training run: model, data, method and trainer put together from settings, with a run folder that grows while it trains.
///
/// The folder gets metrics and norms after every epoch, a checkpoint after every epoch and when interrupted, and at the end the weights and
/// the result. A run that is resumed gives bitwise the weights of an uninterrupted one.
public final class TrainingRun implements AutoCloseable {

    private static final Set<LayerKind> WEIGHTS = EnumSet.of(LayerKind.CONV, LayerKind.LINEAR);
    private static final Set<LayerKind> BATCH_NORMS = EnumSet.of(LayerKind.BN);

    /// The name of the file of norms between the ends of epochs.
    public static final String NORM_SERIES_NAME = "norms.safetensors";

    private static final int EVALUATION_SIZE = 256;
    private static final int MOST_NORM_POINTS = 2000;
    private static final double MOST_TIMES_GUESSING = 100;

    private final TrainingSettings settings;
    private final ModelSpec spec;
    private final Layer model;
    private final DataSplits data;
    private final RunFolder folder;
    private final Summary summary;
    private final RunLog log;
    private final Progress progress;
    private final Trainer trainer;
    private final TrainingStep step;
    private @Nullable LineWriter<MetricsLine> metrics;
    private @Nullable LineWriter<NormLine> norms;
    private @Nullable Evaluation lastEvaluation;
    private String resumeCommand;
    private List<RunResult.AttackScore> earlierAttacks = List.of();
    private boolean tensorBoard;
    private int completedEpochs;
    private double bestAccuracy = -1;
    private long epochStarted;
    private double earlierSeconds;
    private final long began = System.nanoTime();

    /// What came of a run.
    ///
    /// @param completed  whether all epochs were trained
    /// @param evaluation on the test images after the last epoch, if it got there
    public record Outcome(Layer model, ModelSpec spec, boolean completed, Optional<Evaluation> evaluation, double seconds) {}

    /// Makes or opens a run folder.
    @FunctionalInterface
    public interface FolderSource {

        /// The folder of the run of this model.
        ///
        /// @throws IOException if it cannot be made or opened
        RunFolder folder(Summary model) throws IOException;
    }

    /// Puts a run together; nothing is trained yet.
    ///
    /// @param source asked for the run folder last, so that settings that do not fit leave none behind
    /// @throws UserError   if settings do not fit each other or the data
    /// @throws IOException if the file of initial weights cannot be read, or there is no folder
    public TrainingRun(TrainingSettings settings, DataSplits data, Device device, FolderSource source, Progress progress)
            throws IOException {
        this.settings = settings;
        this.data = data;
        this.spec = Weights.parse(settings.model(), data.train().classes());
        Weights.requireClasses(spec, data.train().classes());
        Method.requireHead(spec, settings.adversarial());
        this.model = settings.init().isEmpty()
                ? Weights.load(null, spec.toString(), settings.seed()).model()
                : Weights.load(Path.of(settings.init()), spec.toString(), settings.seed(), "--init").model();
        this.summary = Weights.summarize(model, data.train().shape(), device);
        Augmentation augmentation = settings.augment() ? Augmentation.cropAndFlip() : null;
        BatchLoader loader = settings.shuffle()
                ? BatchLoader.shuffled(data.train(), settings.batchSize(), settings.seed(), augmentation)
                : BatchLoader.inOrder(data.train(), settings.batchSize(), settings.seed(), augmentation);
        Objective objective = settings.adversarial().map(adversarial -> adversarial.objective(settings.seed()))
                .orElseGet(Objective::crossEntropy);
        this.step = new TrainingStep(model, objective, new Sgd(model, SgdOptions.of(settings.lr(), settings.momentum(),
                settings.weightDecay())), Method.hooks(model, settings.normDecay(), settings.projectBn(), settings.svc(), loader.batches()),
                device);
        this.folder = source.folder(summary);
        this.log = new RunLog(folder.path());
        this.progress = progress.loggedTo(log::line);
        settings.adversarial().flatMap(AdversarialSettings::warning).ifPresent(this.progress::line);
        this.resumeCommand = "train --out " + folder.path() + " --resume";
        this.trainer = new Trainer(step, loader, data.test(), TrainerOptions.of(settings.epochs(), settings.learningRates())
                .withCheckpoint(checkpoint(), Weights.metadata(spec, data.train().shape()))
                .withStatisticsOf(settings.statisticsImages()));
    }

    private Path checkpoint() {
        return folder.path().resolve(Weights.CHECKPOINT_NAME);
    }

    /// What the user should know about a run that has come to its end.
    private List<String> remarks() {
        List<String> remarks = new ArrayList<>();
        double guessing = StrictMath.log(spec.classes());
        if (lastEvaluation != null && lastEvaluation.loss() > MOST_TIMES_GUESSING * guessing) {
            remarks.add(String.format(Locale.ROOT,
                    "the loss on the test images is %.1e, where guessing has %.2f: the training has run away; try a "
                            + "smaller --lr",
                    lastEvaluation.loss(), guessing));
        }
        if (settings.statisticsImages() == 0 && settings.init().isEmpty()) {
            RunningStatistics.remark(model, step.step()).ifPresent(remarks::add);
        }
        return remarks;
    }

    /// Says with which command the user goes on after an interruption; the default is that of a single training.
    public void resumeWith(String command) {
        resumeCommand = command;
    }

    /// Goes on where the folder's checkpoint stands, when [#run] is called next. If machine or program are others than before, the folder
    /// records them.
    ///
    /// @throws IOException if there is none, or it is not of this run
    public void resume() throws IOException {
        if (!Files.exists(checkpoint())) {
            throw UserError
                    .failure(folder.path() + " has no checkpoint to resume from: the run ended before its first epoch did; start it anew");
        }
        trainer.resume(checkpoint());
        folder.addProvenance(Instant.now(), Provenance.of(step.device(), summary, data));
        RunFolder.Contents known = folder.read();
        double atLastEpoch = known.metrics().isEmpty() ? 0 : known.metrics().getLast().seconds();
        earlierSeconds = Math.max(atLastEpoch, known.result().map(RunResult::seconds).filter(Double::isFinite).orElse(0.0));
        // Attacks on an unfinished run were on other weights than those that it will end with.
        Optional<RunResult> finished = known.result().filter(result -> result.status() == RunResult.Status.FINISHED);
        earlierAttacks = finished.map(RunResult::attacks).orElse(List.of());
        if (finished.isPresent()) {
            progress.line(folder.path() + " is finished: " + Numbers.counted(settings.epochs(), "epoch is", "epochs are")
                    + " trained, so there is nothing to resume");
        }
    }

    /// Writes metrics and norms as an event file of TensorBoard, too, after every epoch.
    public void writeEvents() {
        tensorBoard = true;
    }

    /// Also records the norms of all layers every so many steps, thinned in memory, into [#NORM_SERIES_NAME] of the folder, which is
    /// rewritten after every epoch and with every checkpoint. After [#resume] it goes on with what is there, and the file is in the end
    /// that of an uninterrupted run.
    ///
    /// @throws IOException if an earlier part cannot be read
    public void recordNorms(int everySteps) throws IOException {
        NormRecorder recorder = new NormRecorder(model, new NormRecorder.Options(everySteps, MOST_NORM_POINTS));
        Path file = folder.path().resolve(NORM_SERIES_NAME);
        if (step.step() > 0 && Files.exists(file)) {
            recorder.resume(NormSeries.read(file), step.step());
        }
        trainer.listen(recorder);
        trainer.listen(event -> {
            // after an epoch before its checkpoint: a file that is ahead of the checkpoint can be gone on with, one behind it has a gap
            if (event instanceof TrainingEvent.EpochFinished || event instanceof TrainingEvent.CheckpointWritten) {
                try {
                    recorder.series().write(file);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        });
    }

    /// Adds a listener to the training.
    public void listen(TrainingListener listener) {
        trainer.listen(listener);
    }

    /// Trains; Ctrl-C ends the run after the current step with a checkpoint.
    ///
    /// @throws DivergenceException if a step meets NaN or infinity; the folder says so
    /// @throws IOException         if the folder cannot be written
    public Outcome run() throws IOException {
        trainer.listen(this::on);
        try (Interruption interruption = Interruption.handle(trainer::requestStop)) {
            boolean completed = trainer.run();
            if (completed && lastEvaluation == null) {
                lastEvaluation = evaluate(); // resumed after its last epoch
            }
            double seconds = earlierSeconds + secondsSince(began);
            Optional<Evaluation> evaluation = Optional.ofNullable(lastEvaluation);
            String remark = "";
            if (completed) {
                remark = String.join("; ", remarks());
                if (!remark.isEmpty()) {
                    progress.line("warning: " + remark);
                }
                Weights.save(model, spec, data.train().shape(), folder.path().resolve(Weights.FILE_NAME));
            }
            folder.writeResult(new RunResult(completed ? RunResult.Status.FINISHED : RunResult.Status.INTERRUPTED,
                    completed ? remark : "Resume it with: ./normlab " + resumeCommand, completedEpochs,
                    seconds, evaluation.map(e -> RunResult.Score.of(e.count(), e.correct(), e.loss())).orElse(null), earlierAttacks));
            if (!completed) {
                progress.line("interrupted; the checkpoint is safe. Go on with: ./normlab " + resumeCommand);
            }
            return new Outcome(model, spec, completed, evaluation, seconds);
        } catch (DivergenceException e) {
            folder.writeResult(new RunResult(RunResult.Status.DIVERGED, String.valueOf(e.getMessage()), completedEpochs,
                    earlierSeconds + secondsSince(began), null, List.of()));
            throw e;
        } catch (UncheckedIOException e) {
            throw e.getCause();
        } catch (ShapeException e) {
            throw UserError.failure("images of " + data.train().shape() + " do not fit the model: " + e.getMessage());
        }
    }

    private Evaluation evaluate() {
        try (Evaluator evaluator = new Evaluator(model, EVALUATION_SIZE, step.device())) {
            return evaluator.evaluate(data.test());
        }
    }

    private void on(TrainingEvent event) {
        try {
            switch (event) {
                case TrainingEvent.RunStarted started -> begin(started);
                case TrainingEvent.EpochStarted _ -> epochStarted = System.nanoTime();
                case TrainingEvent.StepFinished finished -> showStep(finished);
                case TrainingEvent.EpochFinished finished -> record(finished);
                case TrainingEvent.CheckpointWritten _,TrainingEvent.Diverged _,TrainingEvent.RunFinished _ -> progress.clear();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void begin(TrainingEvent.RunStarted started) throws IOException {
        completedEpochs = started.epoch();
        log.line(String.format(Locale.ROOT, "%s of %s, %d parameters, on %d images: epoch %d, batch %d", settings.title(), spec,
                started.parameters(), started.images(), started.epoch() + 1, started.batch() + 1));
        boolean fresh = started.epoch() == 0 && started.batch() == 0;
        metrics = folder.appendMetrics(fresh ? -1 : started.epoch());
        norms = folder.appendNorms(fresh ? -1 : started.epoch());
        if (fresh) {
            norms.write(normLines(0, LayerNorms.of(model, step.device())));
        } else {
            bestAccuracy = folder.read().metrics().stream().mapToDouble(MetricsLine::testAccuracy).filter(Double::isFinite).max()
                    .orElse(-1);
        }
    }

    private void showStep(TrainingEvent.StepFinished finished) {
        double done = finished.batch() + 1;
        double perBatch = secondsSince(epochStarted) / done;
        double left = perBatch * (finished.batches() - done + (settings.epochs() - finished.epoch() - 1.0) * finished.batches());
        progress.update(String.format(Locale.ROOT, "epoch %d/%d  batch %d/%d  loss %s  accuracy %.1f%%%s  %.0f images/s  ETA %s",
                finished.epoch() + 1, settings.epochs(), finished.batch() + 1, finished.batches(), Progress.loss(finished.totals().loss()),
                100 * finished.totals().accuracy(), robust(finished.totals()), finished.imagesPerSecond(), Progress.duration(left)));
    }

    private static String robust(EpochTotals totals) {
        return totals.robustCount() == 0 ? "" : String.format(Locale.ROOT, "  robust %.1f%%", 100 * totals.robustAccuracy());
    }

    private void record(TrainingEvent.EpochFinished finished) throws IOException {
        completedEpochs = finished.epoch() + 1;
        finished.test().ifPresent(evaluation -> lastEvaluation = evaluation);
        LayerNorms measured = LayerNorms.of(model, step.device());
        double seconds = earlierSeconds + secondsSince(began);
        MetricsLine line = new MetricsLine(completedEpochs, step.step(), finished.learningRate(), finished.train().loss(),
                finished.train().accuracy(), finished.train().robustAccuracy(), finished.test().map(Evaluation::loss).orElse(Double.NaN),
                finished.test().map(Evaluation::accuracy).orElse(Double.NaN),
                measured.sum(Norm.L1, WEIGHTS), measured.sum(Norm.L1, BATCH_NORMS), finished.imagesPerSecond(), seconds);
        keepBest(line.testAccuracy());
        write(line, measured);
        progress.line(String.format(Locale.ROOT,
                "epoch %3d/%d  loss %s  accuracy %5.1f%%%s  test %5.1f%%  l1 norms (conv + linear) %.1f  %.0f images/s  ETA %s",
                completedEpochs, settings.epochs(), Progress.loss(line.loss()), 100 * line.accuracy(), robust(finished.train()),
                100 * line.testAccuracy(),
                line.normSumL1(),
                line.imagesPerSecond(), Progress.duration(secondsSince(epochStarted) * (settings.epochs() - completedEpochs))));
    }

    /// Keeps the weights of the epoch with the best accuracy on the test images, the first of them if there are several.
    private void keepBest(double testAccuracy) throws IOException {
        if (testAccuracy > bestAccuracy) {
            bestAccuracy = testAccuracy;
            Weights.save(model, spec, data.train().shape(), folder.path().resolve(Weights.BEST_NAME));
        }
    }

    private void write(MetricsLine line, LayerNorms measured) throws IOException {
        if (metrics != null && norms != null) {
            metrics.write(line);
            norms.write(normLines(line.epoch(), measured));
            metrics.sync();
            norms.sync();
            if (tensorBoard) {
                RunEvents.update(folder);
            }
        }
    }

    private static List<NormLine> normLines(int epoch, LayerNorms measured) {
        return measured.layers().stream().map(layer -> new NormLine(epoch, layer.name(), layer.kind().label(), layer.l1(), layer.linf()))
                .toList();
    }

    /// Closes the folder's files.
    @Override
    public void close() throws IOException {
        if (metrics != null) {
            metrics.close();
        }
        if (norms != null) {
            norms.close();
        }
        log.close();
        step.close();
    }

    private static double secondsSince(long start) {
        return (System.nanoTime() - start) / 1e9;
    }
}
