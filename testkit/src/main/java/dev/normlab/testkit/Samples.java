package dev.normlab.testkit;

import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;

/// Seeded tensors for tests. The same seed and shape give the same values everywhere.
public final class Samples {

    private Samples() {}

    /// Uniform in [-1, 1).
    public static Tensor uniform(long seed, int... sizes) {
        return uniform(seed, -1f, 1f, sizes);
    }

    /// Uniform in [low, high).
    public static Tensor uniform(long seed, float low, float high, int... sizes) {
        Shape shape = Shape.of(sizes);
        float[] values = new float[shape.elements()];
        RandomStream.of(seed, "uniform sample").fillUniform(values, low, high);
        return Tensor.of(shape, values);
    }

    /// Uniform in [-1, 1), but at least `gap` away from zero: for functions with a kink there.
    public static Tensor awayFromZero(long seed, float gap, int... sizes) {
        Tensor tensor = uniform(seed, sizes);
        float[] values = tensor.toArray();
        for (int i = 0; i < values.length; i++) {
            values[i] = values[i] < 0 ? Math.min(values[i], -gap) : Math.max(values[i], gap);
        }
        tensor.set(values);
        return tensor;
    }

    /// All different, spaced evenly over [-1, 1] in random order: no ties, and neighbours differ by `2 / (elements - 1)`.
    public static Tensor distinct(long seed, int... sizes) {
        Shape shape = Shape.of(sizes);
        int[] order = RandomStream.of(seed, "distinct sample").permutation(shape.elements());
        float[] values = new float[order.length];
        for (int i = 0; i < order.length; i++) {
            values[i] = order.length == 1 ? 0.5f : -1f + 2f * order[i] / (order.length - 1);
        }
        return Tensor.of(shape, values);
    }

    /// Whole numbers in `0 .. bound - 1`, as floats: full of ties.
    public static Tensor whole(long seed, int bound, int... sizes) {
        int[] integers = integers(seed, bound, sizes).toIntArray();
        float[] values = new float[integers.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = integers[i];
        }
        return Tensor.of(Shape.of(sizes), values);
    }

    /// Integers in `0 .. bound - 1`: labels, indices.
    public static Tensor integers(long seed, int bound, int... sizes) {
        Shape shape = Shape.of(sizes);
        RandomStream random = RandomStream.of(seed, "integer sample");
        int[] values = new int[shape.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextInt(bound);
        }
        return Tensor.ofInts(shape, values);
    }

    /// These values over and over: special values at every position of a vector.
    public static Tensor repeated(int count, float... pattern) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = pattern[i % pattern.length];
        }
        return Tensor.of(Shape.of(count), values);
    }
}
