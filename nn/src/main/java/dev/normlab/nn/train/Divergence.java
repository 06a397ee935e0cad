package dev.normlab.nn.train;

import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.loss.Objective;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/// Finds out where NaN or infinity came in.
final class Divergence {

    private static final int EXPONENT = 0x7f800000;

    private Divergence() {}

    /// Whether all values are finite. Reads the memory as it lies, whatever the layout.
    static boolean isFinite(Tensor tensor) {
        Storage storage = tensor.storage();
        float[] values = storage.floats();
        int length = storage.layout().length(storage.shape());
        int largest = 0;
        for (int i = 0; i < length; i++) {
            largest = Math.max(largest, Float.floatToRawIntBits(values[i]) & EXPONENT);
        }
        return largest != EXPONENT;
    }

    /// Throws if a gradient is not finite although the loss is; the layer named is the last one of the model, where the backward pass met
    /// it first.
    static void requireFinite(Iterable<Parameter> parameters, Gradients gradients, long step) {
        Parameter affected = null;
        for (Parameter parameter : parameters) {
            Tensor gradient = parameter.frozen() ? null : gradients.find(parameter.tensor()).orElse(null);
            if (gradient != null && !isFinite(gradient)) {
                affected = parameter;
            }
        }
        if (affected != null) {
            throw new DivergenceException(layerOf(affected.name()), step, "the loss is finite, but the gradient of " + affected.name()
                    + " is not (the first one that the backward pass met).");
        }
    }

    /// Returns the model unless one of its parameters is not finite.
    ///
    /// @param step the last step, for the message
    static Layer requireFinite(Layer model, long step) {
        for (Parameter parameter : model.namedParameters().values()) {
            if (!isFinite(parameter.tensor())) {
                throw new DivergenceException(layerOf(parameter.name()), step, "the loss was finite, but " + parameter.name()
                        + " has values that are NaN or infinite now, at the end of the epoch.");
            }
        }
        return model;
    }

    /// The exception for a loss that is not finite: looks at the batch, the parameters and buffers, and then repeats the forward pass layer
    /// by layer.
    static DivergenceException ofLoss(float loss, Layer model, Objective objective, Tensor images, Tensor labels, Device device,
            long step) {
        String found = "the loss is " + loss + "; ";
        if (!isFinite(images)) {
            return new DivergenceException("images", step, found + "the images of the batch already have values that are NaN or infinite.");
        }
        for (Map.Entry<String, Tensor> entry : model.stateDict().entrySet()) {
            if (!isFinite(entry.getValue()) && !entry.getKey().contains("running_")) {
                return new DivergenceException(layerOf(entry.getKey()), step,
                        found + "the first layer affected is " + layerOf(entry.getKey()) + ": its " + entry.getKey()
                                + " has values that are NaN or infinite.");
            }
        }
        return firstActivation(found, model, objective, images, labels, device, step);
    }

    private static DivergenceException firstActivation(String found, Layer model, Objective objective, Tensor images, Tensor labels,
            Device device, long step) {
        Map<Layer, String> names = new IdentityHashMap<>();
        model.namedLayers().forEach((name, layer) -> names.put(layer, name));
        List<String> affected = new ArrayList<>();
        try (Tape tape = Tape.inference(device);
                Layer.Observation ignored = model.observe((layer, input, output) -> {
                    if (!isFinite(output)) {
                        affected.add(names.get(layer) + " (" + layer.getClass().getSimpleName() + "): its output is not finite, while "
                                + (isFinite(input)
                                        ? "its input and all weights are."
                                        : "all weights are; nor is its input, which was made from the images."));
                    }
                })) {
            objective.evaluate(tape, model, images, labels);
        }
        if (affected.isEmpty()) {
            return new DivergenceException("loss", step, found + "all weights and activations are finite, so the loss itself overflowed.");
        }
        return new DivergenceException(affected.getFirst().substring(0, affected.getFirst().indexOf(' ')), step,
                found + "the first layer affected is " + affected.getFirst());
    }

    private static String layerOf(String parameter) {
        int dot = parameter.lastIndexOf('.');
        return dot < 0 ? parameter : parameter.substring(0, dot);
    }
}
