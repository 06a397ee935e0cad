package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.nn.data.Dataset;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Sequential;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What becomes of points that attacks offer: an evaluation believes nothing that it has not checked.
class OfferedPointsTest {

    private static final int IMAGES = 7;

    /// How an attack that errs moves images.
    private enum Move {
        NONE, WITHIN, OUT_OF_THE_BALL, OUT_OF_THE_BOX, NOT_A_NUMBER;

        private ThreatModel threat(Ball ball) {
            return switch (this) {
                case OUT_OF_THE_BALL -> new ThreatModel(ball, .3f);
                case NONE, WITHIN, OUT_OF_THE_BOX, NOT_A_NUMBER -> new ThreatModel(ball, ball == Ball.LINF ? 1 : 1000);
            };
        }

        private void apply(float[] image) {
            switch (this) {
                case NONE -> {
                }
                case WITHIN, OUT_OF_THE_BALL -> Arrays.fill(image, .1f);
                case OUT_OF_THE_BOX -> Arrays.fill(image, -.1f);
                case NOT_A_NUMBER -> image[5] = Float.NaN;
            }
        }
    }

    /// Moves every image so, and believes that all fool the model.
    private record Careless(Move move) implements Attack {

        @Override
        public String name() {
            return "careless";
        }

        @Override
        public Passes passes(ThreatModel threat, int classes) {
            return Passes.NONE;
        }

        @Override
        public void run(Victim victim, ThreatModel threat, Points points, long seed) {
            float[] image = new float[points.length()];
            for (int i = 0; i < points.count(); i++) {
                points.clean(i, image, 0);
                move.apply(image);
                points.move(i, image, 0, true);
            }
        }
    }

    /// Class 1 where the mean of an image is above 1/2, else class 0; class 0 also where it is not a number.
    private static Layer brightness() {
        int length = TestModels.SHAPE.values();
        Layer model = new Sequential(new Flatten(), new Linear(length, 2, true)).initialize(1);
        float[] weight = new float[2 * length];
        Arrays.fill(weight, length, 2 * length, 1f / length);
        model.namedParameters().get("1.weight").set(weight);
        model.namedParameters().get("1.bias").set(new float[] {.5f, 0});
        return model;
    }

    /// Images between 0.6 and 0.7, of class 1.
    private static Dataset bright() {
        Dataset uniform = TestModels.images(IMAGES, 2, 3);
        float[] values = new float[IMAGES * TestModels.SHAPE.values()];
        int[] labels = new int[IMAGES];
        Arrays.fill(labels, 1);
        for (int i = 0; i < IMAGES; i++) {
            uniform.image(i, values, i * TestModels.SHAPE.values());
        }
        for (int j = 0; j < values.length; j++) {
            values[j] = .6f + .1f * values[j];
        }
        return Dataset.ofUnits("bright", TestModels.SHAPE, List.of("dark", "bright"), values, labels);
    }

    @ParameterizedTest
    @EnumSource(Ball.class)
    void pointsOutsideTheBallOrTheBoxAndThoseThatAreNoNumbersDoNotCount(Ball ball) {
        Dataset data = bright();
        float[] clean = new float[IMAGES * data.shape().values()];
        for (int i = 0; i < IMAGES; i++) {
            data.image(i, clean, i * data.shape().values());
        }
        int[] robust = new int[IMAGES];
        Arrays.fill(robust, RobustnessResult.ROBUST);
        for (Move move : Move.values()) {
            RobustnessResult result = TestModels.evaluate(brightness(), data, move.threat(ball), 3, new Careless(move));
            assertEquals(IMAGES, result.cleanCorrect());
            if (move == Move.NONE || move == Move.WITHIN) {
                assertEquals(0, result.rejected());
                assertEquals(move == Move.NONE ? IMAGES : 0, result.robustCorrect(), "the moves fool where they are allowed");
                continue;
            }
            assertEquals(IMAGES, result.rejected(), move.toString());
            assertEquals(IMAGES, result.robustCorrect(), move.toString());
            assertEquals(0, result.attacks().getFirst().fooled(), move.toString());
            assertArrayEquals(robust, result.fooledBy(), move.toString());
            assertArrayEquals(labels(data), result.predictions(), move.toString());
            assertArrayEquals(clean, result.adversarial(), move.toString());
            assertArrayEquals(new double[IMAGES], result.distances(), move.toString());
        }
    }

    /// A logit that is no number counts as the smallest when points are judged, but as the largest within recorded steps of PGD.
    @ParameterizedTest
    @EnumSource(Ball.class)
    void imagesThatAnAttackTakesForFooledButThatAreRightAreSaid(Ball ball) {
        Layer model = brightness();
        model.namedParameters().get("1.bias").set(new float[] {Float.NaN, 0});
        RobustnessResult result = TestModels.evaluate(model, bright(), new ThreatModel(ball, .01f), 3,
                new Pgd(PgdOptions.DEFAULT.withIterations(3)), new Careless(Move.NONE));
        assertEquals(IMAGES, result.cleanCorrect());
        assertEquals(IMAGES, result.robustCorrect());
        assertEquals(ball == Ball.L1 ? 0 : IMAGES, result.attacks().get(0).unconfirmed());
        assertEquals(IMAGES, result.attacks().get(1).unconfirmed());
        assertEquals(0, result.rejected());
        String last = result.warnings().getLast();
        assertTrue(last.startsWith("careless took 7 images for fooled that are right"), last);
    }

    private static int[] labels(Dataset data) {
        int[] labels = new int[data.size()];
        Arrays.setAll(labels, data::label);
        return labels;
    }
}
