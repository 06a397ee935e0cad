package dev.normlab.engine.kernel.scalar;

import static dev.normlab.engine.kernel.scalar.Fixture.WORKSPACE;
import static dev.normlab.engine.kernel.scalar.Fixture.assertClose;
import static dev.normlab.engine.kernel.scalar.Fixture.floats;
import static dev.normlab.engine.kernel.scalar.Fixture.ints;
import static dev.normlab.engine.kernel.scalar.Fixture.output;
import static dev.normlab.engine.kernel.scalar.Fixture.random;
import static dev.normlab.engine.kernel.scalar.Fixture.vector;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.CrossEntropySizes;
import dev.normlab.engine.kernel.LossKernels;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ScalarLossesTest {

    private static final int IGNORED = -100;
    private static final int[] LABELS = {2, 0, IGNORED, 3, 2};
    private final LossKernels losses = new ScalarKernels().losses();

    /// Cross entropy of soft targets q = (1 - smoothing) * onehot + smoothing / k: the row's loss is -sum over j of w_j q_j log p_j, and a
    /// mean divides by the sum of the class weights of the counted labels.
    private static double[] definition(CrossEntropySizes s, double[] logits, int[] labels, float @Nullable [] weights) {
        double[] rows = new double[s.n()];
        double total = 0, divisor = 0;
        for (int in = 0; in < s.n(); in++) {
            if (labels[in] == s.ignoreIndex()) {
                continue;
            }
            double sum = 0;
            for (int j = 0; j < s.k(); j++) {
                sum += Math.exp(logits[in * s.k() + j]);
            }
            for (int j = 0; j < s.k(); j++) {
                double q = (j == labels[in] ? 1 - s.smoothing() : 0) + s.smoothing() / s.k();
                rows[in] -= (weights == null ? 1 : weights[j]) * q * (logits[in * s.k() + j] - Math.log(sum));
            }
            total += rows[in];
            divisor += weights == null ? 1 : weights[labels[in]];
        }
        return switch (s.reduction()) {
            case NONE -> rows;
            case SUM -> new double[] {total};
            case MEAN -> new double[] {total / divisor};
        };
    }

    private static double[] doubles(float[] values) {
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        return doubles;
    }

    @ParameterizedTest
    @EnumSource
    void crossEntropyAndItsGradientFollowTheDefinition(Reduction reduction) {
        for (float smoothing : new float[] {0f, 0.25f, 1f}) {
            for (boolean weighted : new boolean[] {false, true}) {
                check(new CrossEntropySizes(5, 4, smoothing, IGNORED, reduction), weighted ? vector(0.5f, 2f, 1.5f, 0.25f) : null);
            }
        }
    }

    private void check(CrossEntropySizes s, @Nullable Storage classWeight) {
        float[] weights = classWeight == null ? null : classWeight.floats();
        int count = s.reduction() == Reduction.NONE ? 5 : 1;
        Storage logits = random(1, 5, 4), labels = ints(LABELS), loss = output(count), dLoss = random(2, count), dLogits = output(5, 4);
        losses.crossEntropyForward(s, logits, labels, classWeight, loss, WORKSPACE);
        assertClose(definition(s, doubles(logits.floats()), LABELS, weights), loss.floats(), 1e-7, s.toString());

        losses.crossEntropyBackward(s, logits, labels, classWeight, dLoss, dLogits, WORKSPACE);
        double[] moved = doubles(logits.floats()), slopes = new double[20];
        double h = 1e-6;
        for (int i = 0; i < 20; i++) {
            double kept = moved[i];
            moved[i] = kept + h;
            double[] above = definition(s, moved, LABELS, weights);
            moved[i] = kept - h;
            double[] below = definition(s, moved, LABELS, weights);
            moved[i] = kept;
            for (int j = 0; j < count; j++) {
                slopes[i] += dLoss.floats()[j] * (above[j] - below[j]) / (2 * h);
            }
        }
        assertClose(slopes, dLogits.floats(), 1e-6, "gradient, " + s);
    }

    @Test
    void aKnownCrossEntropyIsReproduced() {
        Storage loss = output();
        losses.crossEntropyForward(new CrossEntropySizes(1, 3, 0f, IGNORED, Reduction.MEAN), vector(1, 2, 3), ints(0), null, loss,
                WORKSPACE);
        assertEquals(2.4076059, loss.floats()[0], 2e-7);
    }

    @Test
    void hugeLogitsNeitherOverflowNorTouchOtherClasses() {
        CrossEntropySizes s = new CrossEntropySizes(2, 3, 0f, IGNORED, Reduction.NONE);
        Storage logits = floats(Shape.of(2, 3), 1e30f, 0, 0, 0, Float.NEGATIVE_INFINITY, 0), loss = output(2), dLogits = output(2, 3);
        losses.crossEntropyForward(s, logits, ints(0, 2), null, loss, WORKSPACE);
        assertArrayEquals(new float[] {0, (float) Math.log(2)}, loss.floats());
        losses.crossEntropyBackward(s, logits, ints(0, 2), null, vector(1, 1), dLogits, WORKSPACE);
        assertArrayEquals(new float[] {0, 0, 0, 0.5f, 0, -0.5f}, dLogits.floats());
    }

    @Test
    void oneClassHasNoLoss() {
        CrossEntropySizes s = new CrossEntropySizes(2, 1, 0.1f, IGNORED, Reduction.MEAN);
        Storage loss = output(), dLogits = output(2, 1);
        losses.crossEntropyForward(s, floats(Shape.of(2, 1), 3, -4), ints(0, 0), null, loss, WORKSPACE);
        assertEquals(0f, loss.floats()[0]);
        losses.crossEntropyBackward(s, floats(Shape.of(2, 1), 3, -4), ints(0, 0), null, vector(1), dLogits, WORKSPACE);
        assertClose(new double[2], dLogits.floats(), 1e-16, "gradient of one class");
    }

    @Test
    void theMeanOfIgnoredLabelsIsNanAndTheirSumZero() {
        for (int n : new int[] {0, 2}) {
            Storage logits = random(3, n, 3), labels = n == 0 ? ints() : ints(IGNORED, IGNORED), loss = output(), dLogits = output(n, 3);
            CrossEntropySizes mean = new CrossEntropySizes(n, 3, 0.1f, IGNORED, Reduction.MEAN);
            losses.crossEntropyForward(mean, logits, labels, null, loss, WORKSPACE);
            assertTrue(Float.isNaN(loss.floats()[0]));
            losses.crossEntropyBackward(mean, logits, labels, null, vector(1), dLogits, WORKSPACE);
            assertArrayEquals(new float[n * 3], dLogits.floats());
            losses.nllForward(mean, logits, labels, null, loss, WORKSPACE);
            assertTrue(Float.isNaN(loss.floats()[0]));
            losses.crossEntropyForward(new CrossEntropySizes(n, 3, 0.1f, IGNORED, Reduction.SUM), logits, labels, null, loss, WORKSPACE);
            assertEquals(0f, loss.floats()[0]);
        }
    }

    @Test
    void likelihoodPicksTheWeightedLogProbabilityOfTheLabel() {
        Storage logProbabilities = floats(Shape.of(3, 2), -1, -2, -3, -4, -5, -6), labels = ints(1, 0, IGNORED), weights = vector(3, 1);
        Storage loss = output(), each = output(3), gradient = output(3, 2);
        losses.nllForward(new CrossEntropySizes(3, 2, 0f, IGNORED, Reduction.MEAN), logProbabilities, labels, weights, loss, WORKSPACE);
        assertEquals((2f + 9f) / 4f, loss.floats()[0]);
        losses.nllForward(new CrossEntropySizes(3, 2, 0f, IGNORED, Reduction.SUM), logProbabilities, labels, null, loss, WORKSPACE);
        assertEquals(5f, loss.floats()[0]);
        losses.nllForward(new CrossEntropySizes(3, 2, 0f, IGNORED, Reduction.NONE), logProbabilities, labels, weights, each, WORKSPACE);
        assertArrayEquals(new float[] {2, 9, 0}, each.floats());
        losses.nllBackward(new CrossEntropySizes(3, 2, 0f, IGNORED, Reduction.MEAN), labels, weights, vector(8), gradient, WORKSPACE);
        assertArrayEquals(new float[] {0, -2, -6, 0, 0, 0}, gradient.floats());
        losses.nllBackward(new CrossEntropySizes(3, 2, 0f, IGNORED, Reduction.NONE), labels, null, vector(1, 2, 3), gradient, WORKSPACE);
        assertArrayEquals(new float[] {0, -1, -2, 0, 0, 0}, gradient.floats());
    }
}
