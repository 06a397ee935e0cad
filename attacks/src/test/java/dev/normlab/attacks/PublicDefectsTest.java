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
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// What public attack code gets wrong, one test each; [SquareTest] has those of the square attack.
class PublicDefectsTest {

    private static final Layer MODEL = TestModels.network(2);
    private static final Dataset DATA = TestModels.correctImages(MODEL, TestModels.SHAPE, 9, 4, 9);

    /// What an attack makes of the last image when these images are in its batch.
    private static float[] lastImage(Attack attack, ThreatModel threat, int... indices) {
        try (Device device = Device.scalar(1);
                Victim victim = new Victim(MODEL, device, TestModels.shape(TestModels.SHAPE), indices.length)) {
            Points points = new Points(DATA, indices);
            attack.run(victim, threat, points, 1);
            int length = points.length();
            return Arrays.copyOfRange(points.adversarial(), (indices.length - 1) * length, indices.length * length);
        }
    }

    @Test
    void fabTakesEveryImagesOwnAlphaAndNotThatOfTheFirst() {
        ThreatModel everything = new ThreatModel(Ball.L2, 10);
        float[] clean = new float[DATA.shape().values()];
        for (FabOptions options : new FabOptions[] {FabOptions.UNTARGETED.withIterations(6), FabOptions.TARGETED.withIterations(6)}) {
            for (int image = 1; image < 5; image++) {
                float[] alone = lastImage(new Fab(options), everything, image);
                assertArrayEquals(alone, lastImage(new Fab(options), everything, 0, image));
                DATA.image(image, clean, 0);
                assertFalse(Arrays.equals(clean, alone), "the attack moves image " + image);
            }
        }
    }

    @Test
    void apgdOnTargetsTakesEveryImagesOwnStepInL2AndNotThatOfTheFirst() {
        Attack attack = new Apgd(ApgdOptions.of(Variant.TARGETED).withIterations(25));
        ThreatModel threat = new ThreatModel(Ball.L2, 1.5f);
        boolean moved = false;
        float[] clean = new float[DATA.shape().values()];
        for (int image = 1; image < 9; image++) {
            float[] alone = lastImage(attack, threat, image);
            assertArrayEquals(alone, lastImage(attack, threat, 0, image));
            DATA.image(image, clean, 0);
            moved |= !Arrays.equals(clean, alone);
        }
        assertTrue(moved, "the attack does something");
    }

    @Test
    void theLastBatchIsAttackedThoughItIsNotFull() {
        Attack attack = new Apgd(ApgdOptions.of(Variant.CE).withIterations(20));
        ThreatModel threat = new ThreatModel(Ball.LINF, .6f);
        RobustnessResult whole = TestModels.evaluate(MODEL, DATA, threat, 9, attack);
        RobustnessResult parts = TestModels.evaluate(MODEL, DATA, threat, 4, attack);
        assertTrue(whole.fooledBy()[8] >= 0, "the last image can be fooled");
        assertArrayEquals(whole.fooledBy(), parts.fooledBy());
    }

    @Test
    void apgdChecksAtTheStepsOfThePaper() {
        assertArrayEquals(new int[] {22, 41, 57, 70, 80, 87, 93, 99}, MomentumSteps.checkpoints(100));
        assertArrayEquals(IntStream.rangeClosed(1, 5).toArray(), MomentumSteps.checkpoints(5));
    }

    /// Both public copies compare the first step with a row of zeros that no pass has filled.
    @Test
    void apgdComparesItsFirstStepWithTheLossOfTheStart() {
        ThreatModel threat = new ThreatModel(Ball.LINF, .1f);
        try (Device device = Device.scalar(1);
                Victim victim = new Victim(MODEL, device, TestModels.shape(TestModels.SHAPE), 1);
                ApgdProgram program = new ApgdProgram(victim, AttackLoss.CROSS_ENTROPY, threat.ball(), 1)) {
            Points points = new Points(DATA, new int[] {0});
            points.restart(0, victim, batch -> {
                program.start(batch.clean(), batch.labels(), batch.labels());
                program.begin(batch.clean(), threat.eps(), 0);
                float atStart = program.loss.item();
                assertEquals(0, program.increases()[0], "the start raises nothing");
                // standing still is no increase, though the loss is above zero
                program.step();
                assertEquals(atStart, program.loss.item());
                assertTrue(atStart > 0);
                assertEquals(0, program.increases()[0]);
            });
        }
    }
}
