package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// MobileNet (Howard et al. 2017, arXiv:1704.04861) for 32x32 images: a 3x3 convolution, thirteen blocks of a depthwise 3x3 convolution and
/// a 1x1 convolution, each with batch norm and ReLU, the average over the remaining image and one linear layer.
///
/// Shapes: `[n, 3, h, w]` to `[n, classes]`.
final class MobileNet extends ReferenceBlock {

    private static final int STEM = 32;
    private static final int[] PLANES = {64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024};
    /// The blocks that halve the image.
    private static final Set<Integer> HALVING = Set.of(1, 3, 5, 11);

    private final ConvNorm stem;
    private final Sequential layers;
    private final Layer linear;

    MobileNet(ModelSpec spec) {
        int channels = spec.scaled(STEM, 1);
        stem = convNorm(1, conv(3, channels, 3, 1));
        List<Layer> blocks = new ArrayList<>();
        for (int i = 0; i < PLANES.length; i++) {
            int out = spec.scaled(PLANES[i], 1);
            blocks.add(new SeparableBlock(channels, out, HALVING.contains(i) ? 2 : 1));
            channels = out;
        }
        layers = child("layers", new Sequential(blocks));
        linear = child("linear", spec.head().layer(channels, spec.classes()));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        return linear.forward(tape, features(tape, layers.forward(tape, stem.relu(tape, x))));
    }

    /// A depthwise 3x3 convolution with the stride, then a 1x1 convolution.
    private static final class SeparableBlock extends ReferenceBlock {

        private final ConvNorm depthwise;
        private final ConvNorm pointwise;

        SeparableBlock(int in, int out, int stride) {
            depthwise = convNorm(1, grouped(in, in, 3, stride, in));
            pointwise = convNorm(2, conv(in, out, 1, 1));
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            return pointwise.relu(tape, depthwise.relu(tape, x));
        }
    }
}
