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

/// SENet18 in the form of the reference: a 3x3 convolution with batch norm and ReLU, four stages of two [SeBlock]s, the average over the
/// remaining image and one linear layer. Nothing normalises between the last block and the average.
///
/// Shapes: `[n, 3, h, w]` to `[n, classes]`.
final class SeNet extends Layer {

    private static final int[] PLANES = {64, 128, 256, 512};
    private static final int BLOCKS = 2;
    /// Channel counts stay multiples of the reduction in the squeeze layers.
    private static final int MULTIPLE = 16;

    private final ReLU relu = new ReLU();
    private final AdaptiveAvgPool2d pool = new AdaptiveAvgPool2d(1, 1);
    private final Flatten flatten = new Flatten();
    private final Conv2d conv1;
    private final BatchNorm2d bn1;
    private final List<Sequential> stages = new ArrayList<>();
    private final Layer linear;

    SeNet(ModelSpec spec) {
        int channels = spec.scaled(PLANES[0], MULTIPLE);
        conv1 = child("conv1", new Conv2d(3, channels, 3, 1, 1, false));
        bn1 = child("bn1", new BatchNorm2d(channels));
        for (int stage = 0; stage < PLANES.length; stage++) {
            List<Layer> blocks = new ArrayList<>();
            int out = spec.scaled(PLANES[stage], MULTIPLE);
            for (int i = 0; i < BLOCKS; i++) {
                blocks.add(new SeBlock(channels, out, i == 0 && stage > 0 ? 2 : 1));
                channels = out;
            }
            stages.add(child("layer" + (stage + 1), new Sequential(blocks)));
        }
        linear = child("linear", spec.head().layer(channels, spec.classes()));
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
