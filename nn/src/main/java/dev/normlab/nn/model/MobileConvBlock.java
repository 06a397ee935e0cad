package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.DropConnect;
import dev.normlab.nn.layer.Identity;
import dev.normlab.nn.layer.ImageSize;
import dev.normlab.nn.layer.Layer;
import dev.normlab.nn.layer.SiLU;

/// The block of [EfficientNet]: a 1x1 convolution to more channels, a depthwise convolution with the stride, squeeze and excitation with a
/// quarter of the block's input channels, a 1x1 convolution to fewer channels, and the input where shapes agree.
///
/// A block that expands by 1 has the first convolution and its batch norm as the reference has, but uses neither: they have no gradients.
/// Their norms are those that they would have on the block's input.
final class MobileConvBlock extends ReferenceBlock {

    private static final int SQUEEZE = 4;

    private final boolean expands;
    private final boolean residual;
    private final ConvNorm expand;
    private final ConvNorm depthwise;
    private final SqueezeExcitation excitation;
    private final ConvNorm reduce;
    private final Layer dropConnect;

    /// @param skipped how probably training leaves the block out for an image
    MobileConvBlock(int in, int out, int expansion, int kernel, int stride, float skipped) {
        int planes = expansion * in;
        expands = expansion != 1;
        residual = stride == 1 && in == out;
        expand = convNorm(1, conv(in, planes, 1, 1));
        depthwise = convNorm(2, grouped(planes, planes, kernel, stride, planes));
        excitation = child("se", new SqueezeExcitation(planes, Math.max(1, in / SQUEEZE), new SiLU()));
        reduce = convNorm(3, conv(planes, out, 1, 1));
        dropConnect = skipped == 0 ? new Identity() : child("drop_connect", new DropConnect(skipped));
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = x;
        if (expands) {
            y = expand.silu(tape, x);
        } else {
            expand.conv().inputSize(new ImageSize(x.shape().size(2), x.shape().size(3)));
        }
        y = reduce.apply(tape, excitation.forward(tape, depthwise.silu(tape, y)));
        return residual ? Arithmetic.add(tape, dropConnect.forward(tape, y), x) : y;
    }
}
