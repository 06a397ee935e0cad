package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.List;

/// ShuffleNet V2 (Ma et al. 2018, arXiv:1807.11164) for 32x32 images: a 3x3 convolution with 24 channels, three stages that halve the image
/// with a [DownBlock] and go on with [SplitBlock]s, a 1x1 convolution, the average over the remaining image and one linear layer.
///
/// Width scales the channels of the stages in multiples of 2, because blocks work on halves.
///
/// Shapes: `[n, 3, h, w]` to `[n, classes]`.
final class ShuffleNetV2 extends ReferenceBlock {

    private static final int STEM = 24;
    private static final int[] SPLIT_BLOCKS = {3, 7, 3};
    private static final int HALVES = 2;

    private final ConvNorm stem;
    private final List<Sequential> stages = new ArrayList<>();
    private final ConvNorm last;
    private final Layer linear;

    /// @param planes channels of the three stages, then of the last convolution
    ShuffleNetV2(List<Integer> planes, ModelSpec spec) {
        int channels = spec.scaled(STEM, 1);
        stem = convNorm(1, conv(3, channels, 3, 1));
        for (int stage = 0; stage < SPLIT_BLOCKS.length; stage++) {
            int out = spec.scaled(planes.get(stage), HALVES);
            List<Layer> blocks = new ArrayList<>();
            blocks.add(new DownBlock(channels, out / HALVES));
            for (int i = 0; i < SPLIT_BLOCKS[stage]; i++) {
                blocks.add(new SplitBlock(out / HALVES));
            }
            channels = out;
            stages.add(child("layer" + (stage + 1), new Sequential(blocks)));
        }
        int features = spec.scaled(planes.getLast(), 1);
        last = convNorm(2, conv(channels, features, 1, 1));
        linear = child("linear", spec.head().layer(features, spec.classes()));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = stem.relu(tape, x);
        for (Sequential stage : stages) {
            y = stage.forward(tape, y);
        }
        return linear.forward(tape, features(tape, last.relu(tape, y)));
    }

    private static Tensor shuffled(Tape tape, Tensor left, Tensor right) {
        return Arrangement.channelShuffle(tape, Arrangement.concatenate(tape, 1, List.of(left, right)), HALVES);
    }

    /// Passes the first half of the channels on; the second goes through a 1x1, a depthwise 3x3 and a 1x1 convolution. Then the two halves
    /// are shuffled.
    private static final class SplitBlock extends ReferenceBlock {

        private final int half;
        private final ConvNorm conv1;
        private final ConvNorm conv2;
        private final ConvNorm conv3;

        SplitBlock(int half) {
            this.half = half;
            conv1 = convNorm(1, conv(half, half, 1, 1));
            conv2 = convNorm(2, grouped(half, half, 3, 1, half));
            conv3 = convNorm(3, conv(half, half, 1, 1));
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            List<Tensor> halves = Arrangement.split(tape, x, 1, half, half);
            Tensor y = conv3.relu(tape, conv2.apply(tape, conv1.relu(tape, halves.getLast())));
            return shuffled(tape, halves.getFirst(), y);
        }
    }

    /// Two branches of the same input, each with a depthwise 3x3 convolution with stride 2, whose outputs are shuffled.
    private static final class DownBlock extends ReferenceBlock {

        private final ConvNorm conv1;
        private final ConvNorm conv2;
        private final ConvNorm conv3;
        private final ConvNorm conv4;
        private final ConvNorm conv5;

        DownBlock(int in, int half) {
            conv1 = convNorm(1, grouped(in, in, 3, 2, in));
            conv2 = convNorm(2, conv(in, half, 1, 1));
            conv3 = convNorm(3, conv(in, half, 1, 1));
            conv4 = convNorm(4, grouped(half, half, 3, 2, half));
            conv5 = convNorm(5, conv(half, half, 1, 1));
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            Tensor left = conv2.relu(tape, conv1.apply(tape, x));
            Tensor right = conv5.relu(tape, conv4.apply(tape, conv3.relu(tape, x)));
            return shuffled(tape, left, right);
        }
    }
}
