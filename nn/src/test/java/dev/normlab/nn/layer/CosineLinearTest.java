package dev.normlab.nn.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CosineLinearTest {

    private static final int N = 3;
    private static final int IN = 5;
    private static final int CLASSES = 4;

    private static float[] random(int length, String purpose) {
        float[] values = new float[length];
        RandomStream.of(4, purpose).fillUniform(values, -1, 1);
        return values;
    }

    private static double cosine(double[] x, int row, double[] w, int k) {
        double product = 0;
        double xx = 0;
        double ww = 0;
        for (int i = 0; i < IN; i++) {
            product += x[row * IN + i] * w[k * IN + i];
            xx += x[row * IN + i] * x[row * IN + i];
            ww += w[k * IN + i] * w[k * IN + i];
        }
        return product / Math.sqrt(xx * ww);
    }

    /// `Σ c_nk cos(x_n, w_k)` in double precision.
    private static double sum(double[] x, double[] w, float[] c) {
        double sum = 0;
        for (int i = 0; i < N * CLASSES; i++) {
            sum += c[i] * cosine(x, i / CLASSES, w, i % CLASSES);
        }
        return sum;
    }

    private static double[] doubles(float[] values) {
        double[] result = new double[values.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = values[i];
        }
        return result;
    }

    private static CosineLinear layer(float[] weight) {
        CosineLinear layer = new CosineLinear(IN, CLASSES);
        layer.weight().set(weight);
        return layer;
    }

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "cpu"})
    void valuesAndGradientsAreThoseOfCosines(String name) {
        float[] x = random(N * IN, "features");
        float[] w = random(CLASSES * IN, "weights");
        float[] c = random(N * CLASSES, "upstream");
        CosineLinear layer = layer(w);
        Tensor input = Tensor.of(Shape.of(N, IN), x);
        Tensor weight = layer.weight().tensor();
        try (Device device = Device.open(name, 1); Tape tape = Tape.eager(device, List.of(input, weight))) {
            Tensor y = layer.forward(tape, input);
            for (int i = 0; i < N * CLASSES; i++) {
                assertEquals(cosine(doubles(x), i / CLASSES, doubles(w), i % CLASSES), y.toArray()[i], 1e-6);
            }
            Gradients gradients = tape
                    .backward(Reductions.sum(tape, Arithmetic.multiply(tape, y, Tensor.of(Shape.of(N, CLASSES), c)), false));
            assertSlopes(doubles(x), gradients.of(input).toArray(), moved -> sum(moved, doubles(w), c));
            assertSlopes(doubles(w), gradients.of(weight).toArray(), moved -> sum(doubles(x), moved, c));
        }
    }

    @FunctionalInterface
    private interface Function {
        double at(double[] values);
    }

    private static void assertSlopes(double[] at, float[] gradient, Function function) {
        double h = 1e-6;
        for (int i = 0; i < at.length; i++) {
            double[] up = at.clone();
            double[] down = at.clone();
            up[i] += h;
            down[i] -= h;
            assertEquals((function.at(up) - function.at(down)) / (2 * h), gradient[i], 5e-6, "derivative " + i);
        }
    }

    @Test
    void neitherTheLengthOfFeaturesNorThatOfWeightsMatters() {
        float[] x = random(N * IN, "features");
        float[] w = random(CLASSES * IN, "weights");
        float[] longX = x.clone();
        float[] longW = w.clone();
        for (int i = 0; i < longX.length; i++) {
            longX[i] *= 1024; // a power of two, so that nothing is rounded
        }
        for (int i = 0; i < longW.length; i++) {
            longW[i] /= 8;
        }
        try (Device device = Device.cpu(1); Tape tape = Tape.inference(device)) {
            float[] y = layer(w).forward(tape, Tensor.of(Shape.of(N, IN), x)).toArray();
            assertArrayEquals(y, layer(longW).forward(tape, Tensor.of(Shape.of(N, IN), longX)).toArray());
        }
    }

    @Test
    void featuresThatAreZeroBehindAReluGiveZeroAndNoGradient() {
        CosineLinear layer = layer(random(CLASSES * IN, "weights"));
        Tensor x = Tensor.full(-1f, 1, IN);
        try (Device device = Device.cpu(1); Tape tape = Tape.eager(device, List.of(x, layer.weight().tensor()))) {
            Tensor y = layer.forward(tape, new ReLU().forward(tape, x));
            assertArrayEquals(new float[CLASSES], y.toArray(), Float.MIN_NORMAL);
            Gradients gradients = tape.backward(Reductions.sum(tape, y, false));
            assertArrayEquals(new float[IN], gradients.of(x).toArray(), Float.MIN_NORMAL);
            for (float slope : gradients.of(layer.weight().tensor()).toArray()) {
                assertTrue(Float.isFinite(slope));
            }
        }
    }

    @Test
    void thereIsNoBiasAndSizesArePositive() {
        assertEquals(List.of("weight"), List.copyOf(layer(new float[CLASSES * IN]).namedParameters().keySet()));
        assertThrows(IllegalArgumentException.class, () -> new CosineLinear(0, 1));
        assertThrows(IllegalArgumentException.class, () -> new CosineLinear(1, 0));
    }
}
