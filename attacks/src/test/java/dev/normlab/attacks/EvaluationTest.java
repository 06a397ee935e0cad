package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.ApgdOptions.Variant;
import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Softmax;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.io.FormatException;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Layer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationTest {

    @TempDir
    private Path folder = Path.of("");

    private static final ThreatModel THREAT = new ThreatModel(Ball.LINF, .12f);

    private static List<Attack> ensemble() {
        return List.of(new Pgd(PgdOptions.DEFAULT.withIterations(4).withRestarts(2)),
                new Apgd(ApgdOptions.of(Variant.CE).withIterations(5).withRestarts(2)),
                new Apgd(ApgdOptions.of(Variant.TARGETED).withIterations(5)), new Fab(FabOptions.TARGETED.withIterations(5)),
                new Square(SquareOptions.DEFAULT.withQueries(25)));
    }

    /// Evaluates and is stopped at a pause, again and again, until it ends. The result and how often it was stopped.
    private Optional<RobustnessResult> attempt(Layer model, Dataset data, boolean individual, Path file, int pauses, int batch)
            throws IOException {
        RobustnessEvaluation evaluation = new RobustnessEvaluation(ensemble(), THREAT, individual, batch, 7).savingEvery(0);
        int[] left = {pauses};
        RobustnessEvaluation.Listener stopper = new RobustnessEvaluation.Listener() {
            @Override
            public void attack(String name, int images, Optional<RobustnessResult.AttackResult> result) {}

            @Override
            public void progress(String name, double done, int robust) {
                if (left[0]-- == 0) {
                    evaluation.requestStop();
                }
            }
        };
        try (Device device = Device.scalar(1)) {
            return Optional.of(evaluation.run(model, data, device, stopper, Optional.of(file)));
        } catch (EvaluationStopped e) {
            return Optional.empty();
        }
    }

    @Test
    void anEvaluationThatIsStoppedAtRandomMomentsEndsWithTheResultOfAWholeOne() throws IOException {
        Layer model = TestModels.network(2);
        Dataset data = TestModels.images(23, 4, 9);
        for (boolean individual : new boolean[] {false, true}) {
            RobustnessResult whole = attempt(model, data, individual, folder.resolve("whole" + individual), Integer.MAX_VALUE, 4)
                    .orElseThrow();
            assertTrue(whole.robustCorrect() < whole.cleanCorrect() && whole.robustCorrect() > 0, "some images are fooled");
            for (int trial = 0; trial < 5; trial++) {
                RandomStream random = RandomStream.of(trial, "stops");
                Path file = folder.resolve("state" + trial + individual);
                Optional<RobustnessResult> result = Optional.empty();
                int stops = 0;
                for (; result.isEmpty(); stops++) {
                    result = attempt(model, data, individual, file, 20 + random.nextInt(150), 4);
                }
                assertTrue(stops > 1, "it was stopped");
                assertSame(whole, result.get());
            }
        }
    }

    private static void assertSame(RobustnessResult expected, RobustnessResult actual) {
        assertArrayEquals(expected.adversarial(), actual.adversarial());
        assertArrayEquals(expected.fooledBy(), actual.fooledBy());
        assertArrayEquals(expected.predictions(), actual.predictions());
        assertArrayEquals(expected.distances(), actual.distances());
        assertEquals(expected.warnings(), actual.warnings());
        assertEquals(expected.rechecks(), actual.rechecks());
        for (int a = 0; a < expected.attacks().size(); a++) {
            RobustnessResult.AttackResult one = expected.attacks().get(a);
            RobustnessResult.AttackResult other = actual.attacks().get(a);
            assertEquals(one.fooled(), other.fooled());
            assertEquals(one.forwardPasses(), other.forwardPasses(), one.name());
            assertEquals(one.backwardPasses(), other.backwardPasses(), one.name());
        }
    }

    @Test
    void theStateOfAnotherEvaluationIsRefused() throws IOException {
        Layer model = TestModels.network(2);
        Path file = folder.resolve("state");
        assertTrue(attempt(model, TestModels.images(9, 4, 9), false, file, 3, 4).isEmpty());
        FormatException images = assertThrows(FormatException.class,
                () -> attempt(model, TestModels.images(9, 4, 10), false, file, 3, 4));
        assertTrue(images.getMessage().contains("belongs to another one"), images.getMessage());
        assertThrows(FormatException.class, () -> attempt(TestModels.network(3), TestModels.images(9, 4, 9), false, file, 3, 4));
        assertThrows(FormatException.class, () -> attempt(model, TestModels.images(9, 4, 9), true, file, 3, 4));
    }

    @Test
    void individuallyEveryAttackSeesAllImagesThatAreRightWithoutAnAttack() throws IOException {
        Layer model = TestModels.network(2);
        Dataset data = TestModels.images(23, 4, 9);
        RobustnessResult one = attempt(model, data, true, folder.resolve("a"), Integer.MAX_VALUE, 8).orElseThrow();
        one.attacks().forEach(attack -> assertEquals(one.cleanCorrect(), attack.attacked()));
        RobustnessResult alone = TestModels.evaluate(model, data, THREAT, 8, ensemble().get(3));
        assertEquals(alone.robustCorrect(), one.attacks().get(3).robustCorrect());
        assertTrue(one.robustCorrect() <= alone.robustCorrect());
    }

    /// A layer that changes the logits of another model.
    private abstract static class Wrapper extends Layer {

        private final Layer inner;

        Wrapper(Layer inner) {
            this.inner = child("inner", inner);
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            return change(tape, inner.forward(tape, x));
        }

        abstract Tensor change(Tape tape, Tensor logits);
    }

    private static List<String> warnings(Layer model, Attack... attacks) {
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, 10, 4, 9);
        return TestModels.evaluate(model, data, THREAT, 5, attacks).warnings();
    }

    @Test
    void probabilitiesInPlaceOfLogitsAreSaid() {
        Layer softmax = new Wrapper(TestModels.network(2)) {
            @Override
            Tensor change(Tape tape, Tensor logits) {
                return Softmax.softmax(tape, logits, 1);
            }
        };
        assertTrue(warnings(softmax, new Fgsm()).getFirst().contains("look like probabilities"));
        assertEquals(List.of(), warnings(TestModels.network(2), new Fgsm()));
    }

    @Test
    void gradientsThatAreZeroEverywhereAndTheSquareAttackThatFindsMoreAreSaid() {
        // the right values, but no way back through them
        Layer flat = new Wrapper(TestModels.network(2)) {
            @Override
            Tensor change(Tape tape, Tensor logits) {
                Tensor constant = tape.detach(logits);
                return Arithmetic.add(tape, constant, Arithmetic.scale(tape, logits, 0f));
            }
        };
        Dataset data = TestModels.correctImages(flat, TestModels.SHAPE, 20, 4, 9);
        List<String> said = TestModels.evaluate(flat, data, new ThreatModel(Ball.LINF, .4f), 5,
                new Apgd(ApgdOptions.of(Variant.DLR).withIterations(2)), new Square(SquareOptions.DEFAULT.withQueries(200))).warnings();
        assertTrue(said.stream().anyMatch(text -> text.contains("zero gradient")), said.toString());
        assertTrue(said.stream().anyMatch(text -> text.contains("may mask its gradients")), said.toString());
    }

    @Test
    void tooFewClassesForALossAreSaid() {
        Layer model = TestModels.linear(3, 2);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, 5, 3, 1);
        RobustnessResult result = TestModels.evaluate(model, data, THREAT, 5, new Apgd(ApgdOptions.of(Variant.TARGETED).withIterations(3)),
                new Apgd(ApgdOptions.of(Variant.DLR).withIterations(3)));
        assertEquals(1, result.warnings().size(), result.warnings().toString());
        assertTrue(result.warnings().getFirst().contains("apgd-t ran on the difference of logits"));
        assertTrue(result.attacks().get(1).exactLoss());
    }

    @Test
    void everyLayersModeIsBroughtBack() {
        Layer model = TestModels.network(2);
        Layer frozen = model.namedLayers().get("1");
        assertTrue(frozen instanceof BatchNorm2d);
        frozen.eval();
        TestModels.evaluate(model, TestModels.images(5, 4, 1), THREAT, 4, new Fgsm());
        assertTrue(model.isTraining());
        assertTrue(!frozen.isTraining(), "the frozen layer stays in eval mode");
    }

    @Test
    void aModelThatCannotBeAttackedKeepsItsModes() {
        Layer model = TestModels.network(2);
        Layer frozen = model.namedLayers().get("1");
        frozen.eval();
        Layer oneClass = TestModels.linear(1, 2);
        try (Device device = Device.scalar(1)) {
            assertThrows(ShapeException.class, () -> new Victim(model, device, Shape.of(2, 4, 5), 3), "two channels for three");
            assertThrows(ShapeException.class, () -> new Victim(oneClass, device, Shape.of(3, 4, 5), 3));
        }
        assertTrue(model.isTraining() && model.namedLayers().get("6").isTraining());
        assertFalse(frozen.isTraining(), "the frozen layer stays in eval mode");
        assertTrue(oneClass.isTraining());
    }

    /// Images of 256 levels that are moved by less than half a level are the clean ones again after rounding.
    @Test
    void perturbationsBelowHalfALevelAreLostByRoundingAndThatIsSaid() {
        Layer model = TestModels.linear(4, 2);
        int n = 200;
        int length = TestModels.SHAPE.values();
        byte[] bytes = new byte[n * length];
        RandomStream random = RandomStream.of(5, "levels");
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) random.nextInt(256);
        }
        Dataset unlabelled = Dataset.ofBytes("levels", TestModels.SHAPE, List.of("a", "b", "c", "d"), bytes, new int[n]);
        float[] values = new float[n * length];
        for (int i = 0; i < n; i++) {
            unlabelled.image(i, values, i * length);
        }
        int[] labels;
        try (Device device = Device.scalar(1); Victim victim = new Victim(model, device, TestModels.shape(TestModels.SHAPE), n)) {
            labels = victim.predict(values);
        }
        Dataset data = Dataset.ofBytes("levels", TestModels.SHAPE, List.of("a", "b", "c", "d"), bytes, labels);
        Attack attack = new Apgd(ApgdOptions.of(Variant.TARGETED).withIterations(10));
        RobustnessResult small = TestModels.evaluate(model, data, new ThreatModel(Ball.LINF, .0019f), 50, attack);
        assertTrue(small.rechecks().fooled() > 0, "some images are fooled");
        assertEquals(0, small.rechecks().rounded());
        RobustnessResult large = TestModels.evaluate(model, data, new ThreatModel(Ball.LINF, .2f), 50, attack);
        assertTrue(large.rechecks().rounded() > large.rechecks().fooled() / 2);
    }

    /// Logits that differ by less than the rounding of 100 are equal after the shift; the lowest class wins.
    @Test
    void decisionsBelowRoundingAreLostByShiftedLogitsAndThatIsSaid() {
        Layer model = TestModels.linear(2, 2);
        var weight = model.namedParameters().get("1.weight");
        float[] tiny = weight.tensor().toArray();
        for (int i = 0; i < tiny.length; i++) {
            tiny[i] *= 1e-7f;
        }
        weight.set(tiny);
        model.namedParameters().get("1.bias").set(new float[2]);
        Dataset data = TestModels.correctImages(model, TestModels.SHAPE, 40, 2, 3);
        RobustnessResult result = TestModels.evaluate(model, data, new ThreatModel(Ball.LINF, .3f), 16,
                new Apgd(ApgdOptions.of(Variant.DLR).withIterations(10)));
        long ofFirst = IntStream.range(0, 40).filter(i -> result.fooledBy()[i] >= 0 && data.label(i) != 0).count();
        assertTrue(result.rechecks().fooled() > ofFirst && ofFirst > 0, "both classes are fooled");
        assertEquals(ofFirst, result.rechecks().shifted(), "all count as the first class");
    }

    @Test
    void distancesAndRechecksAreThoseOfTheAdversarialImages() {
        Layer model = TestModels.network(2);
        Dataset data = TestModels.images(23, 4, 9);
        RobustnessResult result = TestModels.evaluate(model, data, THREAT, 6, ensemble().get(1));
        float[] clean = new float[data.shape().values()];
        int fooled = 0;
        for (int i = 0; i < data.size(); i++) {
            data.image(i, clean, 0);
            double largest = 0;
            for (int j = 0; j < clean.length; j++) {
                largest = Math.max(largest, Math.abs((double) result.adversarial()[i * clean.length + j] - clean[j]));
            }
            assertEquals(largest, result.distances()[i]);
            fooled += result.fooledBy()[i] >= 0 ? 1 : 0;
        }
        assertEquals(fooled, result.rechecks().fooled());
        assertTrue(result.rechecks().rounded() <= fooled && result.rechecks().shifted() <= fooled);
        assertTrue(result.rechecks().rounded() > 0);
    }
}
