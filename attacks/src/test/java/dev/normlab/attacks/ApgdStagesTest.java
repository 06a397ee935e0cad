package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.ApgdOptions.Variant;
import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.engine.kernel.Device;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Layer;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The stages of Auto-PGD in l1, which begins with larger radii, compared with what the official code does in them; and single steps.
class ApgdStagesTest {

    private static final int LENGTH = TestModels.SHAPE.values();
    private static final Dataset DATA = TestModels.images(2, 4, 9);
    private static final ApgdOptions OPTIONS = ApgdOptions.of(Variant.CE);

    /// A program at two images, and points that change 30 and 6 of their 60 values by very little.
    private static void atPoints(BiConsumer<ApgdProgram, float[]> test) {
        atPoints(Ball.L1, test);
    }

    private static void atPoints(Ball ball, BiConsumer<ApgdProgram, float[]> test) {
        Layer model = TestModels.linear(4, 2);
        try (Device device = Device.scalar(1);
                Victim victim = new Victim(model, device, TestModels.shape(TestModels.SHAPE), 2);
                ApgdProgram program = new ApgdProgram(victim, AttackLoss.CROSS_ENTROPY, ball, 1)) {
            new Points(DATA, new int[] {0, 1}).restart(0, victim, batch -> {
                program.start(batch.clean(), batch.labels(), batch.labels());
                float[] points = batch.clean().clone();
                for (int i = 0; i < 2; i++) {
                    for (int j = 0; j < (i == 0 ? 30 : 6); j++) {
                        int at = i * LENGTH + j;
                        points[at] += points[at] < .5f ? 1e-6f : -1e-6f;
                    }
                }
                test.accept(program, points);
            });
        }
    }

    private static float[] clean() {
        float[] clean = new float[2 * LENGTH];
        DATA.image(0, clean, 0);
        DATA.image(1, clean, LENGTH);
        return clean;
    }

    /// How many values a first step adds to before it is projected: those whose gradients are among the largest share.
    private static int chosen(ApgdOptions options, ApgdProgram program, float[] points, int image) {
        Apgd.Stage stage = new Apgd.Stage(1e6, 50);
        ApgdSteps steps = new Apgd(options).steps(Ball.L1, stage, points, clean(), LENGTH);
        program.begin(points, stage.eps(), steps.firstStep());
        program.stepSize.set(new float[] {1e-3f, 1e-3f}); // so that no value leaves the box but those at its edge
        steps.prepare(program, 0);
        program.step();
        float[] moved = program.iterate.toArray();
        return (int) IntStream.range(image * LENGTH, (image + 1) * LENGTH).filter(j -> moved[j] != points[j]).count();
    }

    @Test
    void aStageBeginsWithTwoThirdsOfTheShareThatItsStartChanges() {
        atPoints((program, points) -> assertEquals(20, chosen(OPTIONS.withLargeFirst(true), program, points, 0)));
        atPoints((program, points) -> assertEquals(4, chosen(OPTIONS.withLargeFirst(true), program, points, 1)));
    }

    @Test
    void aRunFromRandomPointsBeginsWithAFifthOfTheValues() {
        for (int image = 0; image < 2; image++) {
            int number = image;
            atPoints((program, points) -> assertEquals(12, chosen(OPTIONS, program, points, number)));
        }
    }

    /// The first checkpoint compares with what the start changed: a best point that is as dense is no sparser one.
    @Test
    void theFirstCheckpointComparesWithTheStart() {
        for (boolean given : new boolean[] {false, true}) {
            atPoints((program, points) -> {
                Apgd.Stage stage = new Apgd.Stage(12, 25); // a checkpoint after every step
                ApgdSteps steps = new Apgd(OPTIONS.withLargeFirst(given)).steps(Ball.L1, stage, points, clean(), LENGTH);
                program.begin(points, stage.eps(), steps.firstStep());
                steps.stepped(program, 0);
                float expected = given ? 12 / 1.5f : 12;
                float[] stepSize = program.stepSize.toArray();
                assertEquals(expected, stepSize[0], "30 values of 60 are fewer than all, but not fewer than 30");
                assertEquals(expected, stepSize[1]);
            });
        }
    }

    /// An infinite entry divided by an infinite length is no number, and an iterate that is none never comes back.
    @ParameterizedTest
    @EnumSource(Ball.class)
    void gradientsThatAreNotFiniteLeadToPointsThatAre(Ball ball) {
        ThreatModel threat = new ThreatModel(ball, .05f);
        atPoints(ball, (program, points) -> {
            float[] clean = clean();
            clean[7] = .5f;
            program.start(clean, new int[2], new int[2]);
            ApgdSteps steps = new Apgd(OPTIONS).steps(ball, new Apgd.Stage(threat.eps(), 25), clean, clean, LENGTH);
            program.begin(clean, threat.eps(), steps.firstStep());
            float[] gradient = program.gradient.toArray();
            gradient[7] = Float.NEGATIVE_INFINITY;
            gradient[8] = Float.NaN;
            Arrays.fill(gradient, LENGTH, 2 * LENGTH, Float.NaN);
            program.gradient.set(gradient);
            steps.prepare(program, 0);
            program.step();
            float[] moved = program.iterate.toArray();
            assertTrue(threat.allows(clean, moved, 0, LENGTH));
            assertTrue(moved[7] < .5, "towards the infinite entry");
            assertTrue(ball == Ball.L1 || Math.abs(moved[7] - .45) < 1e-6, "as far as the ball reaches");
            assertEquals(clean[8], moved[8]);
            for (int j = LENGTH; j < 2 * LENGTH; j++) {
                assertEquals(clean[j], moved[j], "a gradient of no numbers moves nothing");
            }
        });
    }

    /// What one step makes of an image that returns is what it makes of the best point, its gradient and the previous iterate; of one that
    /// does not, what it makes of the iterate.
    @ParameterizedTest
    @EnumSource(Ball.class)
    void imagesThatReturnGoOnFromTheirBestPointWithItsGradient(Ball ball) {
        atPoints(ball, (program, points) -> {
            ApgdSteps steps = new Apgd(OPTIONS).steps(ball, new Apgd.Stage(ball == Ball.LINF ? .05 : 1, 25), points, clean(), LENGTH);
            program.begin(points, ball == Ball.LINF ? .05 : 1, steps.firstStep());
            float[] bestGradient = program.gradient.toArray();
            steps.prepare(program, 0);
            program.loss.set(new float[] {0, 0});
            // a step down, so that the best point stays where it was
            float[] down = bestGradient.clone();
            for (int j = 0; j < down.length; j++) {
                down[j] = -down[j];
            }
            program.gradient.set(down);
            program.step();
            assertArrayEquals(points, program.best(), "the start was better");
            float[] left = program.iterate.toArray(), gradient = program.gradient.toArray();
            steps.prepare(program, 1);
            program.returnToBest(new float[] {1, 0});
            program.step();
            float[] moved = program.iterate.toArray();
            float[] expected = left.clone(), along = gradient.clone();
            System.arraycopy(points, 0, expected, 0, LENGTH);
            System.arraycopy(bestGradient, 0, along, 0, LENGTH);
            program.iterate.set(expected);
            program.gradient.set(along);
            program.previous.set(points);
            program.step();
            assertArrayEquals(program.iterate.toArray(), moved);
            assertFalse(Arrays.equals(left, points), "the first step has moved");
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
