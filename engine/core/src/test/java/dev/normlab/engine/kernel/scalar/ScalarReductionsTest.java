package dev.normlab.engine.kernel.scalar;

import static dev.normlab.engine.kernel.scalar.Fixture.WORKSPACE;
import static dev.normlab.engine.kernel.scalar.Fixture.assertClose;
import static dev.normlab.engine.kernel.scalar.Fixture.floats;
import static dev.normlab.engine.kernel.scalar.Fixture.intOutput;
import static dev.normlab.engine.kernel.scalar.Fixture.output;
import static dev.normlab.engine.kernel.scalar.Fixture.random;
import static dev.normlab.engine.kernel.scalar.Fixture.vector;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.engine.kernel.AxisSizes;
import dev.normlab.engine.kernel.ReduceSizes;
import dev.normlab.engine.kernel.ReductionKernels;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ScalarReductionsTest {

    private static final float NAN = Float.NaN;
    private final ReductionKernels reductions = new ScalarKernels().reductions();

    @Test
    void everySubsetOfAxesIsSummed() {
        int[] sizes = {2, 3, 1, 5};
        Storage x = random(1, sizes);
        for (int subset = 0; subset < 16; subset++) {
            Shape kept = x.shape();
            int count = 1;
            for (int d = 0; d < 4; d++) {
                if ((subset >> d & 1) != 0) {
                    kept = kept.with(d, 1);
                    count *= sizes[d];
                }
            }
            double[] expected = new double[kept.elements()];
            for (int i = 0; i < x.shape().elements(); i++) {
                expected[indexIn(kept, x.shape(), i)] += x.floats()[i];
            }
            Storage y = output(kept.toArray());
            reductions.reduce(new ReduceSizes(x.shape(), kept, kept, false), x, y, WORKSPACE);
            assertClose(expected, y.floats(), 1e-7, "sum to " + kept);
            double[] means = new double[expected.length];
            for (int i = 0; i < means.length; i++) {
                means[i] = expected[i] / count;
            }
            reductions.reduce(new ReduceSizes(x.shape(), kept, kept, true), x, y, WORKSPACE);
            assertClose(means, y.floats(), 1e-7, "mean to " + kept);
        }
    }

    private static int indexIn(Shape kept, Shape in, int i) {
        int index = 0, stride = 1;
        for (int d = in.rank() - 1; d >= 0; d--) {
            index += kept.size(d) == 1 ? 0 : i % in.size(d) * stride;
            stride *= kept.size(d);
            i /= in.size(d);
        }
        return index;
    }

    @Test
    void sumsOfNothingAreZeroAndMeansOfNothingNan() {
        Storage y = output(3), empty = random(2, 0, 3);
        reductions.reduce(new ReduceSizes(Shape.of(0, 3), Shape.of(1, 3), Shape.of(3), false), empty, y, WORKSPACE);
        assertArrayEquals(new float[3], y.floats());
        reductions.reduce(new ReduceSizes(Shape.of(0, 3), Shape.of(1, 3), Shape.of(3), true), empty, y, WORKSPACE);
        assertArrayEquals(new float[] {NAN, NAN, NAN}, y.floats());
    }

    @Test
    void aLongSumIsRoundedOnce() {
        // in float, 2^24 + 1 + 1 stays 2^24
        Storage y = output();
        reductions.reduce(new ReduceSizes(Shape.of(3), Shape.of(1), Shape.of(), false), vector(0x1p24f, 1, 1), y, WORKSPACE);
        assertEquals(0x1p24f + 2, y.floats()[0]);
    }

    @Test
    void channelSumsRunOverImagesAndPixels() {
        Storage y = output(2);
        reductions.channelSum(2, 2, 2, floats(Shape.of(2, 2, 2), 1, 2, 10, 20, 3, 4, 30, 40), y, WORKSPACE);
        assertArrayEquals(new float[] {10, 100}, y.floats());
    }

    @Test
    void extremesTakeTheLowestIndexOnTiesAndTheFirstNan() {
        AxisSizes rows = new AxisSizes(4, 4, 1);
        Storage x = floats(Shape.of(4, 4), 1, 3, 3, 0, -1, -1, -2, -2, 5, NAN, 7, NAN, NAN, 1, 2, 3), indices = intOutput(4);
        reductions.argExtreme(rows, true, x, indices, WORKSPACE);
        assertArrayEquals(new int[] {1, 0, 1, 0}, indices.ints());
        reductions.argExtreme(rows, false, x, indices, WORKSPACE);
        assertArrayEquals(new int[] {3, 2, 1, 0}, indices.ints());
        // along the first axis of [2, 3]
        Storage columns = intOutput(3);
        reductions.argExtreme(new AxisSizes(1, 2, 3), true, floats(Shape.of(2, 3), 1, 5, 2, 4, 5, 1), columns, WORKSPACE);
        assertArrayEquals(new int[] {1, 0, 0}, columns.ints());
    }

    @Test
    void topKIsTheHeadOfAStableDescendingSort() {
        for (int[] size : new int[][] {{3, 7, 2}, {1, 207, 1}, {2, 1, 3}, {4, 10, 1}}) {
            AxisSizes s = new AxisSizes(size[0], size[1], size[2]);
            Storage x = random(3, size[0], size[1], size[2]);
            for (int i = 0; i < x.floats().length; i++) {
                x.floats()[i] = Math.round(x.floats()[i] * 4); // many ties
            }
            for (int k : new int[] {1, (size[1] + 1) / 2, size[1]}) {
                Storage values = output(size[0], k, size[2]), indices = intOutput(size[0], k, size[2]);
                reductions.topK(s, k, x, values, indices, WORKSPACE);
                for (int line = 0; line < size[0] * size[2]; line++) {
                    int outer = line / size[2], inner = line % size[2];
                    Integer[] order = IntStream.range(0, size[1]).boxed().toArray(Integer[]::new);
                    Arrays.sort(order, Comparator.comparingDouble(i -> -x.floats()[(outer * size[1] + i) * size[2] + inner]));
                    for (int j = 0; j < k; j++) {
                        int at = (outer * k + j) * size[2] + inner;
                        assertEquals(order[j], indices.ints()[at], s + " k " + k + " rank " + j);
                        assertEquals(x.floats()[(outer * size[1] + order[j]) * size[2] + inner], values.floats()[at]);
                    }
                }
            }
        }
    }

    @Test
    void topKPutsNanFirst() {
        Storage values = output(3), indices = intOutput(3);
        reductions.topK(new AxisSizes(1, 5, 1), 3, vector(1, NAN, 9, Float.POSITIVE_INFINITY, 2), values, indices, WORKSPACE);
        assertArrayEquals(new int[] {1, 3, 2}, indices.ints());
    }

    @Test
    void softmaxIsNormalisedAndSurvivesLargeLogits() {
        Storage y = output(3);
        reductions.softmax(new AxisSizes(1, 3, 1), false, vector(1, 2, 3), y, WORKSPACE);
        double sum = Math.exp(1) + Math.exp(2) + Math.exp(3);
        assertClose(new double[] {Math.exp(1) / sum, Math.exp(2) / sum, Math.exp(3) / sum}, y.floats(), 1e-7, "softmax");
        reductions.softmax(new AxisSizes(1, 3, 1), true, vector(1e30f, 0, 1e30f), y, WORKSPACE);
        assertArrayEquals(new float[] {(float) -Math.log(2), -1e30f, (float) -Math.log(2)}, y.floats());
        reductions.softmax(new AxisSizes(1, 3, 1), false, vector(0, Float.NEGATIVE_INFINITY, 0), y, WORKSPACE);
        assertArrayEquals(new float[] {0.5f, 0, 0.5f}, y.floats());
        reductions.softmax(new AxisSizes(1, 3, 1), false, vector(0, NAN, 0), y, WORKSPACE);
        assertArrayEquals(new float[] {NAN, NAN, NAN}, y.floats());
        Storage one = output(2);
        reductions.softmax(new AxisSizes(2, 1, 1), true, vector(5, -7), one, WORKSPACE);
        assertArrayEquals(new float[] {0, 0}, one.floats());
    }

    /// Along the middle axis of `[2, 4, 3]`: dx_i = sum over j of dOut_j * dy_j / dx_i, by central differences in double.
    @Test
    void softmaxGradientsAreTheSlopesOfTheDefinition() {
        AxisSizes s = new AxisSizes(2, 4, 3);
        for (boolean logarithm : new boolean[] {false, true}) {
            Storage x = random(4, 2, 4, 3), g = random(5, 2, 4, 3), y = output(2, 4, 3), dx = output(2, 4, 3);
            reductions.softmax(s, logarithm, x, y, WORKSPACE);
            reductions.softmaxBackward(s, logarithm, y, g, dx, WORKSPACE);
            double[] expected = new double[24];
            double h = 1e-6;
            for (int i = 0; i < 24; i++) {
                expected[i] = (objective(x.floats(), g.floats(), logarithm, i, h) - objective(x.floats(), g.floats(), logarithm, i, -h))
                        / (2 * h);
            }
            assertClose(expected, dx.floats(), 1e-6, logarithm ? "log-softmax" : "softmax");
        }
    }

    private static double objective(float[] x, float[] g, boolean logarithm, int moved, double by) {
        double total = 0;
        for (int line = 0; line < 6; line++) {
            double[] z = new double[4];
            double sum = 0;
            for (int i = 0; i < 4; i++) {
                int at = (line / 3 * 4 + i) * 3 + line % 3;
                z[i] = x[at] + (at == moved ? by : 0);
                sum += Math.exp(z[i]);
            }
            for (int i = 0; i < 4; i++) {
                int at = (line / 3 * 4 + i) * 3 + line % 3;
                total += g[at] * (logarithm ? z[i] - Math.log(sum) : Math.exp(z[i]) / sum);
            }
        }
        return total;
    }
}
