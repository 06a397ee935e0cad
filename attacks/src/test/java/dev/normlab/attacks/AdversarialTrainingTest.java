package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.RobustLoss.Kind;
import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.engine.autograd.Matrices;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.data.BatchLoader;
import dev.normlab.nn.data.CropAndFlip;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.init.Initialization;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.CosineLinear;
import dev.normlab.nn.layer.Dropout;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import dev.normlab.nn.optim.Schedule;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.EpochTotals;
import dev.normlab.nn.train.StepResult;
import dev.normlab.nn.train.Trainer;
import dev.normlab.nn.train.TrainerOptions;
import dev.normlab.nn.train.TrainingEvent;
import dev.normlab.nn.train.TrainingStep;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Adversarial losses inside the trainer's own steps.
class AdversarialTrainingTest {

    private static final int BATCH = 4;
    private static final int EPOCHS = 2;
    /// Two full batches and one of a single image.
    private static final Dataset DATA = TestModels.images(2 * BATCH + 1, 4, 5);

    @TempDir
    private Path folder = Path.of("");

    private static Layer network(boolean cosine) {
        return new Sequential(new Conv2d(3, 8, 3, 1, 1, true), new BatchNorm2d(8), new ReLU(), new Flatten(), new Dropout(.25f),
                cosine ? new CosineLinear(8 * 4 * 5, 4) : new Linear(8 * 4 * 5, 4, true)).initialize(2);
    }

    private static AdversarialObjective objective(Kind kind, Optional<HypersphereEmbedding> embedding) {
        return new AdversarialObjective(new RobustLoss(kind, 1, embedding), new ThreatModel(Ball.LINF, .05f), .02f, 3, 7);
    }

    private static TrainingStep step(Layer model, Kind kind, boolean cosine, Device device) {
        Optional<HypersphereEmbedding> embedding = cosine ? Optional.of(new HypersphereEmbedding(15, .2f)) : Optional.empty();
        return new TrainingStep(model, objective(kind, embedding), new Sgd(model, SgdOptions.of(.05, .9, 5e-4)), List.of(), device);
    }

    private static Trainer trainer(TrainingStep step, Path checkpoint) {
        return new Trainer(step, BatchLoader.shuffled(DATA, BATCH, 7, new CropAndFlip(1, true)), DATA,
                TrainerOptions.of(EPOCHS, Schedule.constant()).withCheckpoint(checkpoint, Map.of()));
    }

    private static void assertSameBits(Layer expected, Layer actual) {
        expected.stateDict().forEach((name, tensor) -> assertArrayEquals(tensor.toArray(), actual.stateDict().get(name).toArray(), name));
    }

    @ParameterizedTest
    @CsvSource({"PGD_AT,false", "TRADES,true", "ALP,false"})
    void aRunStoppedAfterAnyStepAndResumedWithOtherThreadsIsBitwiseTheUninterruptedOne(Kind kind, boolean cosine) throws IOException {
        Layer whole = network(cosine);
        List<EpochTotals> totals = new ArrayList<>();
        try (Device device = Device.cpu(1); TrainingStep step = step(whole, kind, cosine, device)) {
            assertTrue(trainer(step, folder.resolve("whole")).listen(event -> remember(event, totals)).run());
        }
        for (int stopAfter : new int[] {0, 2, 4}) {
            Path checkpoint = folder.resolve("stopped" + stopAfter);
            try (Device device = Device.cpu(1); TrainingStep step = step(network(cosine), kind, cosine, device)) {
                Trainer trainer = trainer(step, checkpoint);
                assertFalse(trainer.listen(event -> {
                    if (event instanceof TrainingEvent.StepFinished finished && finished.step() == stopAfter) {
                        trainer.requestStop();
                    }
                }).run());
            }
            Layer resumed = network(cosine).initialize(99);
            List<EpochTotals> rest = new ArrayList<>();
            try (Device device = Device.cpu(3); TrainingStep step = step(resumed, kind, cosine, device)) {
                Trainer trainer = trainer(step, checkpoint).listen(event -> remember(event, rest));
                trainer.resume(checkpoint);
                assertTrue(trainer.run());
            }
            assertSameBits(whole, resumed);
            assertEquals(totals.getLast(), rest.getLast(), "both accuracies of the last epoch");
        }
        assertEquals(DATA.size(), totals.getFirst().robustCount());
        assertTrue(totals.getFirst().robustCorrect() <= totals.getFirst().robustCount());
    }

    private static void remember(TrainingEvent event, List<EpochTotals> totals) {
        if (event instanceof TrainingEvent.EpochFinished finished) {
            totals.add(finished.train());
        }
    }

    /// Crafting must not let batch norm see its images: running statistics move once for every pass in train mode and never in between.
    @ParameterizedTest
    @CsvSource({"PGD_AT,1", "TRADES,2", "ALP,2"})
    void runningStatisticsSeeTheTrainingPassesAlone(Kind kind, int passes) {
        Layer model = new Sequential(new BatchNorm2d(3), new Flatten(), new Linear(60, 4, true)).initialize(1);
        Tensor variance = model.stateDict().get("0.running_var");
        Tensor images = Tensor.full(.5f, 2, 3, 4, 5);
        try (Device device = Device.scalar(1);
                TrainingStep step = new TrainingStep(model, objective(kind, Optional.empty()), new Sgd(model, SgdOptions.of(.01, 0, 0)),
                        List.of(), device)) {
            step.run(images, Tensor.ofInts(Shape.of(2), 0, 1));
        }
        // clean images have no variance, adversarial ones one of at most eps^2 · n / (n - 1): what is left of the first 1 tells the passes
        for (float value : variance.toArray()) {
            assertEquals(Math.pow(.9, passes), value, .1 * .05 * .05 * 40 / 39 + 1e-6);
        }
    }

