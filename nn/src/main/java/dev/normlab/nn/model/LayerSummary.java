package dev.normlab.nn.model;

import dev.normlab.engine.kernel.ConvolutionAlgorithm;
import dev.normlab.engine.kernel.ConvolutionPass;
import dev.normlab.engine.tensor.Shape;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/// One layer of a model's summary.
///
/// @param name         within the model, for example `layer1.0.conv1`; what a block computes without a named layer (ReLU, sums) is left out
/// @param kind         the layer's class, for example `Conv2d`
/// @param input        the shape of its input for a batch of one image
/// @param output       the shape of its output for a batch of one image
/// @param parameters   the number of its own parameters
/// @param multiplyAdds multiplications with addition for one image; bias, norms and activations are not counted
/// @param algorithms   for a `Conv2d`, what computes its passes on the device of the summary; empty for others
public record LayerSummary(String name, String kind, Shape input, Shape output, long parameters, long multiplyAdds,
        Map<ConvolutionPass, ConvolutionAlgorithm> algorithms) {

    /// Copies the map.
    public LayerSummary {
        algorithms = Collections.unmodifiableMap(new TreeMap<>(algorithms));
    }
}
