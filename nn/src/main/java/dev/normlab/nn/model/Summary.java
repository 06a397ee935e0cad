package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.ConvolutionAlgorithm;
import dev.normlab.engine.kernel.ConvolutionPass;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.TensorSpec;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.ConvTranspose2d;
import dev.normlab.nn.layer.CosineLinear;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Linear;
import dev.normlab.nn.layer.Parameter;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// What a model consists of: its layers in the order in which they compute, without containers.
///
/// @param layers       in the order of the forward pass
/// @param parameters   all parameter values
/// @param multiplyAdds of one image
/// @param unused       layers with parameters that take no part in the forward pass; their parameters are counted
public record Summary(List<LayerSummary> layers, long parameters, long multiplyAdds, List<String> unused) {

    /// Copies the lists.
    public Summary {
        layers = List.copyOf(layers);
        unused = List.copyOf(unused);
    }

    /// The summary of a model for images `[c, h, w]`. The forward pass is recorded, not computed; it also tells every convolution its input
    /// size. The model's mode is left as it was, which does not matter for the shapes.
    ///
    /// @throws dev.normlab.engine.tensor.ShapeException if such images do not fit the model
    public static Summary of(Layer model, int c, int h, int w, Device device) {
        Map<Layer, String> names = new IdentityHashMap<>();
        model.namedLayers().forEach((name, layer) -> names.put(layer, name));
        List<LayerSummary> layers = new ArrayList<>();
        try (Recorder recorder = new Recorder(device);
                Tape tape = new Tape(recorder, List.of());
                Layer.Observation ignored = model.observe((layer, input, output) -> {
                    if (layer.children().isEmpty() && names.containsKey(layer) && !(layer instanceof Sequential)) {
                        layers.add(summary(names.getOrDefault(layer, ""), layer, input.shape(), output.shape(), device));
                    }
                })) {
            model.forward(tape, recorder.feed("images", TensorSpec.floats(2, c, h, w)));
        }
        Set<String> used = layers.stream().map(LayerSummary::name).collect(Collectors.toSet());
        List<String> unused = model.namedLayers().entrySet().stream()
                .filter(entry -> entry.getValue().children().isEmpty() && entry.getValue().parameterCount() > 0)
                .map(Map.Entry::getKey).filter(name -> !used.contains(name)).toList();
        return new Summary(layers, model.parameterCount(), layers.stream().mapToLong(LayerSummary::multiplyAdds).sum(), unused);
    }

    private static LayerSummary summary(String name, Layer layer, Shape input, Shape output, Device device) {
        Shape in = input.with(0, 1);
        Shape out = output.with(0, 1);
        long parameters = layer.namedParameters().values().stream().map(Parameter::shape).mapToLong(Shape::elements).sum();
        long multiplyAdds = switch (layer) {
            case Conv2d conv -> (long) out.elements() * taps(conv.weight());
            case ConvTranspose2d conv -> (long) in.elements() * taps(conv.weight());
            case Linear linear -> linear.weight().shape().elements();
            case CosineLinear cosine -> cosine.weight().shape().elements();
            default -> 0;
        };
        Map<ConvolutionPass, ConvolutionAlgorithm> algorithms = new EnumMap<>(ConvolutionPass.class);
        if (layer instanceof Conv2d conv) {
            for (ConvolutionPass pass : ConvolutionPass.values()) {
                algorithms.put(pass, device.kernels().convolutions().algorithm(conv.sizes(in), pass));
            }
        }
        return new LayerSummary(name, layer.getClass().getSimpleName(), in, out, parameters, multiplyAdds, algorithms);
    }

    /// Weights that one output (or, transposed, one input) meets: the elements of the weight but for its first dimension.
    private static long taps(Parameter weight) {
        return weight.shape().elements() / weight.shape().size(0);
    }
}
