package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.List;

/// PNASNet (Liu et al., "Progressive neural architecture search", 2018) in the form of the reference: a 3x3 convolution, three stages of
/// six [PnasCell]s with a cell between them that halves the image and doubles the channels, the average over the remaining image and one
/// linear layer. The reference's "separable" convolutions are depthwise ones only.
///
/// Shapes: `[n, 3, h, w]` to `[n, classes]`.
final class PnasNet extends ReferenceBlock {

    private static final int STAGES = 3;
    private static final int CELLS = 6;

    private final ConvNorm stem;
    private final List<Layer> layers = new ArrayList<>();
    private final Layer linear;

    /// @param planes channels of the first stage
    PnasNet(PnasCell.Kind kind, int planes, ModelSpec spec) {
        int channels = spec.scaled(planes, 1);
        stem = convNorm(1, conv(3, channels, 3, 1));
        for (int stage = 0; stage < STAGES; stage++) {
            if (stage > 0) {
                layers.add(child("layer" + 2 * stage, PnasCell.of(kind, channels, 2 * channels, 2)));
                channels *= 2;
            }
            List<Layer> cells = new ArrayList<>();
            for (int i = 0; i < CELLS; i++) {
                cells.add(PnasCell.of(kind, channels, channels, 1));
            }
            layers.add(child("layer" + (2 * stage + 1), new Sequential(cells)));
        }
        linear = child("linear", spec.head().layer(channels, spec.classes()));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = stem.relu(tape, x);
        for (Layer layer : layers) {
            y = layer.forward(tape, y);
        }
        return linear.forward(tape, features(tape, y));
    }
}
