package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.AdaptiveAvgPool2d;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Flatten;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import java.util.ArrayList;
import java.util.List;

/// ResNet (He et al., "Deep residual learning for image recognition", 2016) for 32x32 images: a 3x3 convolution, stages `layer1`, `layer2`,
/// .. of residual blocks, the average over the remaining image, and one linear layer. Each stage after the first halves the image.
///
/// Shapes: `[n, 3, h, w]` to `[n, classes]`.
public final class ResNet extends Layer {

    private final ReLU relu = new ReLU();
    private final AdaptiveAvgPool2d pool = new AdaptiveAvgPool2d(1, 1);
    private final Flatten flatten = new Flatten();
    private final Conv2d conv1;
    private final BatchNorm2d bn1;
    private final List<Sequential> stages = new ArrayList<>();
    private final Layer linear;

    /// The kind of residual block.
    public enum Block {
        /// [BasicBlock].
        BASIC,
        /// [BottleneckBlock].
        BOTTLENECK
    }

    /// A residual network.
    ///
    /// @param stem   channels of the first convolution
    /// @param planes the planes of each stage
    /// @param depths the number of blocks of each stage
    /// @throws IllegalArgumentException if there are not as many depths as planes
    public ResNet(Block block, int stem, List<Integer> planes, List<Integer> depths, int classes) {
        this(block, stem, planes, depths, classes, Head.LINEAR);
    }

    private ResNet(Block block, int stem, List<Integer> planes, List<Integer> depths, int classes, Head head) {
        if (planes.isEmpty() || planes.size() != depths.size()) {
            throw new IllegalArgumentException(
                    "ResNet: expected one depth for each of the stages' planes, but got " + planes + " and " + depths);
        }
        conv1 = child("conv1", new Conv2d(3, stem, 3, 1, 1, false));
        bn1 = child("bn1", new BatchNorm2d(stem));
        int channels = stem;
        for (int stage = 0; stage < planes.size(); stage++) {
            List<Layer> blocks = new ArrayList<>();
            for (int i = 0; i < depths.get(stage); i++) {
                int stride = i == 0 && stage > 0 ? 2 : 1;
                int width = planes.get(stage);
                blocks.add(block == Block.BASIC ? new BasicBlock(channels, width, stride) : new BottleneckBlock(channels, width, stride));
                channels = block == Block.BASIC ? width : BottleneckBlock.EXPANSION * width;
            }
            stages.add(child("layer" + (stage + 1), new Sequential(blocks)));
        }
        linear = child("linear", head.layer(channels, classes));
    }

    static ResNet of(Block block, List<Integer> depths, ModelSpec spec) {
        List<Integer> planes = List.of(spec.scaled(64, 1), spec.scaled(128, 1), spec.scaled(256, 1), spec.scaled(512, 1));
        return new ResNet(block, planes.getFirst(), planes, depths, spec.classes(), spec.head());
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = relu.forward(tape, bn1.forward(tape, conv1.forward(tape, x)));
        for (Sequential stage : stages) {
            y = stage.forward(tape, y);
        }
        return linear.forward(tape, flatten.forward(tape, pool.forward(tape, y)));
    }
}
