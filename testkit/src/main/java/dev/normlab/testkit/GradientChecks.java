package dev.normlab.testkit;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Tensor;
import java.util.List;
import java.util.Locale;

/// Tests of gradients that need no other implementation.
///
/// A linear operation `y = A x` is checked by its adjoint: `<y, g> = <x, Aᵀ g>` for random `g`, to the rounding of its sums. A nonlinear
/// one is checked by central differences of `<f(x), g>` along two directions: a random one, and one with the signs of the gradient, along
/// which nothing cancels and a single wrong element shows.
public final class GradientChecks {

    private static final float STEP = 3e-3f;
    private static final double TOLERANCE = 2e-4;

    private GradientChecks() {}

    /// A function of some tensors, computed on a tape.
    @FunctionalInterface
    public interface Function {

        /// The float result.
        Tensor apply(Tape tape, List<Tensor> inputs);
    }

    /// Checks a function that is linear in each of its inputs when the others are fixed.
    ///
    /// @param terms the largest number of products that are added up in one element of the result or of a gradient
    public static void adjoint(Device device, int terms, long seed, Function function, Tensor... inputs) {
        List<Tensor> all = List.of(inputs);
        for (int i = 0; i < inputs.length; i++) {
            Tensor x = inputs[i];
            try (Tape tape = Tape.eager(device, List.of(x))) {
                Tensor y = function.apply(tape, all);
                Tensor g = Samples.uniform(seed, y.shape().toArray());
                Tensor dx = tape.backward(y, g).of(x);
                double forward = dot(y, g);
                double backward = dot(x, dx);
                double tolerance = Expected.sumTolerance(terms, magnitude(y, g) + magnitude(x, dx));
                if (!(Math.abs(forward - backward) <= tolerance)) {
                    throw new AssertionError(
                            String.format(Locale.ROOT, "input %d, seed %d: <y, g> is %.9g, but <x, dx> is %.9g (tolerance %.3g)", i, seed,
                                    forward, backward, tolerance));
                }
            }
        }
    }

    /// Checks a function that is smooth around its inputs: kinks are farther away than 0.01 in every element.
    public static void differences(Device device, long seed, Function function, Tensor... inputs) {
        List<Tensor> all = List.of(inputs);
        for (int i = 0; i < inputs.length; i++) {
            Tensor x = inputs[i];
            float[] dx;
            Tensor g;
            try (Tape tape = Tape.eager(device, List.of(x))) {
                Tensor y = function.apply(tape, all);
                g = Samples.uniform(seed, y.shape().toArray());
                dx = tape.backward(y, g).of(x).toArray();
            }
            float[] random = Samples.uniform(seed + 1, dx.length).toArray();
            float[] along = Samples.uniform(seed + 2, 0.5f, 1f, dx.length).toArray();
            for (int k = 0; k < along.length; k++) {
                along[k] *= dx[k] < 0 ? -1 : 1;
            }
            compare(device, function, all, i, g, dx, random, "a random direction, seed " + seed);
            compare(device, function, all, i, g, dx, along, "the gradient's direction, seed " + seed);
        }
    }

    private static void compare(Device device, Function function, List<Tensor> inputs, int index, Tensor g, float[] dx, float[] direction,
            String where) {
        Tensor x = inputs.get(index);
        float[] original = x.toArray();
        Shifted up = shifted(device, function, inputs, index, original, direction, STEP, g);
        Shifted down = shifted(device, function, inputs, index, original, direction, -STEP, g);
        x.set(original);
        double slope = 0;
        double reach = 0;
        for (int k = 0; k < dx.length; k++) {
            slope += (double) dx[k] * direction[k];
            reach += Math.abs((double) dx[k] * direction[k]);
        }
        double difference = (up.value - down.value) / (2.0 * STEP);
        double tolerance = TOLERANCE * Math.max(1, Math.max(reach, up.magnitude));
        if (!(Math.abs(difference - slope) <= tolerance)) {
            throw new AssertionError(String.format(Locale.ROOT,
                    "input %d along %s: the difference quotient is %.7g, but the gradient says %.7g (tolerance %.3g)",
                    index, where, difference, slope, tolerance));
        }
    }

    private record Shifted(double value, double magnitude) {}

    private static Shifted shifted(Device device, Function function, List<Tensor> inputs, int index, float[] original, float[] direction,
            float step,
            Tensor g) {
        float[] moved = original.clone();
        for (int k = 0; k < moved.length; k++) {
            moved[k] += step * direction[k];
        }
        inputs.get(index).set(moved);
        try (Tape tape = Tape.inference(device)) {
            Tensor y = function.apply(tape, inputs);
            return new Shifted(dot(y, g), magnitude(y, g));
        }
    }

    private static double dot(Tensor a, Tensor b) {
        float[] as = a.toArray();
        float[] bs = b.toArray();
        double sum = 0;
        for (int i = 0; i < as.length; i++) {
            sum += (double) as[i] * bs[i];
        }
        return sum;
    }

    private static double magnitude(Tensor a, Tensor b) {
        float[] as = a.toArray();
        float[] bs = b.toArray();
        double sum = 0;
        for (int i = 0; i < as.length; i++) {
            sum += Math.abs((double) as[i] * bs[i]);
        }
        return sum;
    }
}
