package dev.normlab.nn.layer;

import dev.normlab.engine.io.NumberArray;
import dev.normlab.engine.io.Safetensors;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// Moves the parameters and buffers of a model to and from files, under PyTorch's names. PyTorch's counters `num_batches_tracked` are
/// accepted and ignored, for nothing depends on them.
public final class StateDict {

    private static final String IGNORED = "num_batches_tracked";

    private StateDict() {}

    /// A copy of all parameters and buffers.
    ///
    /// @throws IllegalStateException if a parameter has no values yet
    public static Map<String, NumberArray> copy(Layer model) {
        Map<String, NumberArray> copies = new LinkedHashMap<>();
        model.stateDict().forEach((name, tensor) -> copies.put(name, new NumberArray.Floats(tensor.shape(), tensor.toArray())));
        return copies;
    }

    /// Replaces all parameters and buffers. Nothing changes unless everything fits.
    ///
    /// @param source what the values are, for messages
    /// @throws StateDictException if a name is missing or unexpected, or a shape or type differs
    public static void load(Layer model, Map<String, ? extends NumberArray> values, String source) {
        Map<String, Parameter> parameters = model.namedParameters();
        Map<String, Tensor> buffers = model.namedBuffers();
        Map<String, NumberArray.Floats> fitting = new LinkedHashMap<>();
        List<String> missing = new ArrayList<>();
        List<String> misshapen = new ArrayList<>();
        Map<String, Shape> expected = new LinkedHashMap<>();
        parameters.forEach((name, parameter) -> expected.put(name, parameter.shape()));
        buffers.forEach((name, buffer) -> expected.put(name, buffer.shape()));
        expected.forEach((name, shape) -> {
            NumberArray given = values.get(name);
            if (given == null) {
                missing.add(name);
            } else if (given instanceof NumberArray.Floats floats && floats.shape().equals(shape)) {
                fitting.put(name, floats);
            } else {
                String kind = given instanceof NumberArray.Floats ? "" : " of integers";
                misshapen.add(name + " " + shape + ", but got " + given.shape() + kind);
            }
        });
        List<String> unexpected = values.keySet().stream().filter(name -> !expected.containsKey(name) && !isIgnored(name))
                .map(String::valueOf).toList();
        if (!missing.isEmpty() || !unexpected.isEmpty() || !misshapen.isEmpty()) {
            throw new StateDictException(source, missing, unexpected, misshapen);
        }
        fitting.forEach((name, floats) -> {
            Parameter parameter = parameters.get(name);
            if (parameter != null) {
                parameter.set(floats.values());
            } else {
                Objects.requireNonNull(buffers.get(name)).set(floats.values());
            }
        });
        model.nameTensors();
    }

    /// Replaces all parameters and buffers by those of a safetensors file.
    ///
    /// @throws StateDictException if they do not fit the model
    /// @throws IOException        if the file cannot be read or is not a safetensors file
    public static void read(Layer model, Path file) throws IOException {
        load(model, Safetensors.read(file).tensors(), file.toString());
    }

    /// Writes all parameters and buffers to a safetensors file, atomically.
    ///
    /// @param metadata strings to keep with them
    /// @throws IOException if the file cannot be written
    public static void write(Layer model, Path file, Map<String, String> metadata) throws IOException {
        Safetensors.write(file, copy(model), metadata);
    }

    private static boolean isIgnored(String name) {
        return name.equals(IGNORED) || name.endsWith("." + IGNORED);
    }
}
