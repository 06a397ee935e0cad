package dev.normlab.lip.norm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConvolutionNormsTest {

    /// The layer's matrix by the definition: row (io, ioh, iow), column (ic, ih, iw).
    private static double[][] matrix(Conv2dSizes s, float[] weight) {
        double[][] m = new double[s.o() * s.oh() * s.ow()][s.c() * s.h() * s.w()];
        for (int io = 0; io < s.o(); io++) {
            int group = io / s.groupOutputs();
            for (int ioh = 0; ioh < s.oh(); ioh++) {
                for (int iow = 0; iow < s.ow(); iow++) {
                    for (int ic = 0; ic < s.groupInputs(); ic++) {
                        for (int t = 0; t < s.kh(); t++) {
                            for (int u = 0; u < s.kw(); u++) {
                                int ih = ioh * s.strideH() + t * s.dilationH() - s.padTop();
                                int iw = iow * s.strideW() + u * s.dilationW() - s.padLeft();
                                if (ih >= 0 && ih < s.h() && iw >= 0 && iw < s.w()) {
                                    int column = ((group * s.groupInputs() + ic) * s.h() + ih) * s.w() + iw;
                                    m[(io * s.oh() + ioh) * s.ow() + iow][column] += weight[((io * s.groupInputs() + ic) * s.kh() + t)
                                            * s.kw() + u];
                                }
                            }
                        }
                    }
                }
            }
        }
        return m;
    }

    private static double largestRowSum(double[][] m) {
        double largest = 0;
        for (double[] row : m) {
            double sum = 0;
            for (double value : row) {
                sum += Math.abs(value);
            }
            largest = Math.max(largest, sum);
        }
        return largest;
    }

    private static double largestColumnSum(double[][] m) {
        double largest = 0;
        for (int column = 0; column < m[0].length; column++) {
            double sum = 0;
            for (double[] row : m) {
                sum += Math.abs(row[column]);
            }
            largest = Math.max(largest, sum);
        }
        return largest;
    }

    private static Conv2dSizes randomSizes(Random random) {
        while (true) {
            int groups = random.nextInt(4) == 0 ? 1 + random.nextInt(3) : 1;
            Conv2dGeometry g = new Conv2dGeometry(1 + random.nextInt(3), 1 + random.nextInt(3), random.nextInt(4), random.nextInt(4),
                    random.nextInt(4), random.nextInt(4), 1 + random.nextInt(3), 1 + random.nextInt(3), groups, PadMode.ZERO);
            Shape input = Shape.of(1, groups * (1 + random.nextInt(3)), 1 + random.nextInt(7), 1 + random.nextInt(7));
            Shape weight = Shape.of(groups * (1 + random.nextInt(3)), input.size(1) / groups, 1 + random.nextInt(5), 1 + random.nextInt(5));
            if (g.outputRows(input.size(2), weight.size(2)) > 0 && g.outputColumns(input.size(3), weight.size(3)) > 0) {
                return Convolution.sizes(input, weight, g);
            }
        }
    }

    @Test
    void bothNormsEqualTheDenseMatrixOnRandomConfigurations() {
        Random random = new Random(20210208);
        int largerThanInput = 0;
        for (int trial = 0; trial < 1500; trial++) {
            Conv2dSizes s = randomSizes(random);
            float[] weight = new float[s.weightShape().elements()];
            for (int i = 0; i < weight.length; i++) {
                weight[i] = (float) random.nextGaussian();
            }
            double[][] m = matrix(s, weight);
            String message = "trial " + trial + " " + s;
            double linf = ConvolutionNorms.norm(ConvolutionNorms.slices(s, Norm.LINF), weight).norm();
            double l1 = ConvolutionNorms.norm(ConvolutionNorms.slices(s, Norm.L1), weight).norm();
            assertEquals(largestRowSum(m), linf, 1e-12 * (1 + linf), message);
            assertEquals(largestColumnSum(m), l1, 1e-12 * (1 + l1), message);
            largerThanInput += s.kh() > s.h() || s.kw() > s.w() ? 1 : 0;
        }
        assertTrue(largerThanInput > 100, "the configurations include kernels larger than the input");
    }

    /// Values worked out by hand for the kernel 1..9.
    @ParameterizedTest(name = "{0}x{0} input, stride {1}, padding {2}")
    @CsvSource({"5, 1, 1, 45, 45", "5, 2, 1, 20, 45", "6, 3, 0, 9, 45", "2, 1, 1, 28, 28", "1, 1, 1, 5, 5"})
    void theKernelOneToNineHasTheKnownNorms(int size, int stride, int padding, double l1, double linf) {
        float[] weight = {1, 2, 3, 4, 5, 6, 7, 8, 9};
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 1, size, size), Shape.of(1, 1, 3, 3), Conv2dGeometry.of(stride, padding));
        assertEquals(l1, ConvolutionNorms.norm(ConvolutionNorms.slices(s, Norm.L1), weight).norm());
        assertEquals(linf, ConvolutionNorms.norm(ConvolutionNorms.slices(s, Norm.LINF), weight).norm());
    }

    @Test
    void aRectangularKernelIsIndexedRowByRow() {
        float[] weight = {1, 2, 3, 4, 5, 6};
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 1, 5, 6), Shape.of(1, 1, 2, 3), Conv2dGeometry.of(2, 0));
        assertEquals(10, ConvolutionNorms.norm(ConvolutionNorms.slices(s, Norm.L1), weight).norm());
        assertEquals(21, ConvolutionNorms.norm(ConvolutionNorms.slices(s, Norm.LINF), weight).norm());
    }

    @Test
    void aNanWeightMakesTheNormNan() {
        Conv2dSizes s = Convolution.sizes(Shape.of(1, 1, 5, 5), Shape.of(2, 1, 1, 1), Conv2dGeometry.of(1, 0));
        assertTrue(Double.isNaN(ConvolutionNorms.norm(ConvolutionNorms.slices(s, Norm.LINF), new float[] {1, Float.NaN}).norm()));
    }

    /// Layers with many channels, few and none to spare, in groups and depthwise, with strides that make several tap sets.
    @ParameterizedTest(name = "{0} -> {1} in {2} groups, kernel {3}, stride {4}")
    @CsvSource({"48, 130, 1, 3, 1", "256, 96, 1, 3, 2", "19, 33, 1, 5, 2", "64, 64, 4, 3, 1", "72, 144, 3, 1, 1", "24, 24, 24, 3, 2",
        "9, 2, 1, 7, 3", "128, 301, 1, 3, 1", "127, 263, 1, 3, 1", "127, 260, 1, 3, 2"})
    void everyDeviceMeasuresWhatThePlainLoopsMeasure(int in, int out, int groups, int kernel, int stride) {
        Conv2dGeometry geometry = new Conv2dGeometry(stride, stride, 1, 1, 1, 1, 1, 1, groups, PadMode.ZERO);
        Conv2dSizes s = Convolution.sizes(Shape.of(1, in, 16, 16), Shape.of(out, in / groups, kernel, kernel), geometry);
        float[] weight = new float[s.weightShape().elements()];
        RandomStream.of(5, "weights").fillNormal(weight, 0, 1);
        Storage stored = Storage.ofFloats(s.weightShape(), Layout.PLAIN, weight);
        try (Device one = Device.cpu(1); Device two = Device.cpu(2); Device scalar = Device.scalar(2)) {
            for (Norm norm : Norm.values()) {
                SliceNormSizes slices = ConvolutionNorms.slices(s, norm);
                ConvolutionNorms.Value expected = ConvolutionNorms.norm(slices, weight);
                ConvolutionNorms.Value fast = ConvolutionNorms.norm(slices, stored, one);
                assertEquals(fast, ConvolutionNorms.norm(slices, stored, two), "one thread and two");
                for (ConvolutionNorms.Value actual : List.of(fast, ConvolutionNorms.norm(slices, stored, scalar))) {
                    // from a megabyte on, neighbours are added as floats before they are widened
                    double tolerance = weight.length < 1 << 18 ? 1e-13 : 1e-8;
                    assertEquals(expected.norm(), actual.norm(), tolerance * expected.norm(), norm.label());
                    assertEquals(expected.channel(), actual.channel(), norm.label());
                    assertEquals(expected.tapSet(), actual.tapSet(), norm.label());
                }
            }
        }
    }
}
