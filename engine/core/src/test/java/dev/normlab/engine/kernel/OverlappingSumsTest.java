package dev.normlab.engine.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class OverlappingSumsTest {

    /// Dykstra's alternating projections, the slow solver: converges to the nearest point of an intersection of convex sets.
    private static double[] dykstra(double[] y, int area, List<int[]> sets, double r) {
        double[] x = y.clone();
        double[][] corrections = new double[sets.size()][y.length];
        for (int sweep = 0; sweep < 20_000; sweep++) {
            double moved = 0;
            for (int i = 0; i < sets.size(); i++) {
                double[] shifted = x.clone();
                for (int j = 0; j < y.length; j++) {
                    shifted[j] += corrections[i][j];
                }
                double[] projected = ontoSet(shifted, area, sets.get(i), r);
                for (int j = 0; j < y.length; j++) {
                    corrections[i][j] = shifted[j] - projected[j];
                    moved = Math.max(moved, Math.abs(projected[j] - x[j]));
                    x[j] = projected[j];
                }
            }
            if (moved < 1e-13) {
                break;
            }
        }
        return x;
    }

    private static double[] ontoSet(double[] point, int area, int[] set, double r) {
        double[] result = point.clone();
        int[] members = IntStream.range(0, point.length).filter(j -> IntStream.of(set).anyMatch(tap -> tap == j % area)).toArray();
        double[] part = IntStream.of(members).mapToDouble(j -> point[j]).toArray();
        L1Ball.projectBySorting(part, r);
        for (int k = 0; k < members.length; k++) {
            result[members[k]] = part[k];
        }
        return result;
    }

    private static List<int[]> randomSets(Random random, int area) {
        List<int[]> sets = new ArrayList<>();
        int count = 1 + random.nextInt(4);
        for (int i = 0; i < count; i++) {
            int[] set = IntStream.range(0, area).filter(_ -> random.nextInt(3) > 0).toArray();
            sets.add(set.length == 0 ? new int[] {random.nextInt(area)} : set);
        }
        return sets;
    }

    @Test
    void newtonsMethodEqualsDykstrasAlternatingProjections() {
        Random random = new Random(1983);
        for (int trial = 0; trial < 300; trial++) {
            int area = 1 + random.nextInt(9);
            double[] y = random.doubles((long) area * (1 + random.nextInt(5)), 0, 2).toArray();
            if (random.nextInt(4) == 0) {
                y = DoubleStream.of(y).map(Math::rint).toArray();
            }
            List<int[]> sets = randomSets(random, area);
            double r = DoubleStream.of(y).sum() * random.nextDouble() / 2 + 1e-3;
            OverlappingSums.Solution solution = OverlappingSums.project(y, area, sets, r);
            double[] slow = dykstra(y, area, sets, r);
            for (int j = 0; j < y.length; j++) {
                double x = Math.max(0, y[j] - solution.thresholds()[j % area]);
                assertEquals(slow[j], x, 1e-6, "trial " + trial + " value " + j);
            }
            assertFalse(solution.swept(), "trial " + trial + " needed the fallback");
            assertTrue(solution.steps() <= 20, solution.steps() + " steps in trial " + trial);
        }
    }

    @Test
    void aPointInsideHasNoThreshold() {
        OverlappingSums.Solution solution = OverlappingSums.project(new double[] {1, 1, 1}, 3, List.of(new int[] {0, 1}, new int[] {1, 2}),
                2);
        assertEquals(0, DoubleStream.of(solution.thresholds()).sum());
        assertEquals(0, solution.steps());
    }

    /// Twice the same set: the system of Newton's method is singular but for its regularisation.
    @Test
    void equalSetsShareTheirThreshold() {
        int[] all = {0, 1, 2};
        OverlappingSums.Solution solution = OverlappingSums.project(new double[] {3, 1, 2}, 3, List.of(all, all, all), 3);
        for (double threshold : solution.thresholds()) {
            assertEquals(1, threshold, 1e-9);
        }
    }
}
