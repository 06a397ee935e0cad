package dev.normlab.nn.model;

import dev.normlab.engine.tensor.Shape;

/// One layer of a model's summary.
///
/// @param name         within the model, for example `layer1.0.conv1`; what a block computes without a named layer (ReLU, sums) is left out
/// @param kind         the layer's class, for example `Conv2d`
/// @param input        the shape of its input for a batch of one image
/// @param output       the shape of its output for a batch of one image
/// @param parameters   the number of its own parameters
/// @param multiplyAdds multiplications with addition for one image; bias, norms and activations are not counted
public record LayerSummary(String name, String kind, Shape input, Shape output, long parameters, long multiplyAdds) {}
