package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Dropout;
import dev.normlab.nn.layer.Identity;
import dev.normlab.nn.layer.Layer;
import org.jspecify.annotations.Nullable;

/// The block of [WideResNet]: `conv2(dropout(relu(bn2(conv1(a))))) + shortcut` with `a = relu(bn1(x))`. The shortcut is `x` itself, or
/// where the size or the channels change a 1x1 convolution of `a` without batch norm, named `convShortcut`.
final class WideBlock extends ReferenceBlock {

    private final NormConv first;
    private final NormConv second;
    private final Layer dropout;
    private final @Nullable Conv2d shortcut;

    WideBlock(int in, int out, int stride, float dropRate) {
        first = normConv(1, conv(in, out, 3, stride));
        second = normConv(2, conv(out, out, 3, 1));
        shortcut = stride == 1 && in == out ? null : child("convShortcut", conv(in, out, 1, stride));
        dropout = dropRate == 0 ? new Identity() : child("dropout", new Dropout(dropRate));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor active = first.activated(tape, x);
        Tensor y = second.activated(tape, first.conv().forward(tape, active));
        y = second.conv().forward(tape, dropout.forward(tape, y));
        return Arithmetic.add(tape, shortcut == null ? x : shortcut.forward(tape, active), y);
    }
}
