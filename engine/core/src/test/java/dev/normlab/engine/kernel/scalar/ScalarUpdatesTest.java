package dev.normlab.engine.kernel.scalar;

import static dev.normlab.engine.kernel.scalar.Fixture.WORKSPACE;
import static dev.normlab.engine.kernel.scalar.Fixture.floats;
import static dev.normlab.engine.kernel.scalar.Fixture.intOutput;
import static dev.normlab.engine.kernel.scalar.Fixture.ints;
import static dev.normlab.engine.kernel.scalar.Fixture.output;
import static dev.normlab.engine.kernel.scalar.Fixture.random;
import static dev.normlab.engine.kernel.scalar.Fixture.vector;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.SliceNormSizes.TapSet;
import dev.normlab.engine.kernel.UpdateKernels;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ScalarUpdatesTest {

    private final UpdateKernels updates = new ScalarKernels().updates();

    @Test
    void plainSgdStepsAgainstTheDecayedGradient() {
        Storage parameter = vector(1f, -2f), velocity = vector(7f, 7f), grad = vector(0.5f, 1f);
        updates.sgd(grad, vector(0.5f, 0f, 0f, 0.25f, 0f, 1f), parameter, velocity, WORKSPACE);
        // g = (0.5 + 0.25, 1 - 0.5); without momentum the velocity is left alone
        assertArrayEquals(new float[] {0.625f, -2.25f}, parameter.floats());
        assertArrayEquals(new float[] {7f, 7f}, velocity.floats());
        assertArrayEquals(new float[] {0.5f, 1f}, grad.floats());
    }

    @Test
    void momentumStartsAtTheGradientAndIsDampenedLater() {
        Storage parameter = vector(1f), velocity = vector(99f);
        updates.sgd(vector(2f), vector(0.25f, 0.5f, 0.25f, 0f, 0f, 1f), parameter, velocity, WORKSPACE);
        assertArrayEquals(new float[] {2f}, velocity.floats());
        assertArrayEquals(new float[] {0.5f}, parameter.floats());
        updates.sgd(vector(4f), vector(0.25f, 0.5f, 0.25f, 0f, 0f, 0f), parameter, velocity, WORKSPACE);
        assertArrayEquals(new float[] {4f}, velocity.floats()); // 0.5 * 2 + 0.75 * 4
        assertArrayEquals(new float[] {-0.5f}, parameter.floats());
    }

    @Test
    void nesterovLooksAhead() {
        Storage parameter = vector(1f), velocity = vector(2f);
        updates.sgd(vector(1f), vector(0.5f, 0.5f, 0f, 0f, 1f, 0f), parameter, velocity, WORKSPACE);
        assertArrayEquals(new float[] {2f}, velocity.floats()); // 0.5 * 2 + 1
        assertArrayEquals(new float[] {0f}, parameter.floats()); // 1 - 0.5 * (1 + 0.5 * 2)
    }

    @Test
    void theFirstAdamStepIsTheLearningRateTimesTheSign() {
        Storage parameter = vector(1f, 1f, 1f), first = vector(0, 0, 0), second = vector(0, 0, 0);
        updates.adam(vector(3f, -0.01f, 0f), vector(0.125f, 0.5f, 0.75f, 0f, 0f, 0f, 0.5f, 0.25f), parameter, first, second, WORKSPACE);
        assertEquals(0.875f, parameter.floats()[0]);
        assertEquals(1.125f, parameter.floats()[1], 1e-7f);
        assertTrue(Float.isNaN(parameter.floats()[2]), "0 / (0 + eps) with eps = 0");
        assertArrayEquals(new float[] {1.5f, -0.005f, 0f}, first.floats());
        assertEquals(2.25f, second.floats()[0]);
    }

    @Test
    void adamDecaysThroughTheGradientAndAdamWDirectly() {
        // lr 0.5, beta1 0.5, beta2 0.5, eps 1, decay 0.5; third step: corrections 7/8. From p = 2, m = 1, v = 4, gradient 1.
        Storage coupled = vector(2f), decoupled = vector(2f);
        Storage first = vector(1f), second = vector(4f);
        updates.adam(vector(1f), vector(0.5f, 0.5f, 0.5f, 1f, 0.5f, 0f, 0.875f, 0.875f), coupled, first, second, WORKSPACE);
        // g = 1 + 0.5 * 2 = 2; m = 1.5; v = 4
        assertArrayEquals(new float[] {1.5f}, first.floats());
        assertArrayEquals(new float[] {4f}, second.floats());
        assertEquals(2 - 0.5 * (1.5 / 0.875) / (Math.sqrt(4 / 0.875) + 1), coupled.floats()[0], 1e-7);
        first = vector(1f);
        second = vector(4f);
        updates.adam(vector(1f), vector(0.5f, 0.5f, 0.5f, 1f, 0.5f, 1f, 0.875f, 0.875f), decoupled, first, second, WORKSPACE);
        // p = 2 * (1 - 0.25) = 1.5; g = 1; m = 1; v = 2.5
        assertEquals(1.5 - 0.5 * (1 / 0.875) / (Math.sqrt(2.5 / 0.875) + 1), decoupled.floats()[0], 1e-7);
        assertArrayEquals(new float[] {1f}, first.floats());
        assertArrayEquals(new float[] {2.5f}, second.floats());
    }

    @Test
    void addingAndAssigningChangeTheTargetOnly() {
        Storage target = vector(1, 2), x = vector(10, 20);
        updates.addScaled(x, vector(0.5f), target, WORKSPACE);
        assertArrayEquals(new float[] {6, 12}, target.floats());
        updates.assign(x, target, WORKSPACE);
        assertArrayEquals(new float[] {10, 20}, target.floats());
        assertArrayEquals(new float[] {10, 20}, x.floats());
        Storage counter = ints(0, 0);
        updates.assign(ints(3, 4), counter, WORKSPACE);
        assertArrayEquals(new int[] {3, 4}, counter.ints());
    }

    /// One axis of a convolution with zero padding: `n` inputs, `k` taps, the same padding on both sides.
    private record Axis(int n, int k, int stride, int pad, int dilation) {

        int outputs() {
            return Math.floorDiv(n + 2 * pad - dilation * (k - 1) - 1, stride) + 1;
        }

        /// Whether output `a` reads input `i` through tap `t`.
        boolean reads(int a, int t, int i) {
            return a * stride + t * dilation - pad == i;
        }

        /// The sets of taps that meet in one output (rows of the matrix) or in one input (columns), without repetition.
        List<List<Integer>> sets(boolean byOutput) {
            Set<List<Integer>> sets = new LinkedHashSet<>();
            for (int position = 0; position < (byOutput ? outputs() : n); position++) {
                List<Integer> taps = new ArrayList<>();
                for (int t = 0; t < k; t++) {
                    for (int other = 0; other < (byOutput ? n : outputs()); other++) {
                        if (byOutput ? reads(position, t, other) : reads(other, t, position)) {
                            taps.add(t);
                        }
                    }
                }
                sets.add(taps);
            }
            return List.copyOf(sets);
        }
    }

    private static SliceNormSizes sizes(int o, int groupInputs, int groups, Axis rows, Axis columns, boolean byOutput) {
        List<TapSet> sets = new ArrayList<>();
        for (List<Integer> rowTaps : rows.sets(byOutput)) {
            for (List<Integer> columnTaps : columns.sets(byOutput)) {
                sets.add(new TapSet(rowTaps, columnTaps));
            }
        }
        return new SliceNormSizes(o, groupInputs, rows.k(), columns.k(), groups, byOutput, sets);
    }

    private float norm(SliceNormSizes s, Storage weight, @Nullable Storage scale, int[] argMax) {
        Storage norm = output(), position = intOutput(2);
        updates.sliceNorm(s, weight, scale, norm, position, WORKSPACE);
        argMax[0] = position.ints()[0];
        argMax[1] = position.ints()[1];
        return norm.floats()[0];
    }

    @Test
    void theNormsOfSmallConvolutionsAreThePublishedOnes() {
        Storage nine = floats(Shape.of(1, 1, 3, 3), 1, 2, 3, 4, 5, 6, 7, 8, 9);
        int[][] cases = {{5, 1, 1, 45, 45}, {5, 2, 1, 20, 45}, {6, 3, 0, 9, 45}, {2, 1, 1, 28, 28}, {1, 1, 1, 5, 5}};
        for (int[] expected : cases) {
            Axis axis = new Axis(expected[0], 3, expected[1], expected[2], 1);
            assertEquals(expected[3], norm(sizes(1, 1, 1, axis, axis, false), nine, null, new int[2]), "l1 of " + axis);
            assertEquals(expected[4], norm(sizes(1, 1, 1, axis, axis, true), nine, null, new int[2]), "linf of " + axis);
        }
        Storage six = floats(Shape.of(1, 1, 2, 3), 1, 2, 3, 4, 5, 6);
        Axis rows = new Axis(5, 2, 2, 0, 1), columns = new Axis(6, 3, 2, 0, 1);
        assertEquals(10, norm(sizes(1, 1, 1, rows, columns, false), six, null, new int[2]));
        assertEquals(21, norm(sizes(1, 1, 1, rows, columns, true), six, null, new int[2]));
    }

    /// Absolute column and row sums of the layer's matrix, entry by entry.
    @Test
    void normsAreTheLargestColumnAndRowSumsOfTheMatrix() {
        Axis[][] axes = {{new Axis(5, 3, 1, 1, 1), new Axis(4, 3, 2, 1, 1)}, {new Axis(2, 5, 1, 2, 1), new Axis(6, 2, 3, 0, 1)},
            {new Axis(7, 3, 2, 2, 2), new Axis(3, 1, 1, 0, 1)}};
        for (Axis[] pair : axes) {
            for (int groups : new int[] {1, 2}) {
                int o = 6, groupInputs = 2;
                Storage weight = random(1, o, groupInputs, pair[0].k(), pair[1].k());
                double[] rowSums = new double[o * pair[0].outputs() * pair[1].outputs()];
                double[] columnSums = new double[groups * groupInputs * pair[0].n() * pair[1].n()];
                for (int i = 0; i < weight.shape().elements(); i++) {
                    int ikw = i % pair[1].k(), ikh = i / pair[1].k() % pair[0].k();
                    int filter = i / pair[1].k() / pair[0].k(), io = filter / groupInputs, ic = io / (o / groups) * groupInputs + filter
                            % groupInputs;
                    addEntries(pair[0], pair[1], ikh, ikw, io, ic, Math.abs(weight.floats()[i]), rowSums, columnSums);
                }
                double linf = max(rowSums), l1 = max(columnSums);
                assertEquals(linf, norm(sizes(o, groupInputs, groups, pair[0], pair[1], true), weight, null, new int[2]), 1e-6 * linf);
                assertEquals(l1, norm(sizes(o, groupInputs, groups, pair[0], pair[1], false), weight, null, new int[2]), 1e-6 * l1);
            }
        }
    }

    private static void addEntries(Axis rows, Axis columns, int ikh, int ikw, int io, int ic, double value, double[] rowSums,
            double[] columnSums) {
        for (int ioh = 0; ioh < rows.outputs(); ioh++) {
            for (int iow = 0; iow < columns.outputs(); iow++) {
                for (int ih = 0; ih < rows.n(); ih++) {
                    for (int iw = 0; iw < columns.n(); iw++) {
                        if (rows.reads(ioh, ikh, ih) && columns.reads(iow, ikw, iw)) {
                            rowSums[(io * rows.outputs() + ioh) * columns.outputs() + iow] += value;
                            columnSums[(ic * rows.n() + ih) * columns.n() + iw] += value;
                        }
                    }
                }
            }
        }
    }

    private static double max(double[] values) {
        double max = 0;
        for (double value : values) {
            max = Math.max(max, value);
        }
        return max;
    }

    @Test
    void theLowestSliceWinsTiesAndChannelsAreScaled() {
        List<TapSet> sets = List.of(new TapSet(List.of(0), List.of(0)), new TapSet(List.of(0), List.of(1)));
        SliceNormSizes byOutput = new SliceNormSizes(2, 1, 1, 2, 1, true, sets);
        Storage weight = floats(Shape.of(2, 1, 1, 2), 1, -4, 4, 4);
        int[] argMax = new int[2];
        assertEquals(4, norm(byOutput, weight, null, argMax));
        assertArrayEquals(new int[] {0, 1}, argMax);
        assertEquals(8, norm(byOutput, weight, vector(1, 2), argMax));
        assertArrayEquals(new int[] {1, 0}, argMax);
        weight.floats()[3] = Float.NaN;
        assertTrue(Float.isNaN(norm(byOutput, weight, null, argMax)));
        assertArrayEquals(new int[] {1, 1}, argMax);
    }

    @Test
    void aLayerWithoutTapSetsHasNormZeroAndOnlyItsTraceDecays() {
        SliceNormSizes s = new SliceNormSizes(2, 1, 1, 1, 1, true, List.of());
        int[] argMax = new int[2];
        assertEquals(0, norm(s, vector(5, 6), null, argMax));
        assertArrayEquals(new int[] {-1, -1}, argMax);
        Storage trace = vector(2, 4), grad = vector(0, 1);
        updates.sliceDecay(s, vector(5, 6), null, ints(-1, -1), vector(0.5f, 0.25f), trace, grad, WORKSPACE);
        assertArrayEquals(new float[] {0.5f, 1f}, trace.floats());
        assertArrayEquals(new float[] {0.25f, 1.5f}, grad.floats());
    }

    @Test
    void decayMovesTheSignOfTheSliceThroughTheTrace() {
        // weight [o=2, c=2, 1, 2]; slice: input channel 1 at tap column 0, which is elements 2 and 6
        List<TapSet> sets = List.of(new TapSet(List.of(0), List.of(1)), new TapSet(List.of(0), List.of(0)));
        SliceNormSizes s = new SliceNormSizes(2, 2, 1, 2, 1, false, sets);
        Storage weight = floats(Shape.of(2, 2, 1, 2), 1, 1, -5, 1, 1, 1, 6, 1);
        int[] argMax = new int[2];
        assertEquals(11, norm(s, weight, null, argMax));
        assertArrayEquals(new int[] {1, 1}, argMax);
        Storage trace = vector(0, 4, 4, 0, 0, 0, 0, 0), grad = vector(0, 0, 0, 0, 0, 0, 1, 0);
        float[] before = weight.floats().clone();
        updates.sliceDecay(s, weight, null, ints(argMax), vector(0.25f, 0.5f), trace, grad, WORKSPACE);
        assertArrayEquals(new float[] {0, 2, -1, 0, 0, 0, 1, 0}, trace.floats());
        assertArrayEquals(new float[] {0, 0.5f, -0.25f, 0, 0, 0, 1.25f, 0}, grad.floats());
        updates.sliceDecay(s, weight, vector(9, 2), ints(argMax), vector(0.25f, 0.5f), trace, grad, WORKSPACE);
        assertArrayEquals(new float[] {0, 1, -2, 0, 0, 0, 2, 0}, trace.floats());
        assertArrayEquals(before, weight.floats());
    }
}
