package dev.normlab.lip.spectral;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TorusLanczosTest {

    private static Conv2dSizes sizes(int c, int o, int kh, int kw, int strideH, int strideW, int groups) {
        Conv2dGeometry g = new Conv2dGeometry(strideH, strideW, 1, 2, 0, 1, 1, 1, groups, PadMode.ZERO);
        return Convolution.sizes(Shape.of(1, c, 9, 8), Shape.of(o, c / groups, kh, kw), g);
    }

    private static TorusLanczos lanczos(Conv2dSizes s, float[] weight, int gridH, int gridW, int steps, Device device) {
        return new TorusLanczos(s, Storage.ofFloats(s.weightShape(), Layout.PLAIN, weight), gridH, gridW, steps,
                RandomStream.of(1, "start"),
                device);
    }

    /// `[Re -Im; Im Re]` of a group's matrix at a frequency, by its definition: the same singular values, each twice. Columns are inputs
    /// and the stride's phases.
    private static double[][] symbol(Conv2dSizes s, float[] weight, int group, double f, double g) {
        int phases = s.strideH() * s.strideW();
        int rows = s.groupOutputs();
        int columns = s.groupInputs() * phases;
        double[][] m = new double[2 * rows][2 * columns];
        for (int io = 0; io < rows; io++) {
            for (int i = 0; i < s.groupInputs() * s.kh() * s.kw(); i++) {
                int t = i / s.kw() % s.kh();
                int u = i % s.kw();
                int column = i / (s.kh() * s.kw()) * phases + t % s.strideH() * s.strideW() + u % s.strideW();
                double angle = f * (t / s.strideH()) + g * (u / s.strideW());
                double w = weight[(group * rows + io) * s.groupInputs() * s.kh() * s.kw() + i];
                m[io][column] += w * Math.cos(angle);
                m[rows + io][columns + column] += w * Math.cos(angle);
                m[io][columns + column] -= w * Math.sin(angle);
                m[rows + io][column] += w * Math.sin(angle);
            }
        }
        return m;
    }

    private static double stretched(double[][] m, float[] interleaved) {
        int half = interleaved.length / 2;
        double in = 0;
        double out = 0;
        for (double[] row : m) {
            double sum = 0;
            for (int i = 0; i < half; i++) {
                sum += row[i] * interleaved[2 * i] + row[half + i] * interleaved[2 * i + 1];
            }
            out += sum * sum;
        }
        for (float value : interleaved) {
            in += (double) value * value;
        }
        return Math.sqrt(out / in);
    }

    /// More and fewer outputs than inputs, one input, strides (one larger than the kernel), groups, kernels of one row, column or tap, and
    /// grids that the kernel just fits.
    @ParameterizedTest
    @CsvSource({"3, 5, 3, 3, 1, 1, 1, 6, 7", "6, 2, 3, 2, 1, 1, 1, 3, 2", "1, 4, 3, 3, 1, 1, 1, 5, 4", "2, 3, 3, 3, 2, 2, 1, 3, 4",
        "2, 3, 5, 3, 2, 3, 1, 4, 2", "4, 6, 3, 3, 1, 1, 2, 4, 5", "6, 3, 3, 3, 2, 1, 3, 3, 5", "3, 4, 1, 4, 1, 1, 1, 1, 8",
        "3, 4, 4, 1, 1, 1, 1, 9, 1", "3, 4, 1, 1, 2, 2, 1, 1, 1", "2, 2, 1, 2, 3, 1, 2, 2, 5", "4, 4, 3, 3, 1, 1, 4, 12, 12"})
    void valuesAreNeverAboveAndInTheEndThoseOfTheMatricesAtAllFrequencies(int c, int o, int kh, int kw, int strideH, int strideW,
            int groups,
            int gridH, int gridW) {
        Conv2dSizes s = sizes(c, o, kh, kw, strideH, strideW, groups);
        float[] weight = DenseJudge.gaussian(new Random(kh + 10L * kw), s.weightShape().elements());
        List<Frequency> grid = Frequency.of(gridH, gridW);
        for (Device device : List.of(Device.cpu(1), Device.scalar(1))) {
            TorusLanczos few = lanczos(s, weight, gridH, gridW, 2, device);
            TorusLanczos many = lanczos(s, weight, gridH, gridW, 100, device);
            for (int group = 0; group < groups; group++) {
                for (int k = 0; k < grid.size(); k++) {
                    double[][] m = symbol(s, weight, group, 2 * Math.PI * grid.get(k).f() / gridH, 2 * Math.PI * grid.get(k).g() / gridW);
                    double truth = DenseJudge.singularValues(m)[0];
                    String message = s + " group " + group + " " + grid.get(k);
                    double early = few.values(group)[k];
                    double late = many.values(group)[k];
                    assertTrue(early > 0 && early <= truth * (1 + 1e-5), message + ": " + early + " above " + truth);
                    assertEquals(truth, late, 2e-5 * truth, message);
                    assertEquals(early, stretched(m, few.right(group, k)), 1e-4 * truth, message);
                    assertEquals(truth, stretched(m, many.right(group, k)), 1e-4 * truth, message);
                }
            }
            device.close();
        }
    }

    @Test
    void weightsOfZeroHaveTheValueZero() {
        Conv2dSizes s = sizes(4, 6, 3, 3, 1, 1, 2);
        float[] weight = new float[s.weightShape().elements()];
        try (Device device = Device.cpu(1)) {
            TorusLanczos lanczos = lanczos(s, weight, 4, 4, 5, device);
            for (int group = 0; group < 2; group++) {
                assertArrayEquals(new double[Frequency.of(4, 4).size()], lanczos.values(group));
            }
        }
    }

    @Test
    void theValuesAreBitwiseTheSameForAnyNumberOfThreads() {
        Conv2dSizes s = sizes(16, 24, 3, 3, 1, 1, 2);
        float[] weight = DenseJudge.gaussian(new Random(3), s.weightShape().elements());
        double[][] found = new double[3][];
        float[][] right = new float[3][];
        for (int i = 0; i < 3; i++) {
            try (Device device = Device.cpu(1 + 2 * i)) {
                TorusLanczos lanczos = lanczos(s, weight, 12, 11, 6, device);
                found[i] = lanczos.values(1);
                right[i] = lanczos.right(1, 40);
            }
        }
        for (int i = 1; i < 3; i++) {
            assertArrayEquals(found[0], found[i]);
            assertArrayEquals(right[0], right[i]);
        }
    }
}
