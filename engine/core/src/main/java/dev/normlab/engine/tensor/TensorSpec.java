package dev.normlab.engine.tensor;

/// What is known of a tensor before it exists: its shape and element type.
public record TensorSpec(Shape shape, DType dtype) {

    /// A float tensor of this shape.
    public static TensorSpec floats(Shape shape) {
        return new TensorSpec(shape, DType.FLOAT32);
    }

    /// A float tensor of these sizes.
    public static TensorSpec floats(int... sizes) {
        return floats(Shape.of(sizes));
    }

    /// An integer tensor of this shape.
    public static TensorSpec ints(Shape shape) {
        return new TensorSpec(shape, DType.INT32);
    }

    @Override
    public String toString() {
        return (dtype == DType.FLOAT32 ? "float32" : "int32") + shape;
    }
}
