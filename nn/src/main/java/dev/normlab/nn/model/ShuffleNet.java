package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Activations;
import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.Pool2dGeometry;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.AvgPool2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.List;

/// ShuffleNet (Zhang et al. 2017, arXiv:1707.01083) in the form of the reference: a 1x1 convolution with 24 channels, three stages of
/// blocks with grouped 1x1 convolutions and a channel shuffle between them, the average over the remaining image and one linear layer. Each
/// stage halves the image. ReLU follows the depthwise convolution, as in the reference (in the paper none does).
///
/// Width scales all channels in multiples of four times the groups, and every stage has at least that many more than the one before.
///
/// Shapes: `[n, 3, h, w]` to `[n, classes]`.
final class ShuffleNet extends ReferenceBlock {

    private static final int STEM = 24;
    private static final int[] BLOCKS = {4, 8, 4};
    private static final int BOTTLENECK = 4;

    private final ConvNorm stem;
    private final List<Sequential> stages = new ArrayList<>();
    private final Layer linear;

    /// @param planes channels of each stage
    ShuffleNet(int groups, List<Integer> planes, ModelSpec spec) {
        int multiple = BOTTLENECK * groups;
        int channels = spec.scaled(STEM, multiple);
        stem = convNorm(1, conv(3, channels, 1, 1));
        for (int stage = 0; stage < BLOCKS.length; stage++) {
            int out = Math.max(spec.scaled(planes.get(stage), multiple), channels + multiple);
            List<Layer> blocks = new ArrayList<>();
            // what the shortcut brings along needs not be computed; the few channels of the stem are not grouped
            blocks.add(new ShuffleBlock(channels, out - channels, 2, stage == 0 ? 1 : groups, groups));
            for (int i = 1; i < BLOCKS[stage]; i++) {
                blocks.add(new ShuffleBlock(out, out, 1, groups, groups));
            }
            channels = out;
            stages.add(child("layer" + (stage + 1), new Sequential(blocks)));
        }
        linear = child("linear", spec.head().layer(channels, spec.classes()));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = stem.relu(tape, x);
        for (Sequential stage : stages) {
            y = stage.forward(tape, y);
        }
        return linear.forward(tape, features(tape, y));
    }

    /// A grouped 1x1 convolution, channel shuffle, a depthwise 3x3 convolution with the stride, a grouped 1x1 convolution. With stride 1
    /// the input is added, with stride 2 its 3x3 averages stand behind the result. ReLU follows.
    private static final class ShuffleBlock extends ReferenceBlock {

        private static final Pool2dGeometry POOL = Pool2dGeometry.of(3, 2, 1);

        private final int firstGroups;
        private final boolean halving;
        private final ConvNorm conv1;
        private final ConvNorm conv2;
        private final ConvNorm conv3;
        private final Sequential shortcut;

        ShuffleBlock(int in, int out, int stride, int firstGroups, int groups) {
            int inner = out / BOTTLENECK;
            this.firstGroups = firstGroups;
            halving = stride == 2;
            conv1 = convNorm(1, grouped(in, inner, 1, 1, firstGroups));
            conv2 = convNorm(2, grouped(inner, inner, 3, stride, inner));
            conv3 = convNorm(3, grouped(inner, out, 1, 1, groups));
            shortcut = child("shortcut", halving ? new Sequential(new AvgPool2d(POOL)) : new Sequential());
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            Tensor y = conv1.relu(tape, x);
            y = firstGroups == 1 ? y : Arrangement.channelShuffle(tape, y, firstGroups);
            y = conv3.apply(tape, conv2.relu(tape, y));
            Tensor around = shortcut.forward(tape, x);
            return Activations.relu(tape,
                    halving ? Arrangement.concatenate(tape, 1, List.of(y, around)) : Arithmetic.add(tape, y, around));
        }
    }
}
