package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.List;

/// Pre-activation ResNet (He et al., "Identity mappings in deep residual networks", 2016) in the form of the reference: a 3x3 convolution,
/// four stages of [PreActBlock]s, the average over the remaining image, and one linear layer. Each stage after the first halves the image.
///
/// As in the reference, and unlike in the paper, there is no batch norm and no ReLU between the last block and the average.
///
/// Shapes: `[n, 3, h, w]` to `[n, classes]`.
final class PreActResNet extends ReferenceBlock {

    private static final int[] PLANES = {64, 128, 256, 512};

    private final Conv2d conv1;
    private final List<Sequential> stages = new ArrayList<>();
    private final Layer linear;

    /// @param depths the number of blocks of each stage
    PreActResNet(ResNet.Block block, List<Integer> depths, ModelSpec spec) {
        int channels = spec.scaled(PLANES[0], 1);
        conv1 = child("conv1", conv(3, channels, 3, 1));
        for (int stage = 0; stage < PLANES.length; stage++) {
            List<Layer> blocks = new ArrayList<>();
            int planes = spec.scaled(PLANES[stage], 1);
            for (int i = 0; i < depths.get(stage); i++) {
                int stride = i == 0 && stage > 0 ? 2 : 1;
                boolean basic = block == ResNet.Block.BASIC;
                blocks.add(basic ? PreActBlock.basic(channels, planes, stride) : PreActBlock.bottleneck(channels, planes, stride));
                channels = basic ? planes : BottleneckBlock.EXPANSION * planes;
            }
            stages.add(child("layer" + (stage + 1), new Sequential(blocks)));
        }
        linear = child("linear", spec.head().layer(channels, spec.classes()));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = conv1.forward(tape, x);
        for (Sequential stage : stages) {
            y = stage.forward(tape, y);
        }
        return linear.forward(tape, features(tape, y));
    }
}
