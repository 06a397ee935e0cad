package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;

/// The residual block of ResNet50, 101 and 152 (He et al. 2016): a 1x1 convolution to `planes` channels, a 3x3 convolution with the stride,
/// a 1x1 convolution to `4 * planes` channels, each with batch norm, and the shortcut.
public final class BottleneckBlock extends Layer {

    /// Output channels for each of the block's planes.
    public static final int EXPANSION = 4;

    private final ReLU relu = new ReLU();
    private final Conv2d conv1;
    private final BatchNorm2d bn1;
    private final Conv2d conv2;
    private final BatchNorm2d bn2;
    private final Conv2d conv3;
    private final BatchNorm2d bn3;
    private final Sequential shortcut;

    /// A block from `in` to `4 * planes` channels.
    public BottleneckBlock(int in, int planes, int stride) {
        this(in, planes, EXPANSION * planes, stride, 1);
    }

    /// A block whose 3x3 convolution from `planes` to `planes` channels has groups, as in ResNeXt.
    BottleneckBlock(int in, int planes, int out, int stride, int groups) {
        conv1 = child("conv1", new Conv2d(in, planes, 1, 1, 0, false));
        bn1 = child("bn1", new BatchNorm2d(planes));
        conv2 = child("conv2", new Conv2d(planes, planes, 3, 3, Conv2dGeometry.of(stride, 1, groups), false));
        bn2 = child("bn2", new BatchNorm2d(planes));
        conv3 = child("conv3", new Conv2d(planes, out, 1, 1, 0, false));
        bn3 = child("bn3", new BatchNorm2d(out));
        shortcut = child("shortcut", Shortcut.of(in, out, stride));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = relu.forward(tape, bn1.forward(tape, conv1.forward(tape, x)));
        y = relu.forward(tape, bn2.forward(tape, conv2.forward(tape, y)));
        y = bn3.forward(tape, conv3.forward(tape, y));
        return relu.forward(tape, Arithmetic.add(tape, y, shortcut.forward(tape, x)));
    }
}
