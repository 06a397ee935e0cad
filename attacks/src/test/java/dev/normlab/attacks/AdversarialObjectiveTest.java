package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.RobustLoss.Kind;
import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.CosineLinear;
import dev.normlab.nn.layer.Dropout;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import dev.normlab.nn.optim.Sgd;
import dev.normlab.nn.optim.SgdOptions;
import dev.normlab.nn.train.TrainingStep;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AdversarialObjectiveTest {

    private static final int N = 6;
    private static final int[] LABELS = {0, 1, 2, 3, 0, 1};

    private static Tensor images() {
        float[] values = new float[N * TestModels.SHAPE.values()];
        RandomStream.of(3, "training images").fillUniform(values, 0, 1);
        return Tensor.of(Shape.of(N, 3, 4, 5), values);
    }

    private static Tensor labels() {
        return Tensor.ofInts(Shape.of(N), LABELS);
    }

    private static AdversarialObjective objective(Kind kind, Ball ball) {
        float eps = ball == Ball.LINF ? .05f : .4f;
        return new AdversarialObjective(RobustLoss.of(kind, 2), new ThreatModel(ball, eps), eps / 4, 5, 1);
    }

    /// Batch norm and dropout, each of which a step passes twice in train mode where the loss looks at clean images.
    private static Layer network(boolean cosine) {
        return new Sequential(new Conv2d(3, 8, 3, 1, 1, true), new BatchNorm2d(8), new ReLU(), new Flatten(), new Dropout(.25f),
                cosine ? new CosineLinear(8 * 4 * 5, 4) : new Linear(8 * 4 * 5, 4, true)).initialize(2);
    }

    private static float[] weightsAfterTwoSteps(Kind kind, Ball ball, boolean cosine, String device, boolean eagerly, int threads) {
        Layer model = network(cosine);
        Optional<HypersphereEmbedding> embedding = cosine ? Optional.of(new HypersphereEmbedding(15, .2f)) : Optional.empty();
        float eps = ball == Ball.LINF ? .05f : .4f;
        RobustLoss loss = new RobustLoss(kind, 2, embedding);
        AdversarialObjective objective = new AdversarialObjective(loss, new ThreatModel(ball, eps), eps / 4, 5, 1);
        try (Device opened = Device.open(device, threads);
                TrainingStep step = new TrainingStep(model, objective, new Sgd(model, SgdOptions.of(.1f, .9f, 0)),
                        List.of(),
                        opened)) {
            for (int k = 0; k < 2; k++) {
                if (eagerly) {
                    step.runEagerly(images(), labels());
                } else {
                    step.run(images(), labels());
                }
            }
        }
        assertTrue(model.isTraining());
        return model.namedParameters().get("0.weight").tensor().toArray();
    }

    @ParameterizedTest
    @CsvSource({"PGD_AT,LINF,false,cpu", "TRADES,LINF,false,scalar", "TRADES,L2,false,cpu", "ALP,L2,false,scalar", "PGD_AT,L2,true,cpu",
        "TRADES,LINF,true,cpu", "ALP,LINF,true,scalar"})
    void aReplayedStepIsBitwiseTheEagerOneOnEveryDeviceWithAnyNumberOfThreads(Kind kind, Ball ball, boolean cosine, String device) {
        float[] eager = weightsAfterTwoSteps(kind, ball, cosine, device, true, 1);
        assertArrayEquals(eager, weightsAfterTwoSteps(kind, ball, cosine, device, false, 1));
        assertArrayEquals(eager, weightsAfterTwoSteps(kind, ball, cosine, device, false, 3));
        assertFalse(Arrays.equals(network(cosine).namedParameters().get("0.weight").tensor().toArray(), eager));
    }

    private static float[] crafted(Layer model, AdversarialObjective objective, Device device) {
        try (Tape tape = Tape.inference(device)) {
            return objective.craft(tape, model, images(), labels()).images().toArray();
        }
    }

    /// The public code trains on noise in every norm but linf, and crafts in whatever mode the model is.
    @ParameterizedTest
    @CsvSource({"PGD_AT,LINF", "TRADES,LINF", "PGD_AT,L2", "TRADES,L2"})
    void craftedImagesLieOnTheBallRaiseTheLossAndLeaveTheModelAlone(Kind kind, Ball ball) {
        Layer model = TestModels.network(2);
        model.namedLayers().get("1").eval();
        float[] mean = model.stateDict().get("1.running_mean").toArray();
        AdversarialObjective objective = objective(kind, ball);
        float eps = ball == Ball.LINF ? .05f : .4f;
        try (Device device = Device.scalar(1)) {
            float[] moved = crafted(model, objective, device);
            float[] clean = images().toArray();
            int length = TestModels.SHAPE.values();
            for (int i = 0; i < N; i++) {
                double distance = new ThreatModel(ball, 1).distance(clean, moved, i * length, length);
                assertTrue(distance <= eps * (1 + 1e-5) && distance > eps / 2, "image " + i + ": " + distance);
            }
            assertEquals(0, device.calls("CONV2D_BACKWARD_WEIGHT"));
            assertTrue(loss(model, moved, device) > loss(model, clean, device) + .01);
        }
        assertArrayEquals(mean, model.stateDict().get("1.running_mean").toArray());
        assertTrue(model.isTraining());
        assertFalse(model.namedLayers().get("1").isTraining(), "a frozen layer stays frozen");
    }

    private static double loss(Layer model, float[] images, Device device) {
        try (Victim victim = new Victim(model, device, TestModels.shape(TestModels.SHAPE), N);
                LossProgram program = new LossProgram(victim, AttackLoss.CROSS_ENTROPY, 1)) {
            System.arraycopy(images, 0, program.images(), 0, images.length);
            program.classes(LABELS, LABELS);
            program.evaluate();
            double sum = 0;
            for (float one : program.losses()) {
                sum += one;
            }
            return sum;
        }
    }

    @Test
    void tradesComputesTheCleanOutputsOfCraftingOnce() {
        try (Device device = Device.scalar(1)) {
            crafted(TestModels.network(2), objective(Kind.TRADES, Ball.LINF), device);
            assertEquals(2 * (1 + 5), device.calls("CONV2D"), "two layers, once for the clean images and once a step");
            assertEquals(1 + 5, device.calls("SOFTMAX"), "the reference takes the softmax of the clean outputs in every step");
        }
    }

    /// Whoever looks for the layer that diverged computes eagerly: ten steps must not need ten times the memory.
    @Test
    void moreStepsKeepOnlyTheirPointsWhenComputedEagerly() {
        long few = bytesOfCrafting(2), many = bytesOfCrafting(20);
        long point = 4L * N * TestModels.SHAPE.values();
        assertTrue(many - few <= 18 * 2 * point, "18 more steps take " + (many - few) + " bytes more, a point takes " + point);
    }

    private static long bytesOfCrafting(int steps) {
        AdversarialObjective objective = new AdversarialObjective(RobustLoss.of(Kind.TRADES, 2), new ThreatModel(Ball.LINF, .05f), .01f,
                steps, 1);
        try (Device device = Device.scalar(1)) {
            crafted(TestModels.network(2), objective, device);
            return device.pool().allocatedBytes();
        }
    }

    @Test
    void theNoiseChangesWithTheStepAndTheSeedAlone() {
        Layer model = TestModels.network(2);
        try (Device device = Device.scalar(1)) {
            AdversarialObjective objective = objective(Kind.TRADES, Ball.L2);
            float[] first = crafted(model, objective, device);
            objective.beforeStep(1);
            assertFalse(Arrays.equals(first, crafted(model, objective, device)));
            objective.beforeStep(0);
            assertArrayEquals(first, crafted(model, objective, device));
        }
    }

    @Test
    void unusableSettingsAreRefused() {
        RobustLoss loss = RobustLoss.of(Kind.TRADES, 1);
        assertThrows(IllegalArgumentException.class, () -> new AdversarialObjective(loss, new ThreatModel(Ball.L1, 1), .1f, 2, 0));
        assertThrows(IllegalArgumentException.class, () -> new AdversarialObjective(loss, new ThreatModel(Ball.L2, 1), 0, 2, 0));
        assertThrows(IllegalArgumentException.class, () -> RobustLoss.of(Kind.ALP, -1));
        assertThrows(IllegalArgumentException.class, () -> new HypersphereEmbedding(0, .2f));
    }
}
