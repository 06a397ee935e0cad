package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.init.Initialization;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/// A part of a network: a function of one tensor with named parameters, buffers (values that are kept but not trained, such as running
/// statistics) and inner layers.
///
/// A subclass registers them in its constructor with [#parameter], [#buffer] and [#child], and computes in [#compute]. Names and order are
/// those of PyTorch's state dictionaries: a layer's own parameters, its buffers, then its children's, joined by dots:
/// `layer1.0.conv1.weight`.
public abstract class Layer {

    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final Map<String, Tensor> buffers = new LinkedHashMap<>();
    private final Map<String, Tensor> randomStates = new LinkedHashMap<>();
    private final Map<String, Layer> children = new LinkedHashMap<>();
    private boolean training = true;
    private @Nullable ForwardObserver observer;

    /// The layer's output; what it does is said by each layer. Works on a recording tape as well as on an eager one.
    ///
    /// @throws dev.normlab.engine.tensor.ShapeException if the input does not fit the layer
    public final Tensor forward(Tape tape, Tensor x) {
        Tensor y = compute(tape, x);
        if (observer != null) {
            observer.afterForward(this, x, y);
        }
        return y;
    }

    /// Computes the output from the input.
    protected abstract Tensor compute(Tape tape, Tensor x);

    /// Registers trainable values.
    ///
    /// @throws IllegalArgumentException if the layer has something of that name
    protected final Parameter parameter(String name, Initialization initialization, int... sizes) {
        requireFree(name);
        Parameter parameter = new Parameter(name, Shape.of(sizes), initialization);
        parameters.put(name, parameter);
        return parameter;
    }

    /// Registers values that are kept with the weights but not trained.
    ///
    /// @throws IllegalArgumentException if the layer has something of that name
    protected final Tensor buffer(String name, Tensor values) {
        requireFree(name);
        buffers.put(name, values.named(name));
        return values;
    }

    /// Registers the counter of a layer's own random numbers, int `[4]` = `{key low, key high, stream, position}`. A checkpoint keeps it;
    /// it is not part of the state dictionary.
    ///
    /// @throws IllegalArgumentException if the layer has something of that name
    protected final Tensor randomState(String name) {
        requireFree(name);
        Tensor counter = Tensor.ofInts(Shape.of(4), 0, 0, 0, 0).named(name);
        randomStates.put(name, counter);
        return counter;
    }

    /// Registers an inner layer.
    ///
    /// @throws IllegalArgumentException if the layer has something of that name
    protected final <L extends Layer> L child(String name, L layer) {
        requireFree(name);
        children.put(name, layer);
        return layer;
    }

    private void requireFree(String name) {
        boolean taken = parameters.containsKey(name) || buffers.containsKey(name) || randomStates.containsKey(name)
                || children.containsKey(name);
        if (taken || name.isEmpty() || name.contains(".")) {
            throw new IllegalArgumentException("a name within a layer is new, not empty and without dots, but got '" + name + "'");
        }
    }

    /// Gives all parameters of this layer and its inner layers their first values. Every parameter draws from a stream of its own that
    /// depends on the seed and its name, so that equal names have equal values whatever else the model contains.
    ///
    /// @return this layer
    public final Layer initialize(long seed) {
        nameTensors();
        namedParameters().values().forEach(parameter -> parameter.initialize(seed));
        namedLayers().forEach((name, layer) -> layer.seed(seed, name));
        atStep(0);
        return this;
    }

    /// Makes all parameters of this layer and its inner layers zero: enough to look at shapes, and quicker than drawing values.
    ///
    /// @return this layer
    public final Layer zero() {
        nameTensors();
        namedParameters().values().forEach(Parameter::zero);
        return this;
    }

    /// Tells a layer with random numbers of its own (dropout) the seed of the run and its name in the model.
    protected void seed(long seed, String name) {}

    /// Brings the random numbers that layers draw during training (dropout masks) to those of a training step, counted from 0. An eager
    /// forward pass on a new tape moves on by itself; a recorded one is moved by whoever replays it.
    public final void atStep(long step) {
        namedLayers().values().forEach(layer -> layer.moveTo(step));
    }

