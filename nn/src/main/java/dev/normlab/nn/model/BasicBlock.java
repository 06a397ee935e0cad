package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.ReLU;
import dev.normlab.nn.layer.Sequential;

/// The residual block of ResNet18 and 34 (He et al., "Deep residual learning", 2016):
/// `relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x))` with two 3x3 convolutions, the first of which has the stride.
public final class BasicBlock extends Layer {

    private final ReLU relu = new ReLU();
    private final Conv2d conv1;
    private final BatchNorm2d bn1;
    private final Conv2d conv2;
    private final BatchNorm2d bn2;
    private final Sequential shortcut;

    /// A block from `in` to `out` channels.
    public BasicBlock(int in, int out, int stride) {
        conv1 = child("conv1", new Conv2d(in, out, 3, stride, 1, false));
        bn1 = child("bn1", new BatchNorm2d(out));
        conv2 = child("conv2", new Conv2d(out, out, 3, 1, 1, false));
        bn2 = child("bn2", new BatchNorm2d(out));
        shortcut = child("shortcut", Shortcut.of(in, out, stride));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = relu.forward(tape, bn1.forward(tape, conv1.forward(tape, x)));
        y = bn2.forward(tape, conv2.forward(tape, y));
        return relu.forward(tape, Arithmetic.add(tape, y, shortcut.forward(tape, x)));
    }
}
