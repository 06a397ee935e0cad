package dev.normlab.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class L1BallTest {

    /// The slow solver: bisection of the threshold.
    private static double[] byBisection(double[] y, double r) {
        if (DoubleStream.of(y).map(Math::abs).sum() <= r) {
            return y.clone();
        }
        double low = 0;
        double high = DoubleStream.of(y).map(Math::abs).max().orElse(0);
        for (int step = 0; step < 200; step++) {
            double middle = (low + high) / 2;
            double sum = DoubleStream.of(y).map(value -> Math.max(0, Math.abs(value) - middle)).sum();
            if (sum > r) {
                low = middle;
            } else {
                high = middle;
            }
        }
        double threshold = high;
        return DoubleStream.of(y).map(value -> Math.copySign(Math.max(0, Math.abs(value) - threshold), value)).toArray();
    }

    /// Random points of any scale, some with ties, zeros and one dominating value.
    private static double[] random(Random random) {
        double[] y = new double[1 + random.nextInt(random.nextInt(10) == 0 ? 2000 : 12)];
        double scale = Math.pow(10, random.nextInt(7) - 3);
        int kind = random.nextInt(4);
        for (int i = 0; i < y.length; i++) {
            y[i] = scale * (kind == 0 ? random.nextInt(3) - 1 : random.nextGaussian());
        }
        if (kind == 1) {
            y[random.nextInt(y.length)] *= 1000;
        }
        return y;
    }

    @Test
    void sortingAndCondatEqualASlowSolver() {
        Random random = new Random(20160916);
        int outside = 0;
        for (int trial = 0; trial < 3000; trial++) {
            double[] y = random(random);
            double sum = DoubleStream.of(y).map(Math::abs).sum();
            double r = random.nextInt(10) == 0 ? 0 : sum * random.nextDouble() * 1.2;
            double[] expected = byBisection(y, r);
            double[] sorted = y.clone();
            L1Ball.projectBySorting(sorted, r);
            double[] linear = y.clone();
            L1Ball.project(linear, r);
            assertArrayEquals(expected, sorted, 1e-9 * (1 + sum), "sorting, trial " + trial);
            assertArrayEquals(expected, linear, 1e-9 * (1 + sum), "Condat, trial " + trial);
            outside += sum > r ? 1 : 0;
        }
        assertTrue(outside > 2000);
    }

    @Test
    void theGoldenPointIsProjected() {
        double[] y = {3, -1, 2, 0.5};
        L1Ball.project(y, 2);
        assertArrayEquals(new double[] {1.5, -0.0, 0.5, 0}, y, 1e-15);
    }

    /// The reference pushes interior points out to the ball.
    @Test
    void aPointInsideTheBallIsLeftAsItIs() {
        double[] y = {0.1, -0.2, 0.3};
        L1Ball.project(y, 1);
        assertArrayEquals(new double[] {0.1, -0.2, 0.3}, y);
        L1Ball.projectBySorting(y, 1);
        assertArrayEquals(new double[] {0.1, -0.2, 0.3}, y);
    }

    /// The reference crashes on a ball of radius 0.
    @Test
    void aBallOfRadiusZeroIsItsCentre() {
        for (double[] y : new double[][] {{3, -1, 2}, {0.5}, {1, 1, 1}}) {
            double[] sorted = y.clone();
            L1Ball.project(y, 0);
            L1Ball.projectBySorting(sorted, 0);
            assertEquals(0, DoubleStream.of(y).map(Math::abs).sum());
            assertEquals(0, DoubleStream.of(sorted).map(Math::abs).sum());
        }
    }

    @Test
    void anUnusableRadiusIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> L1Ball.project(new double[] {1}, -1));
        assertThrows(IllegalArgumentException.class, () -> L1Ball.project(new double[] {1}, Double.NaN));
    }
}