    /// Brings this layer's own random numbers to those of a training step.
    protected void moveTo(long step) {}

    /// Makes parameters and buffers carry their names in this model.
    final void nameTensors() {
        namedParameters().forEach((name, parameter) -> parameter.rename(name));
        namedBuffers().forEach((name, buffer) -> buffer.named(name));
    }

    /// Switches this layer and its inner layers to training: batch statistics, dropout.
    public final void train() {
        setTraining(true);
    }

    /// Switches this layer and its inner layers to evaluation: running statistics, no dropout.
    public final void eval() {
        setTraining(false);
    }

    private void setTraining(boolean on) {
        training = on;
        children.values().forEach(layer -> layer.setTraining(on));
    }

    /// Whether the layer is in training mode, which it is at first.
    public final boolean isTraining() {
        return training;
    }

    /// The inner layers by name, in order.
    public final Map<String, Layer> children() {
        return Collections.unmodifiableMap(children);
    }

    /// This layer under the empty name, and all inner layers of any depth by their full names, outer ones first.
    public final Map<String, Layer> namedLayers() {
        Map<String, Layer> all = new LinkedHashMap<>();
        walk("", all::put);
        return all;
    }

    /// All parameters by their full names, in PyTorch's order.
    public final Map<String, Parameter> namedParameters() {
        Map<String, Parameter> all = new LinkedHashMap<>();
        walk("", (prefix, layer) -> layer.parameters.forEach((name, parameter) -> all.put(join(prefix, name), parameter)));
        return all;
    }

    /// All buffers by their full names, in PyTorch's order.
    public final Map<String, Tensor> namedBuffers() {
        Map<String, Tensor> all = new LinkedHashMap<>();
        walk("", (prefix, layer) -> layer.buffers.forEach((name, buffer) -> all.put(join(prefix, name), buffer)));
        return all;
    }

    /// The counters of all layers' own random numbers by their full names, int `[4]`.
    public final Map<String, Tensor> namedRandomStates() {
        Map<String, Tensor> all = new LinkedHashMap<>();
        walk("", (prefix, layer) -> layer.randomStates.forEach((name, counter) -> all.put(join(prefix, name), counter)));
        return all;
    }

    /// All parameters and buffers by their full names, in PyTorch's order. The tensors are the model's own, not copies.
    ///
    /// @throws IllegalStateException if a parameter has no values yet
    public final Map<String, Tensor> stateDict() {
        Map<String, Tensor> all = new LinkedHashMap<>();
        walk("", (prefix, layer) -> {
            layer.parameters.forEach((name, parameter) -> all.put(join(prefix, name), parameter.tensor()));
            layer.buffers.forEach((name, buffer) -> all.put(join(prefix, name), buffer));
        });
        return all;
    }

    /// The tensors that training watches: of all parameters that are not frozen.
    public final List<Tensor> trainable() {
        List<Tensor> tensors = new ArrayList<>();
        for (Parameter parameter : namedParameters().values()) {
            if (!parameter.frozen()) {
                tensors.add(parameter.tensor());
            }
        }
        return tensors;
    }

    /// The number of parameter values, frozen ones included, buffers not.
    public final long parameterCount() {
        return namedParameters().values().stream().mapToLong(parameter -> parameter.shape().elements()).sum();
    }

    /// Lets an observer see the forward passes of this layer and all inner layers, until the returned handle is closed. One observer at a
    /// time.
    public final Observation observe(ForwardObserver newObserver) {
        setObserver(newObserver);
        return () -> setObserver(null);
    }

    /// Ends an observation.
    @FunctionalInterface
    public interface Observation extends AutoCloseable {

        @Override
        void close();
    }

    private void setObserver(@Nullable ForwardObserver newObserver) {
        observer = newObserver;
        children.values().forEach(layer -> layer.setObserver(newObserver));
    }

    private void walk(String prefix, BiConsumer<String, Layer> visitor) {
        visitor.accept(prefix, this);
        children.forEach((name, layer) -> layer.walk(join(prefix, name), visitor));
    }

    private static String join(String prefix, String name) {
        return prefix.isEmpty() ? name : prefix + "." + name;
    }
}
