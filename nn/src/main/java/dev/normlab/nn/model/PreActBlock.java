package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Sequential;
import java.util.List;

/// A residual block in which batch norm and ReLU come before each convolution (He et al., "Identity mappings in deep residual networks",
/// 2016):
///
///     a = relu(bn1(x));  y = .. conv2(relu(bn2(conv1(a)))) ..;  y + shortcut
///
/// The shortcut is `x` itself, or where the size or the channels change a 1x1 convolution of `a` without batch norm.
final class PreActBlock extends ReferenceBlock {

    private final NormConv first;
    private final List<NormConv> others;
    private final boolean convolvedShortcut;
    private final Sequential shortcut;

    private PreActBlock(int in, int planes, int out, int stride, boolean bottleneck) {
        if (bottleneck) {
            first = normConv(1, conv(in, planes, 1, 1));
            others = List.of(normConv(2, conv(planes, planes, 3, stride)), normConv(3, conv(planes, out, 1, 1)));
        } else {
            first = normConv(1, conv(in, planes, 3, stride));
            others = List.of(normConv(2, conv(planes, out, 3, 1)));
        }
        convolvedShortcut = stride != 1 || in != out;
        shortcut = child("shortcut", convolvedShortcut ? new Sequential(conv(in, out, 1, stride)) : new Sequential());
    }

    /// Two 3x3 convolutions, the first of which has the stride.
    static PreActBlock basic(int in, int out, int stride) {
        return new PreActBlock(in, out, out, stride, false);
    }

    /// A 1x1 convolution to `planes` channels, a 3x3 convolution with the stride, a 1x1 convolution to
    /// [BottleneckBlock#EXPANSION] times the planes.
    static PreActBlock bottleneck(int in, int planes, int stride) {
        return new PreActBlock(in, planes, BottleneckBlock.EXPANSION * planes, stride, true);
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor active = first.activated(tape, x);
        Tensor around = shortcut.forward(tape, convolvedShortcut ? active : x);
        Tensor y = first.conv().forward(tape, active);
        for (NormConv part : others) {
            y = part.apply(tape, y);
        }
        return Arithmetic.add(tape, y, around);
    }
}
