package dev.normlab.nn.model;

import dev.normlab.nn.layer.Layer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;

/// The models by name. Inputs are images `[n, 3, h, w]` with values in [0, 1], usually 32x32; outputs are logits `[n, classes]`, or
/// cosines with [Head#COSINE].
public final class Models {

    private static final Map<String, Entry> ENTRIES = new LinkedHashMap<>();

    static {
        addResidual();
        addDense();
        addMobile();
        addWide();
    }

    /// @param options the model's own options and their default values
    private record Entry(Function<ModelSpec, Layer> factory, Map<String, Double> options) {}

    private Models() {}

    private static void add(String name, Function<ModelSpec, Layer> factory) {
        add(name, Map.of(), factory);
    }

    private static void add(String name, Map<String, Double> options, Function<ModelSpec, Layer> factory) {
        ENTRIES.put(name, new Entry(factory, new TreeMap<>(options)));
    }

    private static void addResidual() {
        for (int depth : List.of(11, 13, 16, 19)) {
            add("vgg" + depth, spec -> new Vgg(depth, spec));
        }
        Map<Integer, List<Integer>> depths = new TreeMap<>(Map.of(18, List.of(2, 2, 2, 2), 34, List.of(3, 4, 6, 3), 50, List.of(3, 4, 6, 3),
                101, List.of(3, 4, 23, 3), 152, List.of(3, 8, 36, 3)));
        depths.forEach((depth, blocks) -> add("resnet" + depth, spec -> ResNet.of(blockOf(depth), blocks, spec)));
        depths.forEach((depth, blocks) -> add("preactresnet" + depth, spec -> new PreActResNet(blockOf(depth), blocks, spec)));
        for (int cardinality : List.of(2, 4, 8)) {
            add("resnext29_" + cardinality + "x64d", spec -> new ResNeXt(cardinality, 64, spec));
        }
        add("resnext29_32x4d", spec -> new ResNeXt(32, 4, spec));
        add("senet18", SeNet::new);
        add("regnetx200mf", spec -> new RegNet(RegNet.X_200MF, spec));
        add("regnetx400mf", spec -> new RegNet(RegNet.X_400MF, spec));
        add("regnety400mf", spec -> new RegNet(RegNet.Y_400MF, spec));
    }

    private static ResNet.Block blockOf(int depth) {
        return depth < 50 ? ResNet.Block.BASIC : ResNet.Block.BOTTLENECK;
    }

    private static void addDense() {
        add("densenet121", spec -> new DenseNet(List.of(6, 12, 24, 16), 32, spec));
        add("densenet161", spec -> new DenseNet(List.of(6, 12, 36, 24), 48, spec));
        add("densenet169", spec -> new DenseNet(List.of(6, 12, 32, 32), 32, spec));
        add("densenet201", spec -> new DenseNet(List.of(6, 12, 48, 32), 32, spec));
        add("densenet_cifar", spec -> new DenseNet(List.of(6, 12, 24, 16), 12, spec));
        add("dpn26", spec -> new DualPathNet(List.of(2, 2, 2, 2), spec));
        add("dpn92", spec -> new DualPathNet(List.of(3, 4, 20, 3), spec));
        add("googlenet", GoogLeNet::new);
        add("pnasneta", spec -> new PnasNet(PnasCell.Kind.A, 44, spec));
        add("pnasnetb", spec -> new PnasNet(PnasCell.Kind.B, 32, spec));
    }

    private static void addMobile() {
        add("lenet", LeNet::new);
        add("mobilenet", MobileNet::new);
        add("mobilenetv2", MobileNetV2::new);
        add("shufflenetg2", spec -> new ShuffleNet(2, List.of(200, 400, 800), spec));
        add("shufflenetg3", spec -> new ShuffleNet(3, List.of(240, 480, 960), spec));
        add("shufflenetv2_0.5", spec -> new ShuffleNetV2(List.of(48, 96, 192, 1024), spec));
        add("shufflenetv2_1", spec -> new ShuffleNetV2(List.of(116, 232, 464, 1024), spec));
        add("shufflenetv2_1.5", spec -> new ShuffleNetV2(List.of(176, 352, 704, 1024), spec));
        add("shufflenetv2_2", spec -> new ShuffleNetV2(List.of(224, 488, 976, 2048), spec));
        add("efficientnetb0", Map.of("dropout", 0.2, "dropconnect", 0.0), EfficientNet::new);
    }

    private static void addWide() {
        Map<String, Double> options = Map.of("dropout", 0.0);
        add("wrn28-10", options, spec -> new WideResNet(28, 10, spec));
        add("wrn34-10", options, spec -> new WideResNet(34, 10, spec));
        add("wrn34-20", options, spec -> new WideResNet(34, 20, spec));
    }

    /// The names of all models.
    public static List<String> names() {
        return new ArrayList<>(ENTRIES.keySet());
    }

    /// A model's own options, all of them rates in [0, 1), with their default values in alphabetical order; empty for most models.
    ///
    /// @param name one of [#names]
    /// @throws NullPointerException if there is no such model
    public static Map<String, Double> options(String name) {
        return Objects.requireNonNull(ENTRIES.get(name), name).options;
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
        return Objects.requireNonNull(ENTRIES.get(spec.name()), spec.name()).factory.apply(spec);
    }
}
