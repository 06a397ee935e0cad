package dev.normlab.nn.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.io.FormatException;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Executor;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.CropAndFlip;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.StateDict;
import dev.normlab.nn.loss.Objective;
import dev.normlab.nn.optim.Adam;
import dev.normlab.nn.optim.AdamOptions;
import dev.normlab.nn.optim.Schedule;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainerTest {

    private static final int EPOCHS = 3;
    private static final int BATCHES = 4; // 31 images in batches of 8: the last one has 7
    private static final Dataset TRAIN = TinyTask.data(31, 1);
    private static final Dataset TEST = TinyTask.data(20, 2);

    @TempDir
    Path folder;

    private static TrainingStep step(Layer model, Device device) {
        return new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.05, 0.9, 5e-4)), List.of(), device);
    }

    private static BatchLoader loader() {
        return BatchLoader.shuffled(TRAIN, 8, 7, new CropAndFlip(1, true));
    }

    private static TrainerOptions options() {
        return TrainerOptions.of(EPOCHS, Schedule.multiStep(List.of(1, 2), 0.5));
    }

    private static Layer uninterrupted(String device, int threads) throws IOException {
        Layer model = TinyTask.model(11);
        try (Device opened = Device.open(device, threads); TrainingStep step = step(model, opened)) {
            assertTrue(new Trainer(step, loader(), TEST, options()).run());
        }
        return model;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 7, 11})
    void aRunThatIsInterruptedAndResumedIsBitwiseTheUninterruptedOne(int stopAfter) throws IOException {
        Path checkpoint = folder.resolve("checkpoint.safetensors");
        TrainerOptions options = options().withCheckpoint(checkpoint, Map.of("model", "tiny"));
        try (Device device = Device.cpu(1); TrainingStep step = step(TinyTask.model(11), device)) {
            Trainer trainer = new Trainer(step, loader(), TEST, options);
            trainer.listen(event -> {
                if (event instanceof TrainingEvent.StepFinished finished && finished.step() == stopAfter) {
                    trainer.requestStop();
                }
            });
            assertFalse(trainer.run());
        }
        Checkpoint read = Checkpoint.read(checkpoint);
        assertEquals(stopAfter + 1, read.position().step());
        assertEquals(Map.of("model", "tiny"), read.metadata());
        Layer model = TinyTask.model(99);
        List<TrainingEvent> events = new ArrayList<>();
        try (Device device = Device.cpu(2); TrainingStep step = step(model, device)) {
            Trainer trainer = new Trainer(step, loader(), TEST, options).listen(events::add);
            trainer.resume(checkpoint);
            assertTrue(trainer.run());
            assertEquals(EPOCHS * BATCHES, step.step());
        }
        TinyTask.assertSameBits(uninterrupted("cpu", 1), model);
        assertEquals(
                new TrainingEvent.RunStarted(stopAfter / BATCHES, stopAfter % BATCHES + 1, EPOCHS, BATCHES, 31, model.parameterCount()),
                events.getFirst());
        long finished = events.stream().filter(TrainingEvent.EpochFinished.class::isInstance).count();
        assertEquals(EPOCHS - stopAfter / BATCHES, finished, "epochs that ended in the resumed run");
        events.forEach(event -> {
            if (event instanceof TrainingEvent.EpochFinished epoch) {
                assertEquals(31, epoch.train().count(), "an interrupted epoch's totals cover all of its images");
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "scalar"})
    void theNumberOfThreadsDoesNotChangeABit(String device) throws IOException {
        Layer one = uninterrupted(device, 1);
        TinyTask.assertSameBits(one, uninterrupted(device, 2));
        TinyTask.assertSameBits(one, uninterrupted(device, 5));
    }

    @Test
    void aCheckpointAtTheEndOfAnEpochResumesWithAnAdaptiveOptimiserToo() throws IOException {
        Path checkpoint = folder.resolve("checkpoint.safetensors");
        Layer through = adam(3, null, checkpoint.resolveSibling("through.safetensors"));
        adam(2, null, checkpoint);
        TinyTask.assertSameBits(through, adam(3, checkpoint, checkpoint));
    }

    private static Layer adam(int epochs, @Nullable Path resume, Path checkpoint) throws IOException {
        Layer model = TinyTask.model(11);
        try (Device device = Device.scalar(1);
                TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Adam(model, AdamOptions.adamW(0.01)), List.of(),
                        device)) {
            Trainer trainer = new Trainer(step, loader(), null,
                    TrainerOptions.of(epochs, Schedule.constant()).withCheckpoint(checkpoint, Map.of()));
            if (resume != null) {
                trainer.resume(resume);
            }
            trainer.run();
        }
        return model;
    }

    @Test
    void listenersHearEverythingInOrder() throws IOException {
        List<TrainingEvent> events = new ArrayList<>();
        try (Device device = Device.scalar(1); TrainingStep step = step(TinyTask.model(11), device)) {
            new Trainer(step, loader(), TEST, new TrainerOptions(2, Schedule.step(1, 0.1), 2, 9, null, Map.of(), 0)).listen(events::add)
                    .run();
        }
        assertInstanceOf(TrainingEvent.RunStarted.class, events.removeFirst());
        for (int epoch = 0; epoch < 2; epoch++) {
            assertEquals(new TrainingEvent.EpochStarted(epoch, epoch == 0 ? 0.05 : 0.05 * 0.1), events.removeFirst());
            for (int batch = 0; batch < BATCHES; batch++) {
                TrainingEvent.StepFinished finished = assertInstanceOf(TrainingEvent.StepFinished.class, events.removeFirst());
                assertEquals(batch, finished.batch());
                assertEquals(epoch * BATCHES + batch, finished.step());
                assertEquals(batch == BATCHES - 1 ? 7 : 8, finished.result().count());
            }
            TrainingEvent.EpochFinished finished = assertInstanceOf(TrainingEvent.EpochFinished.class, events.removeFirst());
            assertEquals(epoch == 1, finished.test().isPresent(), "evaluated every second epoch");
            assertEquals(31, finished.train().count());
        }
        TrainingEvent.RunFinished end = assertInstanceOf(TrainingEvent.RunFinished.class, events.removeFirst());
        assertTrue(end.completed());
        assertTrue(events.isEmpty());
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "scalar"})
    void trainingLearnsAndEvaluationDoesNotDependOnTheBatchSize(String name) throws IOException {
        Layer model = TinyTask.model(11);
        Dataset train = TinyTask.data(120, 3);
        try (Device device = Device.open(name, 2); TrainingStep step = step(model, device)) {
            new Trainer(step, BatchLoader.shuffled(train, 10, 7, null), TEST, TrainerOptions.of(8, Schedule.constant())).run();
            Evaluation whole = new Evaluator(model, 20, device).evaluate(TEST);
            assertTrue(whole.accuracy() > 0.8, "accuracy " + whole.accuracy());
            assertEquals(whole, new Evaluator(model, 3, device).evaluate(TEST));
            assertTrue(model.isTraining(), "evaluation leaves the mode as it was");
            model.namedLayers().get("1").eval();
            new Evaluator(model, 20, device).evaluate(TEST);
            assertFalse(model.namedLayers().get("1").isTraining(), "a frozen layer stays frozen");
            float[] logits = new Evaluator(model, 7, device).logits(TEST).toArray();
            assertArrayEquals(new Evaluator(model, 1, device).logits(TEST).toArray(), logits);
            for (int size : new int[] {7, 200}) {
                Evaluator padding = new Evaluator(model, size, device, true);
                assertEquals(whole, padding.evaluate(TEST));
                assertArrayEquals(logits, padding.logits(TEST).toArray());
            }
            assertEquals(20 * TinyTask.CLASSES, logits.length);
        }
    }

    @Test
    void divergenceIsToldAndLeavesTheLastCheckpointAlone() throws IOException {
        Path checkpoint = folder.resolve("checkpoint.safetensors");
        Layer model = TinyTask.model(11);
        List<TrainingEvent> events = new ArrayList<>();
        try (Device device = Device.scalar(1); TrainingStep step = step(model, device)) {
            Trainer trainer = new Trainer(step, loader(), null,
                    TrainerOptions.of(2, (base, epoch) -> epoch == 0 ? base : 3e38).withCheckpoint(checkpoint,
                            Map.of()));
            DivergenceException thrown = assertThrows(DivergenceException.class, () -> trainer.listen(events::add).run());
            TrainingEvent.Diverged told = assertInstanceOf(TrainingEvent.Diverged.class, events.getLast());
            assertEquals(thrown, told.exception());
            assertEquals(1, told.epoch());
        }
        assertEquals(1, Checkpoint.read(checkpoint).position().epoch());
        Layer again = TinyTask.model(99);
        Checkpoint.read(checkpoint).restore(again);
        again.stateDict().values().forEach(tensor -> assertTrue(Divergence.isFinite(tensor)));
    }

    /// A hook on the host that does something after the update of one step.
    private static TrainingHook afterUpdateOf(long step, Runnable work) {
        return new TrainingHook() {

            private long now;

            @Override
            public Moment moment() {
                return Moment.AFTER_UPDATE;
            }

            @Override
            public boolean hostSide() {
                return true;
            }

            @Override
            public void beforeStep(long next) {
                now = next;
            }

            @Override
            public void apply(Executor executor, Gradients gradients) {
                if (now == step) {
                    work.run();
                }
            }
        };
    }

    private static DivergenceException diverged(Layer model, TrainingHook hook, List<TrainingEvent> events) {
        try (Device device = Device.cpu(1);
                TrainingStep step = new TrainingStep(model, Objective.crossEntropy(), new Sgd(model, SgdOptions.of(0.05, 0.9, 5e-4)),
                        List.of(hook), device)) {
            Trainer trainer = new Trainer(step, loader(), TEST, options()).listen(events::add);
            return assertThrows(DivergenceException.class, trainer::run);
        }
    }

    /// No gradient and no loss sees what the update of the very last step has done.
    @Test
    void aParameterThatIsNotFiniteAtTheEndOfAnEpochIsADivergence() {
        Layer model = TinyTask.model(11);
        List<TrainingEvent> events = new ArrayList<>();
        DivergenceException thrown = diverged(model, afterUpdateOf(EPOCHS * BATCHES - 1, () -> {
            float[] weights = model.namedParameters().get("4.weight").tensor().toArray();
            weights[17] = Float.POSITIVE_INFINITY;
            model.namedParameters().get("4.weight").set(weights);
        }), events);
        assertEquals("4", thrown.layer());
        assertTrue(thrown.getMessage().contains("diverged in step 12: the loss was finite, but 4.weight has values"), thrown.getMessage());
        assertInstanceOf(TrainingEvent.Diverged.class, events.getLast());
        assertEquals(EPOCHS - 1, events.stream().filter(TrainingEvent.EpochFinished.class::isInstance).count());
    }

    @Test
    void aHookThatCannotComputeIsADivergence() {
        List<TrainingEvent> events = new ArrayList<>();
        DivergenceException thrown = diverged(TinyTask.model(11), afterUpdateOf(5, () -> {
            throw new ArithmeticException("the matrix contains NaN");
        }), events);
        assertTrue(thrown.getMessage().contains("diverged in step 6: the loss is finite, but "), thrown.getMessage());
        assertTrue(thrown.getMessage().contains(" cannot go on: the matrix contains NaN."), thrown.getMessage());
        assertInstanceOf(ArithmeticException.class, thrown.getCause());
        assertInstanceOf(TrainingEvent.Diverged.class, events.getLast());
    }

    @Test
    void resumingFromSomethingElseSaysWhatIsWrong() throws IOException {
        Path weights = folder.resolve("weights.safetensors");
        StateDict.write(TinyTask.model(1), weights, Map.of());
        Path checkpoint = folder.resolve("checkpoint.safetensors");
        adam(1, null, checkpoint);
        try (Device device = Device.scalar(1); TrainingStep step = step(TinyTask.model(11), device)) {
            Trainer trainer = new Trainer(step, loader(), null, options());
            assertMessage("this is no checkpoint of a training run", () -> trainer.resume(weights));
            assertMessage("another optimiser or method", () -> trainer.resume(checkpoint));
            Trainer other = new Trainer(step, BatchLoader.plain(TRAIN, 16), null, options());
            assertMessage("31 training images in batches of 8, but now there are 31 in batches of 16", () -> other.resume(checkpoint));
            Files.write(checkpoint, new byte[] {1, 2, 3});
            assertThrows(FormatException.class, () -> trainer.resume(checkpoint));
            assertThrows(IOException.class, () -> trainer.resume(folder.resolve("missing")));
        }
    }

    private static void assertMessage(String part, Executable action) {
        String message = assertThrows(FormatException.class, action).getMessage();
        assertTrue(message.contains(part), message);
    }

    @Test
    void aCheckpointThatCannotBeWrittenIsAnError() throws IOException {
        try (Device device = Device.scalar(1); TrainingStep step = step(TinyTask.model(11), device)) {
            Trainer trainer = new Trainer(step, loader(), null,
                    options().withCheckpoint(folder.resolve("no/such/folder/c.safetensors"), Map.of()));
            assertThrows(IOException.class, trainer::run);
        }
    }
}
