package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.engine.kernel.BallProjection;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.nn.data.Dataset;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SquareTest {

    @Test
    void thePatternHasItsGoldenValues() {
        double a = .136083;
        double b = -.129099;
        assertArrayEquals(new double[] {a, .680414, a, b, b, b, b, -.645497, b}, SquarePattern.upright(Ball.L2, 3, 3), 1e-6);
    }

    /// Every half has the sum 1/2, and its second ring adds 1/16 to each value where the first adds 1.
    @Test
    void thePatternInL1IsMeasuredInL1AndSteeper() {
        double a = 1 / 38.;
        double b = -1 / 44.;
        assertArrayEquals(new double[] {a, 17 * a, a, b, b, b, b, 17 * b, b}, SquarePattern.upright(Ball.L1, 3, 3), 1e-12);
    }

    /// The new pattern and what is in the window take part alike, in the norm of the ball.
    @ParameterizedTest
    @EnumSource(value = Ball.class, names = {"L1", "L2"})
    void theOldAndTheNewPartOfAWindowHaveEqualWeight(Ball ball) {
        int side = 9;
        float eps = .4f;
        float[] clean = new float[side * side];
        Arrays.fill(clean, .5f);
        float[] best = clean.clone();
        best[0] += eps;
        float[] candidate = new float[clean.length];
        // windows of side 9 cover the image; in the corner the pattern is next to nothing
        double corner = Math.abs(SquarePattern.upright(ball, side, side)[0]);
        for (int trial = 0; trial < 8; trial++) {
            SquareMoves.of(new ThreatModel(ball, eps), 1, side, side).propose(1, clean, best, candidate, RandomStream.of(trial, "parts"));
            double old = candidate[0] - .5;
            candidate[0] = .5f;
            double added = new ThreatModel(ball, eps).distance(clean, candidate, 0, clean.length);
            assertTrue(corner < .1, "corner " + corner);
            assertEquals(old, added, 2 * corner * eps + 1e-6, "trial " + trial);
        }
    }

    @Test
    void sidesOfSquaresFollowTheSchedule() {
        StripeMoves moves = new StripeMoves(.1, 3, 32, 32);
        int[] iterations = {1, 11, 51, 201, 501, 1001, 2001, 4001};
        int[] sides = IntStream.of(iterations).map(i -> moves.side(SquareOptions.DEFAULT.share(i))).toArray();
        assertArrayEquals(new int[] {29, 20, 14, 10, 7, 5, 4, 3}, sides);
        assertEquals(29, moves.side(SquareOptions.DEFAULT.share(10)));
        assertEquals(0.8 / 512, SquareOptions.DEFAULT.share(8001), 1e-15);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 7, 12, 14, 18, 24, 32})
    void startsAndProposalsExistForEverySide(int side) {
        for (Ball ball : Ball.values()) {
            ThreatModel threat = new ThreatModel(ball, .5f);
            for (int width : new int[] {side, side + 3}) {
                SquareMoves moves = SquareMoves.of(threat, 2, side, width);
                RandomStream random = RandomStream.of(3, "moves", side);
                float[] clean = new float[2 * side * width];
                random.fillUniform(clean, 0, 1);
                float[] best = new float[clean.length];
                float[] candidate = new float[clean.length];
                moves.start(clean, best, random);
                assertTrue(threat.distance(clean, best, 0, clean.length) > 0);
                for (double share : new double[] {.8, .2, .01}) {
                    moves.propose(share, clean, best, candidate, random);
                    assertTrue(threat.allows(clean, candidate, 0, clean.length));
                }
            }
        }
    }

    @Test
    void theStartInL2HasFiveByFiveTiles() {
        float[] clean = new float[40 * 40];
        Arrays.fill(clean, .5f);
        float[] start = new float[clean.length];
        SquareMoves.of(new ThreatModel(Ball.L2, 1f), 1, 40, 40).start(clean, start, RandomStream.of(1, "tiles"));
        for (int tile = 0; tile < 25; tile++) {
            double squares = 0;
            for (int k = 0; k < 64; k++) {
                double delta = start[(tile / 5 * 8 + k / 8) * 40 + tile % 5 * 8 + k % 8] - .5;
                squares += delta * delta;
            }
            assertEquals(1. / 25, squares, 1e-5, "tile " + tile);
        }
    }

    @Test
    void windowsReachTheLastRowAndColumn() {
        StripeMoves moves = new StripeMoves(.25, 1, 6, 6);
        float[] clean = new float[36];
        Arrays.fill(clean, .5f);
        RandomStream random = RandomStream.of(2, "windows");
        boolean[] changed = new boolean[36];
        float[] candidate = new float[36];
        for (int trial = 0; trial < 300; trial++) {
            moves.propose(.1, clean, clean, candidate, random);
            for (int j = 0; j < 36; j++) {
                changed[j] |= candidate[j] != clean[j];
            }
        }
        for (int j = 0; j < 36; j++) {
            assertTrue(changed[j], "pixel " + j + " was never changed");
        }
    }

    /// The public code takes the norm of the whole image's window, not that of each channel.
    @Test
    void inL2EveryChannelKeepsItsOwnLength() {
        int side = 9;
        float[] clean = new float[2 * side * side];
        Arrays.fill(clean, .5f);
        float[] best = clean.clone();
        // channel 0 holds .06 of length, channel 1 ten times as much
        best[0] += .06f;
        best[side * side] += .6f;
        double eps = Math.sqrt(.06 * .06 + .6 * .6);
        SquareMoves moves = SquareMoves.of(new ThreatModel(Ball.L2, (float) eps), 2, side, side);
        float[] candidate = new float[clean.length];
        // windows of side 9 cover the image, so that each channel keeps its length
        moves.propose(1, clean, best, candidate, RandomStream.of(5, "lengths"));
        for (int c = 0; c < 2; c++) {
            double squares = BallProjection.squares(clean, candidate, c * side * side, side * side);
            assertEquals(c == 0 ? .06 : .6, Math.sqrt(squares), 1e-3);
        }
        assertNotEquals(best[1], candidate[1]);
    }

    @ParameterizedTest
    @EnumSource(Ball.class)
    void anImageStopsAtItsFirstSuccessAndNeverTakesMoreThanItsQueries(Ball ball) {
        var model = TestModels.network(2);
        var data = TestModels.correctImages(model, TestModels.SHAPE, 12, 4, 9);
        ThreatModel threat = new ThreatModel(ball, ball == Ball.LINF ? .4f : ball == Ball.L2 ? 1.5f : 20f);
        RobustnessResult result = TestModels.evaluate(model, data, threat, 5, new Square(SquareOptions.DEFAULT.withQueries(80)));
        RobustnessResult.AttackResult square = result.attacks().getFirst();
        assertTrue(square.fooled() > 0 && square.fooled() < 12, "some are fooled: " + square.fooled());
        assertTrue(square.forwardPasses() < 12 * 80);
        assertTrue(square.forwardPasses() >= (12 - square.fooled()) * 80L);
        assertEquals(0, square.backwardPasses());
        assertEquals(0, result.rejected());
    }

    /// Candidates of random margins, one of them not a number: the best point is always the one with the smallest so far.
    @Test
    void theBestMarginNeverRises() {
        Dataset data = TestModels.correctImages(TestModels.linear(3, 1), TestModels.SHAPE, 1, 3, 1);
        RandomStream random = RandomStream.of(5, "margins");
        Square.Search search = new Square.Search(new Points(data, new int[] {0}), 0, random);
        double smallest = Double.POSITIVE_INFINITY;
        float[] expected = search.best.clone();
        for (int query = 0; query < 200; query++) {
            double margin = query == 70 ? Double.NaN : 5 + random.nextNormal();
            Arrays.fill(search.candidate, query);
            search.judge(margin);
            if (margin < smallest) {
                smallest = margin;
                expected = search.candidate.clone();
            }
            assertEquals(smallest, search.margin);
            assertArrayEquals(expected, search.best);
        }
    }
}
