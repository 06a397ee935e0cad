package dev.normlab.nn.layer;

import java.util.LinkedHashMap;
import java.util.Map;

/// Which layers of a model were in training mode, so that it can be brought back after a look at it in another one, frozen layers included.
public final class LayerModes {

    private final Map<Layer, Boolean> training = new LinkedHashMap<>();

    private LayerModes() {}

    /// Remembers the modes of all layers.
    public static LayerModes of(Layer model) {
        LayerModes modes = new LayerModes();
        model.namedLayers().values().forEach(layer -> modes.training.put(layer, layer.isTraining()));
        return modes;
    }

    /// Remembers the modes of all layers and puts the model into eval mode.
    public static LayerModes evaluating(Layer model) {
        LayerModes modes = of(model);
        model.eval();
        return modes;
    }

    /// Brings the modes back, those of outer layers first, since they set their inner layers too.
    public void restore() {
        training.forEach((layer, was) -> {
            if (was) {
                layer.train();
            } else {
                layer.eval();
            }
        });
    }
}
