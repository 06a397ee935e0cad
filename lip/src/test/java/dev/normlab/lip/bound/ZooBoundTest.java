package dev.normlab.lip.bound;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.lip.norm.LayerKind;
import dev.normlab.lip.norm.LayerNorms;
import dev.normlab.lip.norm.NormedLayer;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.model.Models;
import dev.normlab.nn.model.Summary;
import dev.normlab.testkit.Samples;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every model, with few channels, has finite norms of all its layers and a bound that no pair of images exceeds.
class ZooBoundTest {

    private static final Shape IMAGE = Shape.of(1, 3, 32, 32);

    private static List<String> names() {
        return Models.names();
    }

    @ParameterizedTest
    @MethodSource("names")
    void normsAreFiniteAndTheBoundHolds(String name) {
        // the smallest of these networks need more channels, lest all of a layer's activations are zero
        Layer model = Models.create(name + (name.equals("mobilenet") || name.equals("pnasnetb") ? ":width=0.25" : ":width=0.03"), 2);
        model.eval();
        // as small as the signals, which would die away otherwise; but gates multiply until the bound of RegNetY is infinite
        float variance = name.startsWith("regnety") ? 0.5f : 0.1f;
        model.namedBuffers().forEach((key, buffer) -> {
            if (key.endsWith("running_var")) {
                buffer.set(Tensor.full(variance, buffer.shape().toArray()).toArray());
            }
        });
        try (Device device = Device.cpu(1)) {
            Summary summary = Summary.of(model, 3, 32, 32, device);
            LayerNorms norms = LayerNorms.of(model);
            assertEquals(NormedLayer.of(model).size(), norms.layers().size());
            long convolutions = summary.layers().stream().filter(layer -> layer.kind().equals("Conv2d")).count();
            assertTrue(norms.layers().stream().filter(layer -> layer.kind() == LayerKind.CONV).count() >= convolutions);
            for (LayerNorms.LayerNorm layer : norms.layers()) {
                assertTrue(layer.l1() > 0 && layer.l1() < Double.POSITIVE_INFINITY, layer.toString());
                assertTrue(layer.linf() > 0 && layer.linf() < Double.POSITIVE_INFINITY, layer.toString());
            }
            NetworkBound bound = NetworkBound.of(model, IMAGE, NetworkBound.Box.PIXELS, SpectralBound::byExactNorms, device);
            assertEquals(name.startsWith("senet") || name.startsWith("regnety") || name.startsWith("efficientnet"), bound.hasGates());
            assertHolds(model, bound.bound(), device);
        }
    }

    private static void assertHolds(Layer model, PNorms bound, Device device) {
        float[] x = Samples.uniform(5, 0f, 1f, 3, 32, 32).toArray();
        float[] y = Samples.uniform(6, 0f, 1f, 3, 32, 32).toArray();
        float[] in = difference(x, y);
        float[] out = difference(logits(model, x, device), logits(model, y, device));
        assertTrue(bound.l1() < Double.POSITIVE_INFINITY && bound.l2() < Double.POSITIVE_INFINITY
                && bound.linf() < Double.POSITIVE_INFINITY, bound.toString());
        assertTrue(l1(out) <= bound.l1() * l1(in), bound.toString());
        assertTrue(l2(out) <= bound.l2() * l2(in), bound.toString());
        assertTrue(linf(out) <= bound.linf() * linf(in), bound.toString());
        assertTrue(linf(out) > 0, "the images do not matter");
    }

    private static float[] logits(Layer model, float[] image, Device device) {
        try (Tape tape = Tape.inference(device)) {
            return model.forward(tape, Tensor.of(IMAGE, image)).toArray();
        }
    }

    private static float[] difference(float[] a, float[] b) {
        float[] result = new float[a.length];
        for (int i = 0; i < a.length; i++) {
            result[i] = a[i] - b[i];
        }
        return result;
    }

    private static double l1(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += Math.abs(value);
        }
        return sum;
    }

    private static double l2(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += (double) value * value;
        }
        return Math.sqrt(sum);
    }

    private static double linf(float[] values) {
        double largest = 0;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }
}
