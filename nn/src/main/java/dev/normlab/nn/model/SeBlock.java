package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.AdaptiveAvgPool2d;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;
import dev.normlab.nn.layer.Sigmoid;

/// The block of SENet18: a residual block in which batch norm and ReLU come before the convolutions (He et al., "Identity mappings in deep
/// residual networks", 2016), with squeeze and excitation ([SqueezeExcitation]) before the sum.
///
///     a = relu(bn1(x));  y = conv2(relu(bn2(conv1(a))));  y = y * sigmoid(fc2(relu(fc1(mean(y)))));  y + shortcut
///
/// The shortcut is `x` itself, or where the size or the channels change a 1x1 convolution of `a` without batch norm. The squeeze layers
/// belong to the block, as `fc1` and `fc2`.
final class SeBlock extends Layer {

    private static final int REDUCTION = 16;

    private final ReLU relu = new ReLU();
    private final Sigmoid sigmoid = new Sigmoid();
    private final AdaptiveAvgPool2d pool = new AdaptiveAvgPool2d(1, 1);
    private final BatchNorm2d bn1;
    private final Conv2d conv1;
    private final BatchNorm2d bn2;
    private final Conv2d conv2;
    private final boolean convolvedShortcut;
    private final Sequential shortcut;
    private final Conv2d fc1;
    private final Conv2d fc2;

    SeBlock(int in, int out, int stride) {
        bn1 = child("bn1", new BatchNorm2d(in));
        conv1 = child("conv1", new Conv2d(in, out, 3, stride, 1, false));
        bn2 = child("bn2", new BatchNorm2d(out));
        conv2 = child("conv2", new Conv2d(out, out, 3, 1, 1, false));
        convolvedShortcut = stride != 1 || in != out;
        shortcut = child("shortcut", convolvedShortcut ? new Sequential(new Conv2d(in, out, 1, stride, 0, false)) : new Sequential());
        fc1 = child("fc1", new Conv2d(out, out / REDUCTION, 1, 1, 0, true));
        fc2 = child("fc2", new Conv2d(out / REDUCTION, out, 1, 1, 0, true));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor a = relu.forward(tape, bn1.forward(tape, x));
        Tensor around = shortcut.forward(tape, convolvedShortcut ? a : x);
        Tensor y = conv1.forward(tape, a);
        y = conv2.forward(tape, relu.forward(tape, bn2.forward(tape, y)));
        Tensor weight = relu.forward(tape, fc1.forward(tape, pool.forward(tape, y)));
        y = Arithmetic.multiply(tape, y, sigmoid.forward(tape, fc2.forward(tape, weight)));
        return Arithmetic.add(tape, y, around);
    }
}
