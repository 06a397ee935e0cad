package dev.normlab.engine.io;

import dev.normlab.engine.tensor.Shape;

/// An array as files hold it: a shape and row-major values of one type. The values are not copied: whoever makes one hands them over.
public sealed interface NumberArray {

    /// The logical sizes; their product is the number of values.
    Shape shape();

    /// The number of values.
    default int length() {
        return shape().elements();
    }

    /// Single-precision numbers.
    ///
    /// @param shape the sizes
    /// @param values row-major, `shape.elements()` of them
    record Floats(Shape shape, float[] values) implements NumberArray {
        /// Checks that there are as many values as the shape says.
        public Floats {
            checkLength(shape, values.length);
        }
    }

    /// 32-bit integers.
    ///
    /// @param shape the sizes
    /// @param values row-major, `shape.elements()` of them
    record Ints(Shape shape, int[] values) implements NumberArray {
        /// Checks that there are as many values as the shape says.
        public Ints {
            checkLength(shape, values.length);
        }
    }

    /// 64-bit integers, such as PyTorch's `num_batches_tracked`.
    ///
    /// @param shape the sizes
    /// @param values row-major, `shape.elements()` of them
    record Longs(Shape shape, long[] values) implements NumberArray {
        /// Checks that there are as many values as the shape says.
        public Longs {
            checkLength(shape, values.length);
        }
    }

    /// Unsigned bytes, 0 to 255, such as the pixels of images; truth values are 0 and 1.
    ///
    /// @param shape the sizes
    /// @param values row-major, `shape.elements()` of them
    record Bytes(Shape shape, byte[] values) implements NumberArray {
        /// Checks that there are as many values as the shape says.
        public Bytes {
            checkLength(shape, values.length);
        }
    }

    /// An array of single-precision numbers.
    ///
    /// @throws IllegalArgumentException if the number of values is not the product of the sizes
    static Floats of(float[] values, int... sizes) {
        return new Floats(Shape.of(sizes), values);
    }

    /// An array of 32-bit integers.
    ///
    /// @throws IllegalArgumentException if the number of values is not the product of the sizes
    static Ints of(int[] values, int... sizes) {
        return new Ints(Shape.of(sizes), values);
    }

    /// An array of 64-bit integers.
    ///
    /// @throws IllegalArgumentException if the number of values is not the product of the sizes
    static Longs of(long[] values, int... sizes) {
        return new Longs(Shape.of(sizes), values);
    }

    /// An array of unsigned bytes.
    ///
    /// @throws IllegalArgumentException if the number of values is not the product of the sizes
    static Bytes of(byte[] values, int... sizes) {
        return new Bytes(Shape.of(sizes), values);
    }

    /// What the values are, for messages: `float`, `int`, `long` or `unsigned byte`.
    default String kind() {
        return switch (this) {
            case Floats _ -> "float";
            case Ints _ -> "int";
            case Longs _ -> "long";
            case Bytes _ -> "unsigned byte";
        };
    }

    /// Value number `index` as a 64-bit integer.
    ///
    /// @throws IllegalStateException if the values are floating-point numbers
    default long integer(int index) {
        return switch (this) {
            case Floats _ -> throw new IllegalStateException("the values are floating-point numbers, not integers");
            case Ints i -> i.values()[index];
            case Longs l -> l.values()[index];
            case Bytes b -> b.values()[index] & 0xFF;
        };
    }

    private static void checkLength(Shape shape, int length) {
        if (shape.elements() != length) {
            throw new IllegalArgumentException(
                    "the shape " + shape + " has " + shape.elements() + " elements, but there are " + length + " values");
        }
    }
}