    /// Outputs that are parameters: one set for every pass in train mode, in order. In eval mode the outputs depend on the image.
    private static final class Outputs extends Layer {

        private final List<Parameter> sets = new ArrayList<>();
        private final Tensor weight;
        private int next;

        Outputs(float[]... values) {
            for (float[] value : values) {
                Parameter set = parameter("set" + sets.size(), Initialization.byFanIn(1), 2, 3);
                set.set(value);
                sets.add(set);
            }
            weight = Tensor.of(Shape.of(3, 4), .5f, -1, 1, .25f, -.5f, 1, 0, 1, 1, 0, -1, .5f);
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            return isTraining() ? sets.get(next++).tensor() : Matrices.linear(tape, new Flatten().forward(tape, x), weight, null);
        }
    }

    private record Golden(StepResult result, Outputs model) {

        /// What one step with learning rate 1 subtracted.
        float[] gradient(int set, float[] before) {
            float[] after = model.sets.get(set).tensor().toArray();
            float[] gradient = new float[before.length];
            for (int i = 0; i < gradient.length; i++) {
                gradient[i] = before[i] - after[i];
            }
            return gradient;
        }
    }

    private static Golden golden(RobustLoss loss, int[] labels, float[]... outputs) {
        Outputs model = new Outputs(outputs);
        AdversarialObjective objective = AdversarialObjective.reference(loss, 1);
        try (Device device = Device.cpu(1);
                TrainingStep step = new TrainingStep(model, objective, new Sgd(model, SgdOptions.of(1, 0, 0)), List.of(), device)) {
            return new Golden(step.run(Tensor.full(.5f, 2, 1, 2, 2), Tensor.ofInts(Shape.of(2), labels)), model);
        }
    }

    private static final float[] NATURAL = {1, 2, 3, 0, 0, 1};
    private static final float[] ADVERSARIAL = {2, 1, 0, 1, 0, 0};

    @Test
    void aTrainingStepOfTradesHasTheGoldenLossAndGradients() {
        Golden step = golden(RobustLoss.of(Kind.TRADES, 6), new int[] {2, 2}, NATURAL, ADVERSARIAL);
        assertEquals(5.0233126f, step.result.loss(), 2e-6f);
        assertArrayEquals(new float[] {-.805887f, -.722258f, 1.528145f, -.761406f, -.125581f, .886986f}, step.gradient(0, NATURAL), 2e-6f);
        assertArrayEquals(new float[] {1.725631f, 0, -1.725631f, 1.092526f, 0, -1.092526f}, step.gradient(1, ADVERSARIAL), 2e-6f);
        assertEquals(new StepResult(step.result.loss(), 2, 2, OptionalInt.of(0)), step.result, "clean and robust accuracy");
    }

    @Test
    void trainingStepsOfTheOtherLossesHaveTheirGoldenValues() {
        assertEquals(3.3961921f, golden(RobustLoss.of(Kind.ALP, 1), new int[] {2, 2}, NATURAL, ADVERSARIAL).result.loss(), 2e-6f);
        float[] outputs = {1, 2, 3, 1, 2, 3};
        assertEquals(2.4076059f, golden(RobustLoss.of(Kind.PGD_AT, 1), new int[] {0, 0}, outputs).result.loss(), 2e-6f);
        float[] cosines = {.5f, -.2f, .1f, .3f, .4f, -.6f};
        for (float margin : new float[] {0, .2f}) {
            RobustLoss loss = new RobustLoss(Kind.PGD_AT, 1, Optional.of(new HypersphereEmbedding(10, margin)));
            assertEquals(margin == 0 ? 5.1661701f : 6.2230558f, golden(loss, new int[] {0, 2}, cosines).result.loss(), 2e-6f);
        }
    }

    /// The reference's `--loss` is overwritten, so that whatever is asked for trains the same.
    @Test
    void everyLossTrainsItsOwnWeights() {
        List<float[]> weights = new ArrayList<>();
        for (Kind kind : Kind.values()) {
            Layer model = network(false);
            float[] images = new float[BATCH * TestModels.SHAPE.values()];
            int[] labels = new int[BATCH];
            for (int i = 0; i < BATCH; i++) {
                DATA.image(i, images, i * TestModels.SHAPE.values());
                labels[i] = DATA.label(i);
            }
            try (Device device = Device.cpu(1); TrainingStep step = step(model, kind, false, device)) {
                step.run(Tensor.of(Shape.of(BATCH, 3, 4, 5), images), Tensor.ofInts(Shape.of(BATCH), labels));
            }
            weights.add(model.stateDict().get("0.weight").toArray());
        }
        for (int i = 0; i < weights.size(); i++) {
            for (int j = 0; j < i; j++) {
                assertFalse(Arrays.equals(weights.get(i), weights.get(j)), Kind.values()[i] + " and " + Kind.values()[j]);
            }
        }
    }

    /// The public models of hypersphere embedding never normalise.
    @ParameterizedTest
    @EnumSource(Kind.class)
    void withHypersphereEmbeddingTheModelGivesCosinesBeforeAndAfterAStep(Kind kind) {
        Layer model = network(true);
        try (Device device = Device.cpu(1); TrainingStep step = step(model, kind, true, device)) {
            Tensor images = Tensor.full(.3f, 2, 3, 4, 5);
            for (int k = 0; k < 3; k++) {
                try (Tape tape = Tape.inference(device)) {
                    for (float z : model.forward(tape, images).toArray()) {
                        assertTrue(Math.abs(z) <= 1 + 1e-6, "output " + z);
                    }
                }
                step.run(images, Tensor.ofInts(Shape.of(2), 0, 3));
            }
        }
    }
}
