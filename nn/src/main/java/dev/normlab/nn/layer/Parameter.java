package dev.normlab.nn.layer;

import dev.normlab.engine.tensor.RandomStream;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.init.Initialization;

/// Trainable values of a layer. A *frozen* parameter takes part in the forward pass, but no gradient is computed for it and no optimiser
/// changes it.
///
/// A parameter has no values until the model is initialised ([Layer#initialize]), loaded ([StateDict]) or the values are [#set].
public final class Parameter {

    private final Tensor tensor;
    private final Initialization initialization;
    private String name;
    private boolean hasValues;
    private boolean frozen;

    /// A parameter without values.
    ///
    /// @param name within its layer, for example `weight`; the name within the model follows from where the layer is put
    public Parameter(String name, Shape shape, Initialization initialization) {
        this.name = name;
        this.tensor = Tensor.zeros(shape.toArray()).named(name);
        this.initialization = initialization;
    }

    /// The name within the model once the model was initialised or loaded, for example `layer1.0.conv1.weight`.
    public String name() {
        return name;
    }

    /// The logical shape.
    public Shape shape() {
        return tensor.shape();
    }

    /// The values; always the same tensor, so that recorded programs see every change.
    ///
    /// @throws IllegalStateException if there are none yet
    public Tensor tensor() {
        if (!hasValues) {
            throw new IllegalStateException(
                    "the parameter " + tensor + " has no values yet; call initialize(seed) on the model, or load weights into it");
        }
        return tensor;
    }

    /// Replaces all values, given in row-major order.
    ///
    /// @throws dev.normlab.engine.tensor.ShapeException if the number of values is not that of the shape
    public void set(float... values) {
        tensor.set(values);
        hasValues = true;
    }

    /// Whether the parameter is kept as it is.
    public boolean frozen() {
        return frozen;
    }

    /// Keeps the parameter as it is, or lets it be trained again.
    public void frozen(boolean keep) {
        this.frozen = keep;
    }

    /// Makes all values zero, which is what a new parameter's memory holds.
    void zero() {
        if (hasValues) {
            tensor.set(new float[shape().elements()]);
        }
        hasValues = true;
    }

    void rename(String fullName) {
        name = fullName;
        tensor.named(fullName);
    }

    void initialize(long seed) {
        float[] values = new float[shape().elements()];
        initialization.fill(values, RandomStream.of(seed, "initialization of " + name));
        set(values);
    }

    /// For example `features.0.weight float32[64, 3, 3, 3]`.
    @Override
    public String toString() {
        return tensor.toString();
    }
}
