package dev.normlab.engine.tensor;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// An n-dimensional array of float32 or int32 with a logical row-major shape.
///
/// A tensor is a handle: it knows its shape and its memory, and nothing of gradients (a tape remembers how tensors were made). While a step
/// is being recorded tensors are *virtual*: they have a shape but no values yet. Values are read with [#toArray()] and written with
/// [#set(float...)], both in row-major order whatever the layout of the storage.
public final class Tensor {

    private final TensorSpec spec;
    private final @Nullable Storage storage;
    private @Nullable String name;

    private Tensor(TensorSpec spec, @Nullable Storage storage) {
        this.spec = spec;
        this.storage = storage;
    }

    /// A tensor over an existing storage.
    public static Tensor of(Storage storage) {
        return new Tensor(new TensorSpec(storage.shape(), storage.dtype()), storage);
    }

    /// A tensor with a copy of these values in row-major order.
    ///
    /// @throws ShapeException if the number of values is not that of the shape
    public static Tensor of(Shape shape, float... values) {
        requireCount(shape, values.length);
        return of(Storage.ofFloats(shape, Layout.PLAIN, values.clone()));
    }

    /// An integer tensor with a copy of these values in row-major order.
    ///
    /// @throws ShapeException if the number of values is not that of the shape
    public static Tensor ofInts(Shape shape, int... values) {
        requireCount(shape, values.length);
        return of(Storage.ofInts(shape, values.clone()));
    }

    /// A tensor of zeros.
    public static Tensor zeros(int... sizes) {
        Shape shape = Shape.of(sizes);
        return of(Storage.ofFloats(shape, Layout.PLAIN, new float[shape.elements()]));
    }

    /// A tensor filled with one value.
    public static Tensor full(float value, int... sizes) {
        Tensor tensor = zeros(sizes);
        Arrays.fill(tensor.storage().floats(), value);
        return tensor;
    }

    /// A one-element tensor of shape `[1]`: a learning rate, a step size, a counter.
    public static Tensor scalar(float value) {
        return full(value, 1);
    }

    /// A tensor without values, as recording makes them.
    public static Tensor virtual(TensorSpec spec) {
        return new Tensor(spec, null);
    }

    /// Gives the tensor the name that errors and recorded programs use, and returns it.
    public Tensor named(String newName) {
        this.name = newName;
        return this;
    }

    /// The name, or null if it has none.
    public @Nullable String name() {
        return name;
    }

    /// Shape and element type.
    public TensorSpec spec() {
        return spec;
    }

    /// The logical shape.
    public Shape shape() {
        return spec.shape();
    }

    /// The element type.
    public DType dtype() {
        return spec.dtype();
    }

    /// Whether the tensor stands for a value of a program that is being recorded.
    public boolean isVirtual() {
        return storage == null;
    }

    /// The memory.
    ///
    /// @throws IllegalStateException if the tensor is virtual
    public Storage storage() {
        if (storage == null) {
            throw new IllegalStateException("the tensor " + this + " belongs to a recording and has no values yet; "
                    + "fetch it from the program and read it after a replay");
        }
        return storage;
    }

    /// The values in row-major order, as a new array.
    public float[] toArray() {
        float[] plain = new float[shape().elements()];
        storage().layout().unpack(shape(), storage().floats(), plain);
        return plain;
    }

    /// The values of an integer tensor in row-major order, as a new array.
    public int[] toIntArray() {
        return Arrays.copyOf(storage().ints(), shape().elements());
    }

    /// The value of a one-element tensor.
    ///
    /// @throws ShapeException if there is not exactly one element
    public float item() {
        if (shape().elements() != 1) {
            throw new ShapeException("item: expected a tensor of one element, but got " + this);
        }
        return toArray()[0];
    }

    /// Replaces all values, given in row-major order.
    ///
    /// @throws ShapeException if the number of values is not that of the shape
    public void set(float... values) {
        requireCount(shape(), values.length);
        storage().layout().pack(shape(), values, storage().floatsToReplace());
        storage().touch();
    }

    /// Replaces all values of an integer tensor.
    ///
    /// @throws ShapeException if the number of values is not that of the shape
    public void setInts(int... values) {
        requireCount(shape(), values.length);
        System.arraycopy(values, 0, storage().intsToReplace(), 0, values.length);
        storage().touch();
    }

    private static void requireCount(Shape shape, int count) {
        if (count != shape.elements()) {
            throw new ShapeException("a tensor of shape " + shape + " has " + shape.elements() + " elements, but got " + count + " values");
        }
    }

    /// Name, type and shape, for example `features.0.weight float32[64, 3, 3, 3]`.
    @Override
    public String toString() {
        return name == null ? spec.toString() : name + " " + spec;
    }
}
