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
import dev.normlab.lip.spectral.HermitianLanczos.Complex;
import dev.normlab.lip.spectral.SymbolGram.WaveVector;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SymbolGramTest {

    private static Conv2dSizes sizes(int c, int o, int kh, int kw, int strideH, int strideW, int groups) {
        Conv2dGeometry g = new Conv2dGeometry(strideH, strideW, 1, 2, 0, 1, 1, 1, groups, PadMode.ZERO);
        return Convolution.sizes(Shape.of(1, c, 9, 8), Shape.of(o, c / groups, kh, kw), g);
    }

    private static SymbolGram gram(Conv2dSizes s, float[] weight, int group, Device device) {
        CircularConvolution torus = new CircularConvolution(s.o(), s.c(), s.kh(), s.kw(), s.groups(), 9 * s.strideH(), 9 * s.strideW(),
                s.strideH(), s.strideW(), s.dilationH(), s.dilationW());
        return new SymbolGram(torus, weight, group, device);
    }

    private static SymbolGram.Right found(SymbolGram gram, double f, double g, int steps) {
        Random random = new Random(1);
        Complex start = new Complex(DenseJudge.gaussian(random, gram.columns()), DenseJudge.gaussian(random, gram.columns()));
        return gram.run(start, steps, 0, new WaveVector(f, g))[0];
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

    // Cancelled parts of the products are known to single precision of what they came from.
    private static double size(Conv2dSizes s, float[] weight, int group) {
        double sum = 0;
        int length = weight.length / s.groups();
        for (int i = group * length; i < (group + 1) * length; i++) {
            sum += Math.abs(weight[i]);
        }
        return Math.max(1, sum / Math.sqrt(s.groupOutputs()));
    }

    /// More and fewer outputs than inputs, one input, strides (one larger than the kernel), groups, kernels of one row, column or tap.
    @ParameterizedTest
    @CsvSource({"3, 5, 3, 3, 1, 1, 1", "6, 2, 3, 2, 1, 1, 1", "1, 4, 3, 3, 1, 1, 1", "2, 3, 3, 3, 2, 2, 1", "2, 3, 5, 3, 2, 3, 1",
        "4, 6, 3, 3, 1, 1, 2", "6, 3, 3, 3, 2, 1, 3", "3, 4, 1, 4, 1, 1, 1", "3, 4, 4, 1, 1, 1, 1", "3, 4, 1, 1, 2, 2, 1",
        "2, 2, 1, 2, 3, 1, 2", "4, 4, 3, 3, 1, 1, 4", "37, 35, 3, 3, 1, 1, 1", "34, 70, 2, 3, 1, 1, 2"})
    void valuesAreNeverAboveAndInTheEndThoseOfTheMatrixAtAnyFrequency(int c, int o, int kh, int kw, int strideH, int strideW, int groups) {
        Conv2dSizes s = sizes(c, o, kh, kw, strideH, strideW, groups);
        float[] weight = DenseJudge.gaussian(new Random(kh + 10L * kw), s.weightShape().elements());
        double[][] frequencies = {{0, 0}, {Math.PI, 0}, {Math.PI, Math.PI}, {0.7, 2.9}, {-1.3, 0.4}, {2.2, -0.1}};
        for (Device device : List.of(Device.cpu(1), Device.scalar(1))) {
            for (int group = 0; group < groups; group++) {
                try (SymbolGram gram = gram(s, weight, group, device)) {
                    for (double[] at : frequencies) {
                        double[][] m = symbol(s, weight, group, at[0], at[1]);
                        double truth = DenseJudge.singularValues(m)[0];
                        double size = size(s, weight, group);
                        String message = s + " group " + group + " at " + at[0] + ", " + at[1];
                        SymbolGram.Right early = found(gram, at[0], at[1], 2);
                        SymbolGram.Right late = found(gram, at[0], at[1], 100);
                        assertTrue(early.value() > 0 && early.value() <= truth + 1e-5 * size, message + ": " + early.value());
                        assertEquals(truth, late.value(), 2e-5 * size, message);
                        double reached = stretched(m, gram.inputs(early, new WaveVector(at[0], at[1])));
                        assertTrue(reached >= early.value() - 1e-4 * size && reached <= truth * (1 + 1e-5), message + ": " + reached);
                        assertEquals(truth, stretched(m, gram.inputs(late, new WaveVector(at[0], at[1]))), 1e-4 * size, message);
                    }
                }
            }
            device.pool().clear();
            assertEquals(0, device.pool().heldBytes());
            device.close();
        }
    }

    @Test
    void weightsOfZeroHaveTheValueZero() {
        Conv2dSizes s = sizes(4, 6, 3, 3, 1, 1, 2);
        try (Device device = Device.cpu(1); SymbolGram gram = gram(s, new float[s.weightShape().elements()], 1, device)) {
            assertEquals(0, found(gram, 0.5, 1, 5).value());
        }
    }

    @Test
    void frequenciesTogetherAreBitwiseAsOneByOne() {
        Conv2dSizes s = sizes(7, 9, 3, 2, 1, 2, 1);
        WaveVector[] at = {new WaveVector(0.4, 2.5), new WaveVector(Math.PI, 0), new WaveVector(-1.1, 0.3), new WaveVector(0, 0),
            new WaveVector(2, 1)};
        float[] weight = DenseJudge.gaussian(new Random(5), s.weightShape().elements());
        try (Device device = Device.cpu(1); SymbolGram gram = gram(s, weight, 0, device)) {
            Random random = new Random(1);
            Complex start = new Complex(DenseJudge.gaussian(random, gram.columns()), DenseJudge.gaussian(random, gram.columns()));
            SymbolGram.Right[] together = gram.run(start, 5, 0, at);
            for (int i = 0; i < at.length; i++) {
                SymbolGram.Right alone = gram.run(start, 5, 0, at[i])[0];
                assertEquals(alone.value(), together[i].value());
                assertArrayEquals(alone.vector().re(), together[i].vector().re());
                assertArrayEquals(alone.vector().im(), together[i].vector().im());
            }
            assertTrue(together[0].value() != together[1].value());
        }
    }

    @Test
    void theValuesAreBitwiseTheSameForAnyNumberOfThreads() {
        Conv2dSizes s = sizes(96, 140, 3, 3, 1, 1, 2);
        float[] weight = DenseJudge.gaussian(new Random(3), s.weightShape().elements());
        SymbolGram.Right[] found = new SymbolGram.Right[3];
        for (int i = 0; i < 3; i++) {
            try (Device device = Device.cpu(1 + 2 * i); SymbolGram gram = gram(s, weight, 1, device)) {
                found[i] = found(gram, 1, 2, 6);
            }
        }
        for (int i = 1; i < 3; i++) {
            assertEquals(found[0].value(), found[i].value());
            assertArrayEquals(found[0].vector().re(), found[i].vector().re());
            assertArrayEquals(found[0].vector().im(), found[i].vector().im());
        }
    }
}
