package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

class AttackLossTest {

    private record Value(float loss, float[] gradient) {}

    private static Value value(AttackLoss loss, int label, int target, float... logits) {
        try (Device device = Device.scalar(1)) {
            Tensor z = Tensor.of(Shape.of(1, logits.length), logits);
            AttackLoss.Goal goal = AttackLoss.Goal.of(1);
            goal.set(new int[] {label}, new int[] {target});
            try (Tape tape = Tape.eager(device, List.of(z))) {
                Tensor perImage = loss.of(tape, z, goal);
                Tensor gradient = tape.backward(Reductions.sum(tape, perImage, false)).of(z);
                return new Value(perImage.toArray()[0], gradient.toArray());
            }
        }
    }

    @Test
    void crossEntropyHasItsGoldenValue() {
        assertEquals(2.4076059f, value(AttackLoss.CROSS_ENTROPY, 0, 0, 1, 2, 3).loss(), 1e-6f);
        assertEquals(-2.4076059f, value(AttackLoss.TARGETED_CROSS_ENTROPY, 2, 0, 1, 2, 3).loss(), 1e-6f);
    }

    @Test
    void theDifferenceOfLogitsRatioHasItsGoldenValues() {
        Value first = value(AttackLoss.DLR, 0, 0, 5, 2, 3, 1);
        assertEquals(-2f / 3, first.loss(), 1e-6f);
        assertArrayEquals(new float[] {-1f / 9, -2f / 9, 1f / 3, 0}, first.gradient(), 1e-6f);
        assertEquals(2f / 3, value(AttackLoss.DLR, 0, 0, 3, 5, 2, 1).loss(), 1e-6f);
        assertEquals(4f / 3, value(AttackLoss.DLR, 3, 0, 3, 2, 5, 1).loss(), 1e-6f);
    }

    @Test
    void theDifferenceOfLogitsRatioIsOneWithoutGradientWhereTheTrueClassRanksThird() {
        Value third = value(AttackLoss.DLR, 1, 0, 3, 2, 5, 1);
        assertEquals(1f, third.loss());
        assertArrayEquals(new float[4], third.gradient(), 1e-6f);
    }

    @Test
    void theDifferenceOfLogitsRatioDoesNotChangeWithShiftAndScale() {
        float plain = value(AttackLoss.DLR, 0, 0, 5, 2, 3, 1).loss();
        assertEquals(plain, value(AttackLoss.DLR, 0, 0, 5 * 40 + 7, 2 * 40 + 7, 3 * 40 + 7, 40 + 7).loss(), 1e-6f);
    }

    @Test
    void theTargetedRatioHasItsGoldenValues() {
        Value toSecond = value(AttackLoss.TARGETED_DLR, 0, 1, 4, 3, 2, 1);
        assertEquals(-0.4f, toSecond.loss(), 1e-6f);
        assertArrayEquals(new float[] {-0.24f, 0.4f, -0.08f, -0.08f}, toSecond.gradient(), 1e-6f);
        assertEquals(-1.2f, value(AttackLoss.TARGETED_DLR, 0, 3, 4, 3, 2, 1).loss(), 1e-6f);
    }

    @Test
    void threeEqualTopLogitsGiveNoHugeGradient() {
        for (float gradient : value(AttackLoss.DLR, 0, 0, 2, 2, 2, 1).gradient()) {
            assertTrue(Math.abs(gradient) <= 2, "gradient " + gradient);
        }
        for (float gradient : value(AttackLoss.TARGETED_DLR, 0, 1, 2, 2, 2, 2).gradient()) {
            assertTrue(Math.abs(gradient) <= 2, "gradient " + gradient);
        }
    }

    @Test
    void fewClassesGetTheMarginAndSaySo() {
        assertFalse(AttackLoss.DLR.isExactFor(2));
        assertFalse(AttackLoss.TARGETED_DLR.isExactFor(3));
        assertTrue(AttackLoss.DLR.isExactFor(3));
        assertTrue(AttackLoss.TARGETED_DLR.isExactFor(4));
        assertEquals(-3f, value(AttackLoss.DLR, 0, 0, 5, 2).loss());
        assertEquals(-4f, value(AttackLoss.TARGETED_DLR, 0, 2, 5, 2, 1).loss());
        assertArrayEquals(new float[] {-1, 0, 1}, value(AttackLoss.TARGETED_DLR, 0, 2, 5, 2, 1).gradient());
    }

    @Test
    void theMarginIsPositiveExactlyWhereTheImageIsMisclassified() {
        assertEquals(-2f, value(AttackLoss.MARGIN, 0, 0, 5, 2, 3).loss());
        assertEquals(2f, value(AttackLoss.MARGIN, 2, 0, 5, 2, 3).loss());
        assertArrayEquals(new float[] {1, 0, -1}, value(AttackLoss.MARGIN, 2, 0, 5, 2, 3).gradient());
    }
}
