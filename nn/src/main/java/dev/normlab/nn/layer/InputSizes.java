package dev.normlab.nn.layer;

import java.util.IdentityHashMap;
import java.util.Map;

/// The input sizes that the convolutions of a model know, to be brought back later: a forward pass that is replayed computes what was
/// recorded without running the layers, so that these do not notice which size they meet.
public final class InputSizes {

    private final Map<Layer, ImageSize> sizes = new IdentityHashMap<>();

    private InputSizes() {}

    /// The sizes of now: those of the latest forward pass.
    public static InputSizes of(Layer model) {
        InputSizes result = new InputSizes();
        for (Layer layer : model.namedLayers().values()) {
            switch (layer) {
                case Conv2d conv -> conv.inputSize().ifPresent(size -> result.sizes.put(conv, size));
                case ConvTranspose2d conv -> conv.inputSize().ifPresent(size -> result.sizes.put(conv, size));
                default -> {
                    // norms of other layers do not depend on the size
                }
            }
        }
        return result;
    }

    /// Tells the layers these sizes.
    public void restore() {
        sizes.forEach((layer, size) -> {
            switch (layer) {
                case Conv2d conv -> conv.inputSize(size);
                case ConvTranspose2d conv -> conv.inputSize(size);
                default -> throw new IllegalStateException("only convolutions know their input size");
            }
        });
    }
}
