package dev.normlab.engine.kernel.scalar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.kernel.Workers;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.Arrays;

/// What the tests of kernels share: seeded inputs, poisoned outputs, comparisons that say where two arrays differ, and sums in double.
final class Fixture {

    /// One thread's workspace.
    static final Workspace WORKSPACE = new Workspace(new Workers(1));

    private Fixture() {}

    static Storage floats(Shape shape, float... values) {
        return Storage.ofFloats(shape, Layout.PLAIN, values);
    }

    static Storage vector(float... values) {
        return floats(Shape.of(values.length), values);
    }

    static Storage ints(int... values) {
        return Storage.ofInts(Shape.of(values.length), values);
    }

    /// Uniform in [-1, 1).
    static Storage random(long seed, int... sizes) {
        float[] values = new float[Shape.of(sizes).elements()];
        RandomStream.of(seed, "kernel test").fillUniform(values, -1f, 1f);
        return floats(Shape.of(sizes), values);
    }

    /// An output full of NaN, so that an element that is not written shows.
    static Storage output(int... sizes) {
        return output(Layout.PLAIN, sizes);
    }

    static Storage output(Layout layout, int... sizes) {
        Shape shape = Shape.of(sizes);
        float[] values = new float[layout.length(shape)];
        Arrays.fill(values, Float.NaN);
        return Storage.ofFloats(shape, layout, values);
    }

    static Storage intOutput(int... sizes) {
        int[] values = new int[Shape.of(sizes).elements()];
        Arrays.fill(values, Integer.MIN_VALUE);
        return Storage.ofInts(Shape.of(sizes), values);
    }

    /// The row-major values in another layout, padding zero.
    static Storage packed(Storage plain, Layout layout) {
        Storage packed = output(layout, plain.shape().toArray());
        layout.pack(plain.shape(), plain.floats(), packed.floats());
        return packed;
    }

    /// The values of a storage of any layout in row-major order.
    static float[] unpacked(Storage storage) {
        float[] plain = new float[storage.shape().elements()];
        storage.layout().unpack(storage.shape(), storage.floats(), plain);
        return plain;
    }

    /// Every actual value is within `relative` times the largest expected magnitude (at least 1).
    static void assertClose(double[] expected, float[] actual, double relative, String what) {
        assertEquals(expected.length, actual.length, what + ": number of values");
        double largest = 1;
        for (double value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < expected.length; i++) {
            double error = Math.abs(expected[i] - actual[i]);
            int at = i;
            assertTrue(error <= relative * largest, () -> what + ": value " + at + " is " + actual[at] + ", expected " + expected[at]);
        }
    }

    /// The inner product, in double.
    static double dot(float[] a, float[] b) {
        assertEquals(a.length, b.length);
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }

    /// The sum of all |a_i b_i|: the scale of the rounding error of [#dot].
    static double magnitude(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += Math.abs((double) a[i] * b[i]);
        }
        return sum;
    }

    /// The adjoint test of a linear map with `y = M x` and `dx = Mᵀ g`: `<y, g> = <x, dx>` up to rounding, with inner sums of `length`
    /// terms.
    static void assertAdjoint(float[] x, float[] y, float[] g, float[] dx, int length, String what) {
        double bound = 4 * 0x1p-24 * Math.sqrt(length) * Math.max(magnitude(y, g), magnitude(x, dx));
        double difference = Math.abs(dot(y, g) - dot(x, dx));
        assertTrue(difference <= bound, what + ": <y, g> and <x, dx> differ by " + difference + ", allowed " + bound);
    }
}
