package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.ApgdOptions.Variant;
import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.engine.kernel.Device;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Layer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The stages of Auto-PGD in l1, which begins with larger radii, compared with what the official code does in them; and single steps.
class ApgdStagesTest {

    private static final int LENGTH = TestModels.SHAPE.values();
    private static final ApgdOptions OPTIONS = ApgdOptions.of(Variant.CE);

    /// The state of two images at points that change 30 and 6 of their 60 values, by very little.
    private static void atPoints(Consumer<ApgdState> test) {
        atPoints(Ball.L1, test);
    }

    private static void atPoints(Ball ball, Consumer<ApgdState> test) {
        Layer model = TestModels.linear(4, 2);
        Dataset data = TestModels.images(2, 4, 9);
        try (Device device = Device.scalar(1);
                Victim victim = new Victim(model, device, TestModels.shape(TestModels.SHAPE), 2);
                LossProgram program = new LossProgram(victim, AttackLoss.CROSS_ENTROPY, 1)) {
            new Points(data, new int[] {0, 1}).restart(0, victim, batch -> {
                program.classes(batch.labels(), batch.labels());
                ApgdState state = new ApgdState(program, ball, batch, 41);
                System.arraycopy(batch.clean(), 0, state.x, 0, state.x.length);
                for (int i = 0; i < 2; i++) {
                    for (int j = 0; j < (i == 0 ? 30 : 6); j++) {
                        int at = i * LENGTH + j;
                        state.x[at] += state.x[at] < .5f ? 1e-6f : -1e-6f;
                    }
                }
                test.accept(state);
            });
        }
    }

    /// How many values a first step adds to before it is projected: those whose gradients are among the largest share.
    private static int chosen(ApgdOptions options, ApgdState state, int image) {
        Apgd.Stage stage = new Apgd.Stage(1e6, 50);
        ApgdSteps steps = new Apgd(options).steps(state, stage);
        state.begin(steps.firstStep());
        float[] before = state.x.clone();
        state.stepSize[image] = 1e-3; // so that no value leaves the box but those at its edge
        steps.move(state, image, 0);
        return (int) IntStream.range(image * LENGTH, (image + 1) * LENGTH).filter(j -> state.x[j] != before[j]).count();
    }

    @Test
    void aStageBeginsWithTwoThirdsOfTheShareThatItsStartChanges() {
        atPoints(state -> assertEquals(20, chosen(OPTIONS.withLargeFirst(true), state, 0)));
        atPoints(state -> assertEquals(4, chosen(OPTIONS.withLargeFirst(true), state, 1)));
    }

    @Test
    void aRunFromRandomPointsBeginsWithAFifthOfTheValues() {
        for (int image = 0; image < 2; image++) {
            int number = image;
            atPoints(state -> assertEquals(12, chosen(OPTIONS, state, number)));
        }
    }

    /// The first checkpoint compares with what the start changed: a best point that is as dense is no sparser one.
    @Test
    void theFirstCheckpointComparesWithTheStart() {
        for (boolean given : new boolean[] {false, true}) {
            atPoints(state -> {
                Apgd.Stage stage = new Apgd.Stage(12, 25); // a checkpoint after every step
                ApgdSteps steps = new Apgd(OPTIONS.withLargeFirst(given)).steps(state, stage);
                state.begin(steps.firstStep());
                steps.stepped(state, 0);
                double expected = given ? 12 / 1.5 : 12;
                assertEquals(expected, state.stepSize[0], "30 values of 60 are fewer than all, but not fewer than 30");
                assertEquals(expected, state.stepSize[1]);
            });
        }
    }

    /// An infinite entry divided by an infinite length is no number, and an iterate that is none never comes back.
    @ParameterizedTest
    @EnumSource(Ball.class)
    void gradientsThatAreNotFiniteLeadToPointsThatAre(Ball ball) {
        ThreatModel threat = new ThreatModel(ball, .05f);
        atPoints(ball, state -> {
            ApgdSteps steps = new Apgd(OPTIONS).steps(state, new Apgd.Stage(threat.eps(), 25));
            state.begin(steps.firstStep());
            System.arraycopy(state.clean, 0, state.x, 0, state.x.length);
            System.arraycopy(state.clean, 0, state.previous, 0, state.x.length);
            state.clean[7] = .5f;
            state.x[7] = .5f;
            state.gradient[7] = Float.NEGATIVE_INFINITY;
            state.gradient[8] = Float.NaN;
            Arrays.fill(state.gradient, LENGTH, 2 * LENGTH, Float.NaN);
            for (int image = 0; image < 2; image++) {
                steps.move(state, image, 0);
            }
            assertTrue(threat.allows(state.clean, state.x, 0, LENGTH));
            assertTrue(state.x[7] < .5, "towards the infinite entry");
            assertTrue(ball == Ball.L1 || Math.abs(state.x[7] - .45) < 1e-6, "as far as the ball reaches");
            assertEquals(state.clean[8], state.x[8]);
            for (int j = LENGTH; j < 2 * LENGTH; j++) {
                assertEquals(state.clean[j], state.x[j], "a gradient of no numbers moves nothing");
            }
        });
    }

    @Test
    void theStagesTakeThirtyThirtyAndFortyPercentOfTheStepsAndNeverNoneInTheBallItself() {
        ThreatModel threat = new ThreatModel(Ball.L1, 2);
        for (int iterations = 1; iterations < 40; iterations++) {
            List<Apgd.Stage> stages = new Apgd(OPTIONS.withIterations(iterations).withLargeFirst(true)).stages(threat);
            assertEquals(iterations, stages.stream().mapToInt(Apgd.Stage::iterations).sum());
            assertEquals(2, stages.getLast().eps());
            assertTrue(stages.stream().allMatch(stage -> stage.iterations() > 0));
        }
        assertEquals(List.of(new Apgd.Stage(6, 8), new Apgd.Stage(4, 8), new Apgd.Stage(2, 9)),
                new Apgd(OPTIONS.withIterations(25).withLargeFirst(true)).stages(threat), "shares are rounded up, as in the official code");
        assertEquals(List.of(new Apgd.Stage(6, 30), new Apgd.Stage(4, 30), new Apgd.Stage(2, 40)),
                new Apgd(OPTIONS.withLargeFirst(true)).stages(threat));
    }
}
