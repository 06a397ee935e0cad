package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.RobustLoss.Kind;
import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RobustLossTest {

    private static final float[] NATURAL = {1, 2, 3, 0, 0, 1};
    private static final float[] ADVERSARIAL = {2, 1, 0, 1, 0, 0};

    private record Value(float loss, float[] dClean, float[] dAdversarial) {}

    private static Value value(RobustLoss loss, float[] clean, float[] adversarial, int... labels) {
        int n = labels.length;
        Tensor z = Tensor.of(Shape.of(n, clean.length / n), clean);
        Tensor moved = Tensor.of(Shape.of(n, clean.length / n), adversarial);
        try (Device device = Device.scalar(1); Tape tape = Tape.eager(device, List.of(z, moved))) {
            Tensor result = loss.of(tape, z, moved, Tensor.ofInts(Shape.of(n), labels));
            Gradients gradients = tape.backward(result);
            return new Value(result.item(), gradients.find(z).map(Tensor::toArray).orElse(new float[0]), gradients.of(moved).toArray());
        }
    }

    @Test
    void tradesHasItsGoldenValueAndGradients() {
        Value trades = value(RobustLoss.of(Kind.TRADES, 6), NATURAL, ADVERSARIAL, 2, 2);
        assertEquals(5.0233126f, trades.loss(), 2e-6f);
        assertArrayEquals(new float[] {1.725631f, 0, -1.725631f, 1.092526f, 0, -1.092526f}, trades.dAdversarial(), 2e-6f);
        assertArrayEquals(new float[] {-.805887f, -.722258f, 1.528145f, -.761406f, -.125581f, .886986f}, trades.dClean(), 2e-6f);
    }

    /// By hand: `(softmax(z) - e_y) / (2 n) + 2 beta (z - z') / (n k)` for clean outputs, with both exchanged for adversarial ones.
    @Test
    void adversarialLogitPairingHasItsGoldenValueAndGradients() {
        Value pairing = value(RobustLoss.of(Kind.ALP, 1), NATURAL, ADVERSARIAL, 2, 2);
        assertEquals(3.3961921f, pairing.loss(), 2e-6f);
        assertArrayEquals(new float[] {-.3108257f, .3945154f, .9163102f, -.2803479f, .0529854f, .2273626f}, pairing.dClean(), 2e-6f);
        assertArrayEquals(new float[] {.4996436f, -.2721512f, -1.2274924f, .4773626f, .0529854f, -.5303479f}, pairing.dAdversarial(),
                2e-6f);
    }

    /// d loss / d z by central differences, for both outputs.
    @ParameterizedTest
    @EnumSource(Kind.class)
    void gradientsAreThoseOfCentralDifferences(Kind kind) {
        RobustLoss loss = RobustLoss.of(kind, .7f);
        Value exact = value(loss, NATURAL, ADVERSARIAL, 2, 0);
        float h = 3e-3f;
        for (int j = 0; j < NATURAL.length; j++) {
            if (loss.usesClean()) {
                float slope = (value(loss, moved(NATURAL, j, h), ADVERSARIAL, 2, 0).loss()
                        - value(loss, moved(NATURAL, j, -h), ADVERSARIAL, 2, 0).loss()) / (2 * h);
                assertEquals(slope, exact.dClean()[j], 2e-4f, "clean output " + j);
            }
            float slope = (value(loss, NATURAL, moved(ADVERSARIAL, j, h), 2, 0).loss()
                    - value(loss, NATURAL, moved(ADVERSARIAL, j, -h), 2, 0).loss()) / (2 * h);
            assertEquals(slope, exact.dAdversarial()[j], 2e-4f, "adversarial output " + j);
        }
    }

    private static float[] moved(float[] values, int j, float by) {
        float[] copy = values.clone();
        copy[j] += by;
        return copy;
    }

    @Test
    void theDivergenceOfTradesHasItsGoldenValue() {
        float[] uniform = new float[3];
        float without = value(RobustLoss.of(Kind.TRADES, 0), new float[] {1, 2, 3}, uniform, 0).loss();
        assertEquals(2.4076059f, without, 1e-6f);
        assertEquals(.2662167f, value(RobustLoss.of(Kind.TRADES, 1), new float[] {1, 2, 3}, uniform, 0).loss() - without, 1e-6f);
    }

    @Test
    void adversarialTrainingIsTheCrossEntropyOfTheAdversarialImages() {
        Value plain = value(RobustLoss.of(Kind.PGD_AT, 0), NATURAL, new float[] {1, 2, 3, 1, 2, 3}, 0, 0);
        assertEquals(2.4076059f, plain.loss(), 1e-6f);
        assertEquals(0, plain.dClean().length);
    }

    private static float embedded(float scale, float margin, float... cosines) {
        RobustLoss loss = new RobustLoss(Kind.PGD_AT, 0, Optional.of(new HypersphereEmbedding(scale, margin)));
        return value(loss, cosines, cosines, 0, 2).loss();
    }

    @Test
    void hypersphereEmbeddingHasItsGoldenValues() {
        assertEquals(6.2230558f, embedded(10, .2f, .5f, -.2f, .1f, .3f, .4f, -.6f), 2e-6f);
        assertEquals(5.1661701f, embedded(10, 0, .5f, -.2f, .1f, .3f, .4f, -.6f), 2e-6f);
    }

    /// The reference takes exponentials without subtracting the maximum: infinite, then NaN.
    @Test
    void hypersphereEmbeddingSurvivesLargeOutputs() {
        float loss = embedded(15, .2f, 7, 0, 0, 0, 7, 7);
        assertTrue(Float.isFinite(loss) && loss > 0, "loss " + loss);
    }

    /// The reference makes a matrix `[n, n]` to pick a number of each image.
    @Test
    void hypersphereEmbeddingMakesNothingLargerThanTheCosines() {
        int n = 9;
        int k = 3;
        try (Device device = Device.scalar(1)) {
            Recorder recorder = new Recorder(device);
            Tensor cosines = recorder.feed("cosines", TensorSpec.floats(n, k));
            Tensor labels = Tensor.ofInts(Shape.of(n), new int[n]);
            RobustLoss loss = new RobustLoss(Kind.PGD_AT, 0, Optional.of(new HypersphereEmbedding(15, .2f)));
            try (Tape tape = new Tape(recorder, List.of(cosines))) {
                tape.backward(loss.of(tape, cosines, cosines, labels));
            }
            for (StepProgram.Value value : recorder.program().values()) {
                assertTrue(value.spec().shape().elements() <= n * k, "a tensor of " + value.spec());
            }
        }
    }

    @Test
    void tradesCraftsAlongTheGradientOfItsDivergence() {
        Tensor clean = Tensor.of(Shape.of(2, 3), NATURAL);
        Tensor moved = Tensor.of(Shape.of(2, 3), ADVERSARIAL);
        try (Device device = Device.scalar(1); Tape tape = Tape.eager(device, List.of(moved))) {
            RobustLoss loss = RobustLoss.of(Kind.TRADES, 6);
            float[] gradient = tape.backward(loss.crafting(tape, loss.distribution(tape, clean), moved, Tensor.ofInts(Shape.of(2), 2, 2)))
                    .of(moved).toArray();
            // beta / n = 3 times the summed divergence is what the training loss adds
            float[] golden = {1.725631f, 0, -1.725631f, 1.092526f, 0, -1.092526f};
            for (int i = 0; i < golden.length; i++) {
                assertEquals(golden[i] / 3, gradient[i], 1e-6f);
            }
        }
    }

    /// Images are crafted with the scale of hypersphere embedding, but without its margin.
    @ParameterizedTest
    @EnumSource(Kind.class)
    void hypersphereEmbeddingCraftsWithTheScaleAndWithoutTheMargin(Kind kind) {
        float[] cosines = {.5f, -.2f, .1f, .3f, .4f, -.6f};
        float[] clean = {.1f, .2f, .3f, -.4f, .5f, 0};
        int[] labels = {0, 2};
        float[] gradient = craftingGradient(new RobustLoss(kind, 1, Optional.of(new HypersphereEmbedding(10, .2f))), clean, cosines,
                labels);
        for (int i = 0; i < 2; i++) {
            double[] p = softmax(cosines, 3 * i, 10);
            double[] wanted = softmax(clean, 3 * i, 10);
            for (int j = 0; j < 3; j++) {
                double target = kind == Kind.TRADES ? wanted[j] : j == labels[i] ? 1 : 0;
                assertEquals(10 * (p[j] - target), gradient[3 * i + j], 1e-5, "image " + i + ", class " + j);
            }
        }
    }

    private static double[] softmax(float[] cosines, int at, double scale) {
        double[] p = new double[3];
        double sum = 0;
        for (int j = 0; j < 3; j++) {
            p[j] = StrictMath.exp(scale * cosines[at + j]);
            sum += p[j];
        }
        for (int j = 0; j < 3; j++) {
            p[j] /= sum;
        }
        return p;
    }

    private static float[] craftingGradient(RobustLoss loss, float[] clean, float[] cosines, int[] labels) {
        Tensor z = Tensor.of(Shape.of(2, 3), clean);
        Tensor moved = Tensor.of(Shape.of(2, 3), cosines);
        try (Device device = Device.scalar(1); Tape tape = Tape.eager(device, List.of(moved))) {
            return tape.backward(loss.crafting(tape, loss.distribution(tape, z), moved, Tensor.ofInts(Shape.of(2), labels))).of(moved)
                    .toArray();
        }
    }

    @Test
    void pairingOfCosinesIsUnscaledAndTheDivergenceIsScaled() {
        Optional<HypersphereEmbedding> embedding = Optional.of(new HypersphereEmbedding(10, 0));
        float[] a = {.5f, -.2f, .1f};
        float[] b = {.4f, -.2f, .1f};
        float base = value(new RobustLoss(Kind.ALP, 0, embedding), a, b, 0).loss();
        assertEquals(.01f / 3, value(new RobustLoss(Kind.ALP, 1, embedding), a, b, 0).loss() - base, 1e-6f);
        float[] ten = {5, -2, 1};
        float[] four = {4, -2, 1};
        assertEquals(value(RobustLoss.of(Kind.TRADES, 3), ten, four, 0).loss(),
                value(new RobustLoss(Kind.TRADES, 3, embedding), a, b, 0).loss(),
                1e-6f);
    }
}
