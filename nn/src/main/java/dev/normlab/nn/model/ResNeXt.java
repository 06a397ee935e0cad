package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.List;

/// ResNeXt-29 (Xie et al., "Aggregated residual transformations for deep neural networks", 2017) in the form of the reference: a 1x1
/// convolution with 64 channels, three stages of three bottleneck blocks whose 3x3 convolution has `cardinality` groups, the average over
/// the remaining image, and one linear layer. The channels of a group double from stage to stage; the second and third stage halve the
/// image. A block has twice as many output channels as its grouped convolution.
///
/// The first convolution is 1x1 as in the reference, where the paper has 3x3. Width scales the channels of a group, never the number of
/// groups.
///
/// Shapes: `[n, 3, h, w]` to `[n, classes]`.
final class ResNeXt extends ReferenceBlock {

    private static final int STEM = 64;
    private static final int STAGES = 3;
    private static final int BLOCKS = 3;
    private static final int EXPANSION = 2;

    private final ConvNorm stem;
    private final List<Sequential> stages = new ArrayList<>();
    private final Layer linear;

    /// @param cardinality groups of the 3x3 convolutions
    /// @param groupWidth  channels of a group in the first stage
    ResNeXt(int cardinality, int groupWidth, ModelSpec spec) {
        int channels = spec.scaled(STEM, 1);
        stem = convNorm(1, conv(3, channels, 1, 1));
        for (int stage = 0; stage < STAGES; stage++) {
            int planes = cardinality * (spec.scaled(groupWidth, 1) << stage);
            List<Layer> blocks = new ArrayList<>();
            for (int i = 0; i < BLOCKS; i++) {
                blocks.add(new BottleneckBlock(channels, planes, EXPANSION * planes, i == 0 && stage > 0 ? 2 : 1, cardinality));
                channels = EXPANSION * planes;
            }
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
}
