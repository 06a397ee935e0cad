package dev.normlab.lip.norm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Pool2dGeometry;
import dev.normlab.engine.autograd.Pooling;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.AdaptivePoolSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.Pool2dSizes;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// The norms of pooling against the matrix that the engine's answers to unit images make up.
class PoolingNormsTest {

    private interface Pool {

        Tensor apply(Tape tape, Tensor x);
    }

    /// `[inputs][outputs]`.
    private static double[][] answers(Device device, int h, int w, Pool pool) {
        int inputs = h * w;
        float[] units = new float[inputs * inputs];
        for (int i = 0; i < inputs; i++) {
            units[i * inputs + i] = 1;
        }
        try (Tape tape = Tape.inference(device)) {
            float[] flat = pool.apply(tape, Tensor.of(Shape.of(inputs, 1, h, w), units)).toArray();
            double[][] result = new double[inputs][flat.length / inputs];
            for (int i = 0; i < flat.length; i++) {
                result[i / result[0].length][i % result[0].length] = flat[i];
            }
            return result;
        }
    }

    private static void compare(double[][] columns, PoolingNorms norms, String message) {
        double l1 = 0;
        double[] rows = new double[columns[0].length];
        for (double[] column : columns) {
            double sum = 0;
            for (int j = 0; j < column.length; j++) {
                sum += column[j];
                rows[j] += column[j];
            }
            l1 = Math.max(l1, sum);
        }
        double linf = 0;
        for (double row : rows) {
            linf = Math.max(linf, row);
        }
        assertEquals(l1, norms.l1(), 1e-6 * l1, message);
        assertEquals(linf, norms.linf(), 1e-6 * linf, message);
        double l2 = largestSingularValue(columns);
        assertTrue(norms.l2() >= l2 * (1 - 1e-6), message + ": " + norms.l2() + " < " + l2);
        assertTrue(norms.l2() <= l2 * (1 + 1e-3), message + ": " + norms.l2() + " > " + l2);
    }

    /// By power iteration from below.
    private static double largestSingularValue(double[][] columns) {
        double[] x = new double[columns.length];
        Arrays.fill(x, 1);
        double value = 0;
        for (int step = 0; step < 3000; step++) {
            double[] y = new double[columns[0].length];
            for (int i = 0; i < x.length; i++) {
                for (int j = 0; j < y.length; j++) {
                    y[j] += columns[i][j] * x[i];
                }
            }
            double norm = 0;
            for (int i = 0; i < x.length; i++) {
                double sum = 0;
                for (int j = 0; j < y.length; j++) {
                    sum += columns[i][j] * y[j];
                }
                x[i] = sum;
                norm += sum * sum;
            }
            norm = Math.sqrt(norm);
            for (int i = 0; i < x.length; i++) {
                x[i] /= norm;
            }
            value = Math.sqrt(norm);
        }
        return value;
    }

    @Test
    void averagesHaveTheNormsOfTheirMatrix() {
        Random random = new Random(6);
        int compared = 0;
        try (Device device = Device.scalar(1)) {
            while (compared < 60) {
                int kh = 1 + random.nextInt(3);
                int kw = 1 + random.nextInt(3);
                Pool2dGeometry g = new Pool2dGeometry(kh, kw, 1 + random.nextInt(3), 1 + random.nextInt(3), random.nextInt(kh / 2 + 1),
                        random.nextInt(kw / 2 + 1), 1, 1, random.nextBoolean(), random.nextBoolean(), random.nextInt(4) == 0 ? 5 : 0);
                int h = 1 + random.nextInt(6);
                int w = 1 + random.nextInt(6);
                try {
                    double[][] columns = answers(device, h, w, (tape, x) -> Pooling.averagePool2d(tape, x, g));
                    Pool2dSizes s = sizes(g, h, w, columns[0].length);
                    compare(columns, PoolingNorms.ofAverage(s), g + " on " + h + "x" + w);
                    compared++;
                } catch (ShapeException e) {
                    assertTrue(h < kh || w < kw, e.getMessage());
                }
            }
            for (int trial = 0; trial < 20; trial++) {
                int h = 1 + random.nextInt(6), w = 1 + random.nextInt(6), oh = 1 + random.nextInt(4), ow = 1 + random.nextInt(4);
                compare(answers(device, h, w, (tape, x) -> Pooling.adaptiveAveragePool2d(tape, x, oh, ow)),
                        PoolingNorms.ofAdaptiveAverage(new AdaptivePoolSizes(1, 1, h, w, oh, ow)), h + "x" + w + " to " + oh + "x" + ow);
            }
        }
    }

    private static Pool2dSizes sizes(Pool2dGeometry g, int h, int w, int outputs) {
        int oh = windows(g, h, g.kh(), g.strideH(), g.padH());
        return new Pool2dSizes(1, 1, h, w, g.kh(), g.kw(), g.strideH(), g.strideW(), g.padH(), g.padW(), 1, 1, oh, outputs / oh,
                g.countIncludePad(), g.divisorOverride());
    }

    /// The number of windows along an axis, by trying them.
    private static int windows(Pool2dGeometry g, int size, int kernel, int stride, int pad) {
        int count = 0;
        while (g.ceilMode()
                ? count * stride - pad < size && (count == 0 || (count - 1) * stride - pad + kernel < size + pad)
                : count * stride - pad + kernel <= size + pad) {
            count++;
        }
        return count;
    }

    @Test
    void aMaximumStretchesOneInputOncePerWindowThatSharesIt() {
        Pool2dSizes s = new Pool2dSizes(1, 1, 8, 8, 3, 3, 2, 2, 1, 1, 1, 1, 4, 4, true, 0);
        assertEquals(new PoolingNorms(4, 2, 1), PoolingNorms.ofMaximum(s));
        Pool2dSizes apart = new Pool2dSizes(1, 1, 8, 8, 2, 2, 2, 2, 0, 0, 1, 1, 4, 4, true, 0);
        assertEquals(new PoolingNorms(1, 1, 1), PoolingNorms.ofMaximum(apart));
        try (Device device = Device.scalar(1)) {
            double[][] columns = answers(device, 8, 8, (tape, x) -> Pooling.maxPool2d(tape, x, Pool2dGeometry.of(3, 2, 1)));
            double most = 0;
            for (double[] column : columns) {
                double sum = 0;
                for (double value : column) {
                    sum += value;
                }
                most = Math.max(most, sum);
            }
            assertEquals(4, most, "one input is the maximum of four windows");
        }
    }
}
