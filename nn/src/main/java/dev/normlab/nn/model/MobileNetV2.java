package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.List;

/// MobileNetV2 (Sandler et al., "Inverted residuals and linear bottlenecks", 2018) for 32x32 images: a 3x3 convolution, seventeen inverted
/// residual blocks, a 1x1 convolution, the average over the remaining image and one linear layer. As in the reference the first convolution
/// and the second group of blocks keep the size of the image, all activations are ReLU (the paper's is ReLU6), and a block without stride
/// whose channels change has a shortcut with a 1x1 convolution and batch norm (the paper has none there).
///
/// Shapes: `[n, 3, h, w]` to `[n, classes]`.
final class MobileNetV2 extends ReferenceBlock {

    private static final int STEM = 32;
    private static final int LAST = 1280;

    /// Blocks of one kind in a row; the first has the stride.
    private record Group(int expansion, int planes, int blocks, int stride) {}

    private static final List<Group> GROUPS = List.of(new Group(1, 16, 1, 1), new Group(6, 24, 2, 1), new Group(6, 32, 3, 2),
            new Group(6, 64, 4, 2), new Group(6, 96, 3, 1), new Group(6, 160, 3, 2), new Group(6, 320, 1, 1));

    private final ConvNorm stem;
    private final Sequential layers;
    private final ConvNorm last;
    private final Layer linear;

    MobileNetV2(ModelSpec spec) {
        int channels = spec.scaled(STEM, 1);
        stem = convNorm(1, conv(3, channels, 3, 1));
        List<Layer> blocks = new ArrayList<>();
        for (Group group : GROUPS) {
            int out = spec.scaled(group.planes, 1);
            for (int i = 0; i < group.blocks; i++) {
                blocks.add(new InvertedResidual(channels, out, group.expansion, i == 0 ? group.stride : 1));
                channels = out;
            }
        }
        layers = child("layers", new Sequential(blocks));
        last = convNorm(2, conv(channels, spec.scaled(LAST, 1), 1, 1));
        linear = child("linear", spec.head().layer(spec.scaled(LAST, 1), spec.classes()));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = last.relu(tape, layers.forward(tape, stem.relu(tape, x)));
        return linear.forward(tape, features(tape, y));
    }

    /// A 1x1 convolution to more channels, a depthwise 3x3 convolution with the stride, a 1x1 convolution to fewer channels, and with
    /// stride 1 the shortcut. Nothing follows the sum.
    private static final class InvertedResidual extends ReferenceBlock {

        private final boolean residual;
        private final ConvNorm expand;
        private final ConvNorm depthwise;
        private final ConvNorm reduce;
        private final Sequential shortcut;

        InvertedResidual(int in, int out, int expansion, int stride) {
            int planes = expansion * in;
            residual = stride == 1;
            expand = convNorm(1, conv(in, planes, 1, 1));
            depthwise = convNorm(2, grouped(planes, planes, 3, stride, planes));
            reduce = convNorm(3, conv(planes, out, 1, 1));
            shortcut = child("shortcut", residual ? Shortcut.of(in, out, 1) : new Sequential());
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            Tensor y = reduce.apply(tape, depthwise.relu(tape, expand.relu(tape, x)));
            return residual ? Arithmetic.add(tape, y, shortcut.forward(tape, x)) : y;
        }
    }
}
