package dev.normlab.nn.model;

import dev.normlab.nn.layer.Layer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// The models by name. Inputs are images `[n, 3, h, w]` with values in [0, 1], usually 32x32; outputs are logits `[n, classes]`, or
/// cosines with [Head#COSINE].
public final class Models {

    private static final Map<String, Function<ModelSpec, Layer>> FACTORIES = factories();

    private Models() {}

    private static Map<String, Function<ModelSpec, Layer>> factories() {
        Map<String, Function<ModelSpec, Layer>> all = new LinkedHashMap<>();
        for (int depth : List.of(11, 13, 16, 19)) {
            all.put("vgg" + depth, spec -> new Vgg(depth, spec));
        }
        all.put("resnet18", spec -> ResNet.of(ResNet.Block.BASIC, List.of(2, 2, 2, 2), spec));
        all.put("resnet34", spec -> ResNet.of(ResNet.Block.BASIC, List.of(3, 4, 6, 3), spec));
        all.put("resnet50", spec -> ResNet.of(ResNet.Block.BOTTLENECK, List.of(3, 4, 6, 3), spec));
        all.put("senet18", SeNet::new);
        all.put("regnetx200mf", spec -> new RegNet(RegNet.X_200MF, spec));
        all.put("regnetx400mf", spec -> new RegNet(RegNet.X_400MF, spec));
        all.put("regnety400mf", spec -> new RegNet(RegNet.Y_400MF, spec));
        return all;
    }

    /// The names of all models.
    public static List<String> names() {
        return new ArrayList<>(FACTORIES.keySet());
    }

    /// Builds and initialises the model written as in [ModelSpec#parse].
    ///
    /// @throws IllegalArgumentException if the text is no specification; the message says what is valid
    public static Layer create(String spec, long seed) {
        return create(ModelSpec.parse(spec), seed);
    }

    /// Builds a model and gives its parameters PyTorch's default first values.
    public static Layer create(ModelSpec spec, long seed) {
        return build(spec).initialize(seed);
    }

    /// Builds a model without values, to load weights into.
    public static Layer build(ModelSpec spec) {
        Function<ModelSpec, Layer> factory = FACTORIES.get(spec.name());
        if (factory == null) {
            throw new IllegalArgumentException("there is no model '" + spec.name() + "'; known models: " + String.join(", ", names()));
        }
        return factory.apply(spec);
    }
}
