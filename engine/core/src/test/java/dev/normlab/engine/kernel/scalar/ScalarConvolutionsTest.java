package dev.normlab.engine.kernel.scalar;

import static dev.normlab.engine.kernel.scalar.Fixture.WORKSPACE;
import static dev.normlab.engine.kernel.scalar.Fixture.assertAdjoint;
import static dev.normlab.engine.kernel.scalar.Fixture.assertClose;
import static dev.normlab.engine.kernel.scalar.Fixture.output;
import static dev.normlab.engine.kernel.scalar.Fixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.ConvolutionKernels;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScalarConvolutionsTest {

    private static final long SEED = 20;
    private final ConvolutionKernels convolutions = new ScalarKernels().convolutions();

    private static Conv2dSizes sizes(int n, int c, int h, int w, int o, int kh, int kw, int stride, int pad, int dilation, int groups) {
        return sizes(n, c, h, w, o, kh, kw, new int[] {stride, stride}, new int[] {pad, pad, pad, pad}, new int[] {dilation, dilation},
                groups);
    }

    /// Padding is top, bottom, left, right.
    private static Conv2dSizes sizes(int n, int c, int h, int w, int o, int kh, int kw, int[] stride, int[] pad, int[] dilation,
            int groups) {
        int oh = Math.floorDiv(h + pad[0] + pad[1] - dilation[0] * (kh - 1) - 1, stride[0]) + 1;
        int ow = Math.floorDiv(w + pad[2] + pad[3] - dilation[1] * (kw - 1) - 1, stride[1]) + 1;
        return new Conv2dSizes(n, c, h, w, o, kh, kw, stride[0], stride[1], pad[0], pad[1], pad[2], pad[3], dilation[0], dilation[1],
                groups, oh, ow);
    }

    private static List<Conv2dSizes> cases() {
        List<Conv2dSizes> cases = new ArrayList<>(List.of(
                sizes(2, 3, 5, 6, 4, 3, 3, 1, 1, 1, 1), // the usual one
                sizes(1, 2, 1, 1, 3, 3, 3, 1, 1, 1, 1), // a map of one pixel: only the centre tap meets it
                sizes(2, 1, 2, 2, 2, 5, 5, 1, 2, 1, 1), // a kernel larger than the image
                sizes(1, 2, 7, 7, 2, 7, 7, 2, 3, 1, 1), // a stem
                sizes(2, 6, 5, 5, 4, 3, 3, 2, 1, 1, 2), // groups and stride
                sizes(2, 4, 6, 5, 4, 3, 3, 1, 1, 1, 4), // depthwise
                sizes(1, 3, 9, 9, 2, 3, 3, 1, 2, 2, 1), // dilated
                sizes(1, 2, 3, 3, 2, 2, 2, 3, 4, 5, 1), // wide padding, dilation beyond the image: whole taps meet only padding
                sizes(2, 3, 6, 7, 2, 1, 1, 2, 0, 1, 1), // strided 1x1 with rows left over
                sizes(1, 2, 5, 4, 3, 3, 2, new int[] {2, 1}, new int[] {0, 2, 1, 0}, new int[] {1, 2}, 1), // nothing symmetric
                sizes(0, 2, 4, 4, 3, 3, 3, 1, 1, 1, 1))); // no image
        RandomStream random = RandomStream.of(SEED, "convolution cases");
        while (cases.size() < 60) {
            int groups = 1 + random.nextInt(3);
            Conv2dSizes s = sizes(1 + random.nextInt(2), groups * (1 + random.nextInt(2)), 1 + random.nextInt(6), 1 + random.nextInt(6),
                    groups * (1 + random.nextInt(2)), 1 + random.nextInt(4), 1 + random.nextInt(4),
                    new int[] {1 + random.nextInt(3), 1 + random.nextInt(3)},
                    new int[] {random.nextInt(4), random.nextInt(4), random.nextInt(4), random.nextInt(4)},
                    new int[] {1 + random.nextInt(2), 1 + random.nextInt(2)}, groups);
            if (s.oh() > 0 && s.ow() > 0) {
                cases.add(s);
            }
        }
        return cases;
    }

    /// The convolution as a dense matrix `[o*oh*ow, c*h*w]`, entry by entry: the tap is what is left when the input position is given.
    private static double[][] matrix(Conv2dSizes s, float[] weight) {
        double[][] matrix = new double[s.o() * s.oh() * s.ow()][s.c() * s.h() * s.w()];
        for (int row = 0; row < matrix.length; row++) {
            int io = row / (s.oh() * s.ow()), ioh = row / s.ow() % s.oh(), iow = row % s.ow();
            for (int column = 0; column < s.c() * s.h() * s.w(); column++) {
                int ic = column / (s.h() * s.w()), ih = column / s.w() % s.h(), iw = column % s.w();
                boolean sameGroup = ic / s.groupInputs() == io / s.groupOutputs();
                int rows = ih + s.padTop() - ioh * s.strideH(), columns = iw + s.padLeft() - iow * s.strideW();
                boolean onTap = rows >= 0 && columns >= 0 && rows % s.dilationH() == 0 && columns % s.dilationW() == 0
                        && rows / s.dilationH() < s.kh() && columns / s.dilationW() < s.kw();
                if (sameGroup && onTap) {
                    int filter = io * s.groupInputs() + ic % s.groupInputs();
                    matrix[row][column] = weight[(filter * s.kh() + rows / s.dilationH()) * s.kw() + columns / s.dilationW()];
                }
            }
        }
        return matrix;
    }

    @Test
    void forwardIsTheProductWithTheDenseMatrix() {
        for (Conv2dSizes s : cases()) {
            Storage x = random(1, s.inputShape().toArray()), weight = random(2, s.weightShape().toArray()), bias = random(3, s.o());
            double[][] matrix = matrix(s, weight.floats());
            int inputs = s.c() * s.h() * s.w();
            double[] expected = new double[s.outputShape().elements()];
            double[] biased = new double[expected.length];
            for (int i = 0; i < expected.length; i++) {
                double[] row = matrix[i % matrix.length];
                for (int j = 0; j < inputs; j++) {
                    expected[i] += row[j] * x.floats()[i / matrix.length * inputs + j];
                }
                biased[i] = expected[i] + bias.floats()[i / (s.oh() * s.ow()) % s.o()];
            }
            Storage y = output(s.outputShape().toArray());
            convolutions.conv2dForward(s, x, weight, null, y, WORKSPACE);
            assertClose(expected, y.floats(), 1e-7, s.toString());
            convolutions.conv2dForward(s, x, weight, bias, y, WORKSPACE);
            assertClose(biased, y.floats(), 1e-7, "with bias, " + s);
        }
    }

    @Test
    void backwardInputIsTheProductWithTheTransposedMatrix() {
        for (Conv2dSizes s : cases()) {
            Storage dOut = random(4, s.outputShape().toArray()), weight = random(5, s.weightShape().toArray());
            double[][] matrix = matrix(s, weight.floats());
            int inputs = s.c() * s.h() * s.w();
            double[] expected = new double[s.inputShape().elements()];
            for (int i = 0; i < s.outputShape().elements(); i++) {
                for (int j = 0; j < inputs; j++) {
                    expected[i / matrix.length * inputs + j] += matrix[i % matrix.length][j] * dOut.floats()[i];
                }
            }
            Storage dx = output(s.inputShape().toArray());
            convolutions.conv2dBackwardInput(s, dOut, weight, dx, WORKSPACE);
            assertClose(expected, dx.floats(), 1e-7, s.toString());
        }
    }

    /// The convolution is linear in the weight, so its derivative in one weight is the convolution with a one there.
    @Test
    void backwardWeightIsTheSlopeInEveryWeight() {
        for (Conv2dSizes s : cases()) {
            Storage x = random(6, s.inputShape().toArray()), dOut = random(7, s.outputShape().toArray());
            double[] expected = new double[s.weightShape().elements()];
            for (int k = 0; k < expected.length; k++) {
                float[] one = new float[expected.length];
                one[k] = 1f;
                double[][] matrix = matrix(s, one);
                int inputs = s.c() * s.h() * s.w();
                for (int i = 0; i < s.outputShape().elements(); i++) {
                    for (int j = 0; j < inputs; j++) {
                        expected[k] += (double) dOut.floats()[i] * matrix[i % matrix.length][j] * x.floats()[i / matrix.length * inputs
                                + j];
                    }
                }
            }
            Storage dWeight = output(s.weightShape().toArray());
            convolutions.conv2dBackwardWeight(s, x, dOut, dWeight, WORKSPACE);
            assertClose(expected, dWeight.floats(), 1e-7, s.toString());
        }
    }

    @Test
    void theThreeConvolutionsAreAdjointAtRealisticSizes() {
        List<Conv2dSizes> cases = List.of(sizes(2, 24, 16, 16, 56, 3, 3, 1, 1, 1, 1), sizes(2, 16, 15, 15, 24, 3, 3, 2, 1, 1, 8),
                sizes(3, 10, 8, 8, 7, 5, 5, 1, 2, 1, 1));
        for (Conv2dSizes s : cases) {
            Storage x = random(8, s.inputShape().toArray()), weight = random(9, s.weightShape().toArray());
            Storage g = random(10, s.outputShape().toArray());
            Storage y = output(s.outputShape().toArray()), dx = output(s.inputShape().toArray()), dWeight = output(s.weightShape()
                    .toArray());
            convolutions.conv2dForward(s, x, weight, null, y, WORKSPACE);
            convolutions.conv2dBackwardInput(s, g, weight, dx, WORKSPACE);
            convolutions.conv2dBackwardWeight(s, x, g, dWeight, WORKSPACE);
            int length = Math.max(s.groupInputs(), s.groupOutputs()) * s.kh() * s.kw();
            assertAdjoint(x.floats(), y.floats(), g.floats(), dx.floats(), length, "input, " + s);
            assertAdjoint(weight.floats(), y.floats(), g.floats(), dWeight.floats(), s.n() * s.oh() * s.ow(), "weight, " + s);
        }
    }

    @Test
    void anImageDoesNotDependOnItsBatch() {
        Conv2dSizes three = sizes(3, 5, 7, 7, 6, 3, 3, 1, 1, 1, 1);
        Conv2dSizes one = sizes(1, 5, 7, 7, 6, 3, 3, 1, 1, 1, 1);
        Storage x = random(11, 3, 5, 7, 7), weight = random(12, 6, 5, 3, 3);
        Storage y = output(3, 6, 7, 7), alone = output(1, 6, 7, 7);
        convolutions.conv2dForward(three, x, weight, null, y, WORKSPACE);
        float[] last = Arrays.copyOfRange(x.floats(), 2 * 5 * 49, 3 * 5 * 49);
        convolutions.conv2dForward(one, Fixture.floats(Shape.of(1, 5, 7, 7), last), weight, null, alone, WORKSPACE);
        assertArrayEquals(alone.floats(), Arrays.copyOfRange(y.floats(), 2 * 6 * 49, 3 * 6 * 49));
    }

    @Test
    void noImageGivesAZeroWeightGradient() {
        Conv2dSizes s = sizes(0, 2, 4, 4, 3, 3, 3, 1, 1, 1, 1);
        Storage dWeight = output(3, 2, 3, 3);
        convolutions.conv2dBackwardWeight(s, random(13, 0, 2, 4, 4), random(14, 0, 3, 4, 4), dWeight, WORKSPACE);
        assertArrayEquals(new float[3 * 2 * 9], dWeight.floats());
    }

    @Test
    void nanInTheInputReachesEveryOutputThatReadsIt() {
        Conv2dSizes s = sizes(1, 1, 4, 4, 1, 3, 3, 1, 1, 1, 1);
        Storage x = random(15, 1, 1, 4, 4), weight = output(1, 1, 3, 3), y = output(1, 1, 4, 4);
        Arrays.fill(weight.floats(), 0f);
        x.floats()[0] = Float.NaN;
        convolutions.conv2dForward(s, x, weight, null, y, WORKSPACE);
        for (int i = 0; i < 16; i++) {
            boolean readsTheCorner = i / 4 < 2 && i % 4 < 2;
            assertEquals(readsTheCorner, Float.isNaN(y.floats()[i]), "pixel " + i);
        }
    }
}
