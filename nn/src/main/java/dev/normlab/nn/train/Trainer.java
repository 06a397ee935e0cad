package dev.normlab.nn.train;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.io.FormatException;
import dev.normlab.nn.data.Batch;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.optim.Optimizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Trains a model over epochs: batches, steps, evaluation, checkpoints, events for listeners.
///
/// A run that is resumed from a checkpoint gives bitwise the weights of an uninterrupted one, also when it was stopped in the middle of an
/// epoch: the order of the images, their variation, the learning rate and dropout are functions of seed, epoch and step.
///
/// Another thread may call [#requestStop()], for example when the user presses Ctrl-C: the trainer then ends after the current step with a
/// checkpoint.
public final class Trainer {

    private final TrainingStep step;
    private final BatchLoader loader;
    private final @Nullable Dataset test;
    private final TrainerOptions options;
    private final List<TrainingListener> listeners = new ArrayList<>();
    private double baseLearningRate;
    private int epoch;
    private int batch;
    private EpochTotals totals = EpochTotals.NONE;
    private volatile boolean stopRequested;

    /// A trainer that has not begun.
    ///
    /// @param step   what is done with each batch; its optimiser's learning rate is the one the schedule starts from
    /// @param loader gives the batches of every epoch
    /// @param test   what to evaluate on, or null
    public Trainer(TrainingStep step, BatchLoader loader, @Nullable Dataset test, TrainerOptions options) {
        this.step = step;
        this.loader = loader;
        this.test = test;
        this.options = options;
        this.baseLearningRate = step.optimizer().learningRate();
    }

    /// Adds a listener; returns this trainer.
    public Trainer listen(TrainingListener listener) {
        listeners.add(listener);
        return this;
    }

    /// Goes on where a checkpoint stands, when [#run] is called next.
    ///
    /// @throws FormatException if the file is no checkpoint, or one of another method, batch size or data set
    /// @throws IOException     if it cannot be read
    public void resume(Path file) throws IOException {
        Checkpoint checkpoint = Checkpoint.read(file);
        Checkpoint.Position position = checkpoint.position();
        if (position.batchSize() != loader.batchSize() || position.images() != loader.data().size()
                || position.batch() > loader.batches()) {
            throw new FormatException(file.toString(),
                    "the checkpoint is of a run with " + position.images() + " training images in batches of "
                            + position.batchSize() + ", but now there are " + loader.data().size() + " in batches of " + loader.batchSize()
                            + ". Resume with the run's own options");
        }
        checkpoint.restore(step);
        epoch = position.epoch();
        batch = position.batch();
        totals = position.totals();
        baseLearningRate = position.baseLearningRate();
    }

    /// Asks the trainer to end after the current step. May be called by any thread.
    public void requestStop() {
        stopRequested = true;
    }

    /// Trains until the last epoch is over or a stop was requested.
    ///
    /// @return whether all epochs were trained
    /// @throws DivergenceException if a step meets NaN or infinity, or a parameter is not finite at the end of an epoch; the last
    ///                             checkpoint stays as it is
    /// @throws IOException         if a checkpoint cannot be written
    public boolean run() throws IOException {
        long began = System.nanoTime();
        tell(new TrainingEvent.RunStarted(epoch, batch, options.epochs(), loader.batches(), loader.data().size(),
                step.model().parameterCount()));
        boolean completed = true;
        try (Evaluator evaluator = new Evaluator(step.model(), options.evaluationSize(), step.device())) {
            while (completed && epoch < options.epochs()) {
                completed = trainEpoch(evaluator);
            }
        }
        tell(new TrainingEvent.RunFinished(completed, step.step(), secondsSince(began)));
        return completed;
    }

    private boolean trainEpoch(Evaluator evaluator) throws IOException {
        long began = System.nanoTime();
        Optimizer optimizer = step.optimizer();
        optimizer.learningRate(options.schedule().learningRate(baseLearningRate, epoch));
        tell(new TrainingEvent.EpochStarted(epoch, optimizer.learningRate()));
        long before = totals.count();
        try (BatchLoader.Epoch batches = loader.epoch(epoch, batch)) {
            while (batches.hasNext()) {
                if (stopRequested) {
                    writeCheckpoint();
                    return false;
                }
                takeStep(batches.next(), began, before);
            }
        }
        if (stopRequested) {
            writeCheckpoint();
            return false;
        }
        double imagesPerSecond = (totals.count() - before) / secondsSince(began);
        finishEpoch(evaluator, imagesPerSecond, began);
        return true;
    }

    private void takeStep(Batch images, long began, long before) {
        StepResult result = orDiverged(() -> step.run(images.imageTensor(), images.labelTensor()));
        totals = totals.plus(result);
        tell(new TrainingEvent.StepFinished(epoch, batch, loader.batches(), step.step() - 1, result, totals,
                (totals.count() - before) / secondsSince(began)));
        batch++;
    }

    private <T> T orDiverged(Supplier<T> work) {
        try {
            return work.get();
        } catch (DivergenceException e) {
            tell(new TrainingEvent.Diverged(epoch, batch, e));
            throw e;
        }
    }

    private void finishEpoch(Evaluator evaluator, double imagesPerSecond, long began) throws IOException {
        // The update and the hooks of the last step may have left what no gradient has shown yet.
        orDiverged(() -> Divergence.requireFinite(step.model(), step.step() - 1));
        estimateStatistics();
        boolean due = (epoch + 1) % options.evaluateEvery() == 0 || epoch + 1 == options.epochs();
        Optional<Evaluation> evaluation = test == null || !due ? Optional.empty() : Optional.of(evaluator.evaluate(test));
        tell(new TrainingEvent.EpochFinished(epoch, step.optimizer().learningRate(), totals, evaluation, imagesPerSecond,
                secondsSince(began)));
        epoch++;
        batch = 0;
        totals = EpochTotals.NONE;
        writeCheckpoint();
    }

    private void estimateStatistics() {
        if (options.estimateOn() > 0) {
            try (BatchLoader.Epoch batches = loader.epoch(epoch)) {
                BatchNormEstimate.estimate(step.model(), batches, options.estimateOn(), step.step(), step.device());
            }
            try (Tape tape = Tape.inference(step.device())) {
                step.hooks().stream().filter(TrainingHook::dependsOnStatistics)
                        .forEach(hook -> hook.apply(tape.executor(), new Gradients(Map.of())));
            }
        }
    }

    private void writeCheckpoint() throws IOException {
        Path file = options.checkpoint();
        if (file == null) {
            return;
        }
        Checkpoint.Position position = new Checkpoint.Position(epoch, batch, step.step(), step.optimizer().steps(), baseLearningRate,
                loader.batchSize(),
                loader.data().size(), totals);
        Checkpoint.write(file, step, position, options.metadata());
        tell(new TrainingEvent.CheckpointWritten(file, epoch, batch));
    }

    private void tell(TrainingEvent event) {
        listeners.forEach(listener -> listener.on(event));
    }

    /// The model that is trained.
    public Layer model() {
        return step.model();
    }

    private static double secondsSince(long began) {
        return Math.max(1, System.nanoTime() - began) / 1e9;
    }
}
