package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.AdaptiveAvgPool2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sigmoid;

/// Squeeze and excitation (Hu, Shen & Sun, "Squeeze-and-excitation networks", 2018): every channel is multiplied by a weight between 0 and
/// 1 that a small network computes from the channels' means. Its two layers are 1x1 convolutions with bias.
///
/// Shapes: `[n, c, h, w]` to the same.
public final class SqueezeExcitation extends Layer {

    private final AdaptiveAvgPool2d pool = new AdaptiveAvgPool2d(1, 1);
    private final Layer activation;
    private final Sigmoid sigmoid = new Sigmoid();
    private final Conv2d squeeze;
    private final Conv2d excite;

    /// With layers named `se1` and `se2`.
    ///
    /// @param reduced channels between the two layers
    public SqueezeExcitation(int channels, int reduced) {
        this(channels, reduced, new ReLU());
    }

    /// With another activation than ReLU between the two layers.
    SqueezeExcitation(int channels, int reduced, Layer activation) {
        this.activation = activation;
        squeeze = child("se1", new Conv2d(channels, reduced, 1, 1, 0, true));
        excite = child("se2", new Conv2d(reduced, channels, 1, 1, 0, true));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor weight = activation.forward(tape, squeeze.forward(tape, pool.forward(tape, x)));
        return Arithmetic.multiply(tape, x, sigmoid.forward(tape, excite.forward(tape, weight)));
    }
}
