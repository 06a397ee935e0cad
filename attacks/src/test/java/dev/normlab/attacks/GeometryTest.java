package dev.normlab.attacks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.attacks.ThreatModel.Ball;
import dev.normlab.engine.tensor.RandomStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GeometryTest {

    private static final float[] POINT = {.5f, .1f, .9f, .3f};
    private static final float[] NORMAL = {2, 1, -1, 0};

    private static double[] toHyperplane(Ball ball, double b) {
        double excess = -b;
        for (int i = 0; i < 4; i++) {
            excess += (double) NORMAL[i] * POINT[i];
        }
        double[] delta = new double[4];
        assertTrue(BoxHyperplane.displacement(ball, NORMAL, 0, excess, POINT, 0, 4, delta));
        return delta;
    }

    private static float[] landing(double... delta) {
        float[] point = new float[4];
        for (int i = 0; i < 4; i++) {
            point[i] = (float) (POINT[i] + delta[i]);
        }
        return point;
    }

    @Test
    void theShortestWaysToAHyperplaneHaveTheirGoldenValues() {
        assertArrayEquals(new double[] {.325, .325, -.325, 0}, toHyperplane(Ball.LINF, 1.5), 1e-6);
        assertArrayEquals(new double[] {.433333, .216667, -.216667, 0}, toHyperplane(Ball.L2, 1.5), 1e-6);
        assertArrayEquals(new double[] {.5, .3, 0, 0}, toHyperplane(Ball.L1, 1.5), 1e-6);
        assertArrayEquals(new double[] {-.25, -.1, .1, 0}, toHyperplane(Ball.LINF, -.5), 1e-6);
        assertArrayEquals(new double[] {-.25, -.1, .1, 0}, toHyperplane(Ball.L2, -.5), 1e-6);
        assertArrayEquals(new double[] {-.35, 0, 0, 0}, toHyperplane(Ball.L1, -.5), 1e-6);
    }

    @ParameterizedTest
    @EnumSource(Ball.class)
    void aHyperplaneOutOfTheBoxsReachIsApproachedAsFarAsPossible(Ball ball) {
        double[] delta = new double[4];
        assertFalse(BoxHyperplane.displacement(ball, NORMAL, 0, -100, POINT, 0, 4, delta));
        assertArrayEquals(new float[] {1, 1, 0, .3f}, landing(delta), 1e-6f);
    }

    @ParameterizedTest
    @EnumSource(Ball.class)
    void waysToRandomHyperplanesEndOnThemInTheBoxAndNoRandomPointOfTheHyperplaneIsNearer(Ball ball) {
        RandomStream random = RandomStream.of(4, "hyperplanes");
        for (int trial = 0; trial < 60; trial++) {
            float[] w = new float[6];
            float[] x = new float[6];
            random.fillNormal(w, 0, 1);
            random.fillUniform(x, 0, 1);
            float[] other = new float[6];
            random.fillUniform(other, 0, 1);
            double excess = 0;
            double[] direct = new double[6];
            for (int i = 0; i < 6; i++) {
                excess += (double) w[i] * (x[i] - other[i]);
                direct[i] = other[i] - x[i];
            }
            double[] delta = new double[6];
            assertTrue(BoxHyperplane.displacement(ball, w, 0, excess, x, 0, 6, delta));
            double left = excess;
            for (int i = 0; i < 6; i++) {
                left += w[i] * delta[i];
                assertTrue(x[i] + delta[i] > -1e-9 && x[i] + delta[i] < 1 + 1e-9);
            }
            assertEquals(0, left, 1e-9);
            assertTrue(BoxHyperplane.norm(ball, delta, 6) <= BoxHyperplane.norm(ball, direct, 6) + 1e-9);
        }
    }

    @Test
    void theProjectionToTheL1BallAndTheBoxHasItsGoldenValues() {
        float[] clean = {.5f, .5f, .5f, .5f, .5f, .5f, .5f, .5f};
        float[] x = {1.5f, -.1f, .7f, .6f, .5f, .5f, .5f, .5f};
        Ball.L1.project(.5, clean, x, 0, 8);
        assertArrayEquals(new float[] {.95f, .45f, .5f, .5f, .5f, .5f, .5f, .5f}, x, 1e-6f);
    }

    @ParameterizedTest
    @EnumSource(Ball.class)
    void pointsInsideTheBallStayBitForBit(Ball ball) {
        float[] clean = {.5f, .5f, .5f};
        float[] x = {.6f, .3f, .8f};
        ball.project(1, clean, x, 0, 3);
        assertArrayEquals(new float[] {.6f, .3f, .8f}, x);
    }

    /// Public code pushes points inside the l1 ball out to its surface, and fails for a radius of 0.
    @ParameterizedTest
    @EnumSource(Ball.class)
    void aBallOfRadiusZeroHasItsCentreOnly(Ball ball) {
        float[] clean = {.5f, .1f, 1f};
        float[] x = {.6f, -.3f, .8f};
        ball.project(0, clean, x, 0, 3);
        assertArrayEquals(clean, x);
    }

    @ParameterizedTest
    @EnumSource(Ball.class)
    void projectedPointsAreInTheBallAndTheBoxWithoutAnyTolerance(Ball ball) {
        RandomStream random = RandomStream.of(9, "projections");
        for (int trial = 0; trial < 50; trial++) {
            float[] clean = new float[200];
            float[] x = new float[200];
            random.fillUniform(clean, 0, 1);
            random.fillNormal(x, 0.5f, 1);
            double eps = ball == Ball.LINF ? .03 : ball == Ball.L2 ? .5 : 3;
            ball.project(eps, clean, x, 0, 200);
            double distance = new ThreatModel(ball, 1).distance(clean, x, 0, 200);
            assertTrue(distance <= eps * (1 + 1e-12), ball + ": " + distance);
            assertTrue(distance > eps * .99 || ball == Ball.L2, "the projection goes to the boundary");
            for (float value : x) {
                assertTrue(value >= 0 && value <= 1);
            }
        }
    }
}
