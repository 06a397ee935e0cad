package dev.normlab.lip.bound;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Sequential;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PairBoundTest {

    private static PairBound of(Layer model, Shape image, Device device) {
        return PairBound.of(model, image, NetworkBound.Box.PIXELS, SpectralBound::byExactNorms, device);
    }

    private static float[] logits(Device device, Layer model, Shape image, float[] x) {
        try (Tape tape = Tape.inference(device)) {
            return model.forward(tape, Tensor.of(image, x)).toArray();
        }
    }

    private static float[] uniform(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextFloat();
        }
        return values;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("dev.normlab.lip.bound.NetworkBoundTest#networks")
    void noMeasuredDifferenceOfLogitsChangesMoreAndTheBoundIsAtMostThatOfTheLogits(NetworkBoundTest.Case network) {
        Random random = new Random(network.name().hashCode());
        Layer model = network.model();
        model.initialize(4).eval();
        Shape image = network.image();
        try (Device device = Device.scalar(1)) {
            PairBound pairs = of(model, image, device);
            PNorms all = NetworkBound.of(model, image, NetworkBound.Box.PIXELS, SpectralBound::byExactNorms, device).bound();
            for (int trial = 0; trial < 3; trial++) {
                float[] x = uniform(random, image.elements());
                float[] y = x.clone();
                for (int i = 0; i < (trial == 0 ? y.length : trial); i++) {
                    y[random.nextInt(y.length)] = random.nextFloat();
                }
                double[] moved = norms(x, y);
                float[] fx = logits(device, model, image, x);
                float[] fy = logits(device, model, image, y);
                for (int a = 0; a < pairs.classes(); a++) {
                    for (int b = 0; b < pairs.classes(); b++) {
                        double change = Math.abs((double) fx[a] - fx[b] - fy[a] + fy[b]);
                        PNorms bound = pairs.of(a, b);
                        assertTrue(
                                change <= Math.min(bound.l1() * moved[0], Math.min(bound.l2() * moved[1], bound.linf() * moved[2])) + 1e-5,
                                a + " and " + b + ": " + change);
                        assertTrue(bound.linf() <= 2 * all.linf() * 1.000001 && bound.l1() <= 2 * all.l1() * 1.000001);
                    }
                }
            }
        }
    }

    private static double[] norms(float[] x, float[] y) {
        double[] norms = new double[3];
        for (int i = 0; i < x.length; i++) {
            double d = Math.abs((double) x[i] - y[i]);
            norms[0] += d;
            norms[1] += d * d;
            norms[2] = Math.max(norms[2], d);
        }
        norms[1] = Math.sqrt(norms[1]);
        return norms;
    }

    @Test
    void forALinearModelTheBoundIsTheDualNormOfTheDifferenceOfRows() {
        Linear linear = new Linear(3, 2, true);
        Layer model = new Sequential(new Flatten(), linear).initialize(1);
        linear.weight().set(new float[] {3, -1, .5f, 1, 2, .5f});
        try (Device device = Device.scalar(1)) {
            PNorms bound = of(model, Shape.of(1, 3, 1, 1), device).of(0, 1);
            assertEquals(3, bound.l1(), 1e-8);
            assertEquals(Math.sqrt(13), bound.l2(), 1e-8);
            assertEquals(5, bound.linf(), 1e-8);
            assertEquals(0, of(model, Shape.of(1, 3, 1, 1), device).of(1, 1).linf());
        }
    }

    @Test
    void withoutALinearLayerAtTheEndTheLogitsOwnBoundCountsTwice() {
        Linear linear = new Linear(3, 2, true);
        Layer inner = new Sequential(new Flatten(), linear).initialize(1);
        linear.weight().set(new float[] {3, -1, .5f, 1, 2, .5f});
        Layer model = new Layer() {
            private final Layer child = child("inner", inner);

            @Override
            protected Tensor compute(Tape tape, Tensor x) {
                return Arithmetic.scale(tape, child.forward(tape, x), 2);
            }
        };
        try (Device device = Device.scalar(1)) {
            PNorms bound = of(model, Shape.of(1, 3, 1, 1), device).of(0, 1);
            assertEquals(2 * 2 * 4.5, bound.linf(), 1e-8);
            assertEquals(2 * 4, bound.l1(), 1e-8);
        }
    }
}
