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
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Layer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

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
    private Optional<RobustnessResult> attempt(TestDevice on, List<Attack> attacks, Layer model, Dataset data, boolean individual,
            Path file, int pauses,
            int batch) throws IOException {
        RobustnessEvaluation evaluation = new RobustnessEvaluation(attacks, THREAT, individual, batch, 7).savingEvery(0);
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
        try (Device device = on.open(1)) {
            return Optional.of(evaluation.run(model, data, device, stopper, Optional.of(file)));
        } catch (EvaluationStopped e) {
            return Optional.empty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void anEvaluationThatIsStoppedAtRandomMomentsEndsWithTheResultOfAWholeOne(TestDevice on) throws IOException {
        Layer model = on.network();
        Dataset data = TestModels.images(23, 4, 9);
        for (boolean individual : new boolean[] {false, true}) {
            RobustnessResult whole = attempt(on, ensemble(), model, data, individual, folder.resolve("whole" + individual),
                    Integer.MAX_VALUE, 4)
                    .orElseThrow();
            assertTrue(whole.robustCorrect() < whole.cleanCorrect() && whole.robustCorrect() > 0, "some images are fooled");
            for (int trial = 0; trial < (on == TestDevice.SCALAR ? 5 : 2); trial++) {
                RandomStream random = RandomStream.of(trial, "stops");
                Path file = folder.resolve("state" + trial + individual);
                Optional<RobustnessResult> result = Optional.empty();
                int stops = 0;
                for (; result.isEmpty(); stops++) {
                    result = attempt(on, ensemble(), model, data, individual, file,
                            on == TestDevice.SCALAR ? 20 + random.nextInt(150) : 9 + random.nextInt(30), 4);
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

    @ParameterizedTest
    @EnumSource
    void theStateOfAnotherEvaluationIsRefused(TestDevice on) throws IOException {
        Layer model = on.network();
        Path file = folder.resolve("state");
        assertTrue(attempt(on, ensemble(), model, TestModels.images(9, 4, 9), false, file, 3, 4).isEmpty());
        FormatException images = assertThrows(FormatException.class,
                () -> attempt(on, ensemble(), model, TestModels.images(9, 4, 10), false, file, 3, 4));
        assertTrue(images.getMessage().contains("belongs to another one"), images.getMessage());
        assertThrows(FormatException.class, () -> attempt(on, ensemble(), on.network(3), TestModels.images(9, 4, 9), false, file, 3, 4));
        assertThrows(FormatException.class, () -> attempt(on, ensemble(), model, TestModels.images(9, 4, 9), true, file, 3, 4));
        for (TestDevice other : TestDevice.values()) {
            if (other != on) {
                assertThrows(FormatException.class,
                        () -> attempt(other, ensemble(), model, TestModels.images(9, 4, 9), false, file, 3, 4), other.toString());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void individuallyEveryAttackSeesAllImagesThatAreRightWithoutAnAttack(TestDevice on) throws IOException {
        Layer model = on.network();
        Dataset data = TestModels.images(23, 4, 9);
        RobustnessResult one = attempt(on, ensemble(), model, data, true, folder.resolve("a"), Integer.MAX_VALUE, 8).orElseThrow();
        one.attacks().forEach(attack -> assertEquals(one.cleanCorrect(), attack.attacked()));
        RobustnessResult alone = TestModels.evaluate(on, model, data, THREAT, 8, 2, ensemble().get(3));
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
        Attack gradients = new Apgd(ApgdOptions.of(Variant.DLR).withIterations(2));
        Attack square = new Square(SquareOptions.DEFAULT.withQueries(200));
        for (List<Attack> list : List.of(List.of(gradients, square), List.of(square, gradients))) {
            for (boolean individual : new boolean[] {false, true}) {
                List<String> said = said(flat, data, individual, list);
                assertTrue(said.stream().anyMatch(text -> text.contains("zero gradient")), said.toString());
                boolean unknown = !individual && list.getFirst() == square;
                assertEquals(!unknown, said.stream().anyMatch(text -> text.contains("may mask its gradients")), said.toString());
                assertEquals(unknown, said.stream().anyMatch(text -> text.contains("ran before all attacks that do")), said.toString());
            }
        }
        // gradients that lead somewhere find as much, in whatever order
        Layer sound = TestModels.network(2);
        Attack strong = new Apgd(ApgdOptions.of(Variant.TARGETED).withIterations(20));
        assertEquals(List.of(), said(sound, data, true, List.of(square, strong)));
        assertEquals(List.of(), said(sound, data, true, List.of(strong, square)));
        assertEquals(List.of(), said(sound, data, false, List.of(strong, square)));
        assertEquals(List.of(), said(sound, data, false, List.of(square)), "nothing to compare with");
    }

    private static List<String> said(Layer model, Dataset data, boolean individual, List<Attack> attacks) {
        try (Device device = Device.scalar(1)) {
            return new RobustnessEvaluation(attacks, new ThreatModel(Ball.LINF, .4f), individual, 5, 7)
                    .run(model, data, device, (name, images, result) -> {
                    }).warnings();
        }
    }

    @Test
    void anImageCountsOnceAmongThoseWithAZeroGradientInHoweverManyRunsThatHappened() {
        Layer flat = new Wrapper(TestModels.network(2)) {
            @Override
            Tensor change(Tape tape, Tensor logits) {
                return Arithmetic.add(tape, tape.detach(logits), Arithmetic.scale(tape, logits, 0f));
            }
        };
        Dataset data = TestModels.correctImages(flat, TestModels.SHAPE, 6, 4, 9);
        for (ApgdOptions options : List.of(ApgdOptions.of(Variant.CE).withRestarts(3), ApgdOptions.of(Variant.TARGETED),
                ApgdOptions.of(Variant.CE).withLargeFirst(true))) {
            RobustnessResult result = TestModels.evaluate(flat, data, new ThreatModel(Ball.L1, 1e-3f), 4,
                    new Apgd(options.withIterations(5)));
            assertEquals(6, result.robustCorrect());
            assertEquals(6, result.attacks().getFirst().zeroGradients(), options.toString());
            assertTrue(
                    result.warnings().getFirst().contains("a zero gradient, from which it cannot go anywhere, at the start of a run on 6 of"
                            + " 6 images"),
                    result.warnings().toString());
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyAttackThatGoesByGradientsSaysWhereTheyAreZero(Ball ball) {
        Layer model = TestModels.network(2);
        Layer flat = new Wrapper(TestModels.network(2)) {
            @Override
            Tensor change(Tape tape, Tensor logits) {
                return Arithmetic.add(tape, tape.detach(logits), Arithmetic.scale(tape, logits, 0f));
            }
        };
        Dataset data = TestModels.correctImages(flat, TestModels.SHAPE, 6, 4, 9);
        for (Attack attack : List.of(new Fgsm(), new Pgd(PgdOptions.DEFAULT.withIterations(3).withRestarts(2)),
                new Fab(FabOptions.UNTARGETED.withIterations(3)), new Fab(FabOptions.TARGETED.withIterations(3)))) {
            ThreatModel small = new ThreatModel(ball, 1e-3f);
            assertEquals(6, TestModels.evaluate(flat, data, small, 4, attack).attacks().getFirst().zeroGradients(), attack.name());
            RobustnessResult sound = TestModels.evaluate(model, data, small, 4, attack);
            assertEquals(0, sound.attacks().getFirst().zeroGradients(), attack.name());
            assertEquals(List.of(), sound.warnings());
        }
    }

    @Test
    void aStateOfTheSameWeightsInAnotherNetworkIsRefused() throws IOException {
        Dataset data = TestModels.images(6, 4, 9);
        Path file = folder.resolve("network.state");
        Layer model = TestModels.network(2);
        Layer scaled = new Wrapper(TestModels.network(2)) {
            @Override
            Tensor change(Tape tape, Tensor logits) {
                return Arithmetic.scale(tape, logits, 2f);
            }
        };
        Layer same = new Wrapper(TestModels.network(2)) {
            @Override
            Tensor change(Tape tape, Tensor logits) {
                return logits;
            }
        };
        TestDevice on = TestDevice.SCALAR;
        List<Attack> attacks = List.of(new Fgsm());
        assertTrue(attempt(on, attacks, model, data, false, file, Integer.MAX_VALUE, 4).isPresent());
        assertTrue(attempt(on, attacks, same, data, false, file, Integer.MAX_VALUE, 3).isPresent());
        FormatException refused = assertThrows(FormatException.class,
                () -> attempt(on, attacks, scaled, data, false, file, Integer.MAX_VALUE, 4));
        assertTrue(refused.getMessage().contains("belongs to another one"), refused.getMessage());
    }

    @Test
    void zeroGradientsOutliveAResume() {
        Dataset data = TestModels.images(4, 4, 1);
        Points points = new Points(data, new int[] {0, 1, 3});
        points.noteZeroGradient(2);
        points.noteZeroGradient(0);
        points.noteZeroGradient(2);
        points.countPasses(7, 5);
        Points later = new Points(data, new int[] {0, 1, 3});
        later.restore(points.state());
        assertEquals(2, later.zeroGradients());
        later.noteZeroGradient(0);
        assertEquals(2, later.zeroGradients());
        later.noteZeroGradient(1);
        assertEquals(3, later.zeroGradients());
        assertEquals(List.of(7L, 5L), List.of(later.forwardPasses(), later.backwardPasses()));
    }

    /// The largest logit of every image.
    private static float[] largestLogits(Layer model, Dataset data) {
        float[] values = new float[data.size() * data.shape().values()];
        for (int i = 0; i < data.size(); i++) {
            data.image(i, values, i * data.shape().values());
        }
        try (Device device = Device.scalar(1); Victim victim = new Victim(model, device, TestModels.shape(TestModels.SHAPE), 1)) {
            float[] logits = victim.logits(values, data.size());
            float[] largest = new float[data.size()];
            for (int i = 0; i < largest.length; i++) {
                largest[i] = logits[i * 4 + Victim.argMax(logits, i, 4)];
            }
            return largest;
        }
    }

    /// Models that are peculiar on some images only, in ascending order of the largest logit: the first batch alone says too little.
    @Test
    void whatIsSaidOfTheModelDoesNotDependOnTheBatchSize() {
        Layer inner = TestModels.network(2);
        Dataset shuffled = TestModels.images(12, 4, 9);
        float[] largest = largestLogits(inner, shuffled);
        int[] ascending = IntStream.range(0, 12).boxed().sorted(Comparator.comparingDouble(i -> largest[i])).mapToInt(i -> i).toArray();
        Dataset data = shuffled.subset(ascending);
        float threshold = (largest[ascending[8]] + largest[ascending[9]]) / 2;
        Tensor noise = Tensor.scalar(.3f);
        Layer restlessOnThree = new Wrapper(inner) {
            @Override
            Tensor change(Tape tape, Tensor logits) {
                Tensor next = Arithmetic.subtract(tape, Tensor.scalar(1f), Arithmetic.scale(tape, Arithmetic.square(tape, noise), 2f));
                Tensor changed = Arithmetic.add(tape, logits, Arithmetic.multiply(tape, beyond(tape, logits, threshold), noise));
                tape.executor().update(Opcode.ASSIGN, null, List.of(noise), next);
                return changed;
            }
        };
        Layer probabilitiesButOnThree = new Wrapper(inner) {
            @Override
            Tensor change(Tape tape, Tensor logits) {
                return Arithmetic.add(tape, Softmax.softmax(tape, logits, 1), beyond(tape, logits, threshold));
            }
        };
        for (int batch : new int[] {1, 5, 9, 12}) {
            List<String> restless = TestModels.evaluate(restlessOnThree, data, THREAT, batch, new Fgsm()).warnings();
            assertTrue(restless.size() == 1 && restless.getFirst().contains("different outputs"), batch + ": " + restless);
            assertEquals(List.of(), TestModels.evaluate(probabilitiesButOnThree, data, THREAT, batch, new Fgsm()).warnings(), "" + batch);
        }
    }

    private static Tensor beyond(Tape tape, Tensor logits, float threshold) {
        return Arithmetic.maximum(tape, Arithmetic.subtract(tape, logits, Tensor.scalar(threshold)), Tensor.scalar(0f));
    }

    @Test
    void imagesThatAreToBeLedToTheirOwnClassAreRefusedAndOthersCanBeLeftOutAndResumed() throws IOException {
        Layer model = TestModels.linear(4, 8);
        Dataset data = TestModels.images(23, 4, 9);
        TestDevice on = TestDevice.SCALAR;
        int reached = 0;
        for (int target = 0; target < 4; target++) {
            int goal = target;
            List<Attack> attacks = List.of(new Pgd(PgdOptions.DEFAULT.withIterations(6).withRestarts(2).withTarget(label -> goal)));
            int first = IntStream.range(0, 23).filter(i -> data.label(i) == goal).findFirst().orElseThrow();
            IllegalArgumentException refused = assertThrows(IllegalArgumentException.class,
                    () -> attempt(on, attacks, model, data, false, folder.resolve("none"), 99, 4));
            assertTrue(
                    refused.getMessage().contains("image " + first + " of class " + goal + " shall be led to class " + goal + ", its own"),
                    refused.getMessage());
            assertTrue(model.isTraining());
            Dataset others = data.subset(IntStream.range(0, 23).filter(i -> data.label(i) != goal).toArray());
            RobustnessResult whole = attempt(on, attacks, model, others, false, folder.resolve("whole" + goal), Integer.MAX_VALUE, 2)
                    .orElseThrow();
            Optional<RobustnessResult> stopped = Optional.empty();
            while (stopped.isEmpty()) {
                stopped = attempt(on, attacks, model, others, false, folder.resolve("stopped" + goal), 9, 2);
            }
            assertSame(whole, stopped.get());
            reached += whole.cleanCorrect() - whole.robustCorrect();
        }
        assertTrue(reached > 0, "some images are led to another class");
        Attack beyond = new Pgd(PgdOptions.DEFAULT.withTarget(label -> 4));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> TestModels.evaluate(model, data, THREAT, 4, beyond)).getMessage()
                .contains("expected a class from 0 to 3"));
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
