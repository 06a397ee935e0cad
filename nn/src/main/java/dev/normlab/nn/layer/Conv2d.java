package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.init.Initialization;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// 2-D convolution (cross-correlation, as in PyTorch) with any stride, padding, padding mode, dilation and groups.
///
/// Shapes: input `[n, c, h, w]`, weight `[o, c/groups, kh, kw]`, bias `[o]` or absent; output `[n, o, oh, ow]` with `oh = (h + padTop +
/// padBottom - dilation*(kh - 1) - 1) / stride + 1`, rounded down. Remembers the size of its input, on which its norms depend.
public final class Conv2d extends Layer {

    private final int inChannels;
    private final int outChannels;
    private final Conv2dGeometry geometry;
    private final Parameter weight;
    private final @Nullable Parameter bias;
    private @Nullable ImageSize inputSize;

    /// A square kernel with the same stride and zero padding on both axes.
    public Conv2d(int inChannels, int outChannels, int kernel, int stride, int padding, boolean bias) {
        this(inChannels, outChannels, kernel, kernel, Conv2dGeometry.of(stride, padding), bias);
    }

    /// A convolution of any geometry.
    ///
    /// @throws IllegalArgumentException if a size is below 1 or a channel count is no multiple of the groups
    public Conv2d(int inChannels, int outChannels, int kh, int kw, Conv2dGeometry geometry, boolean bias) {
        int groups = geometry.groups();
        if (inChannels < 1 || outChannels < 1 || kh < 1 || kw < 1 || inChannels % groups != 0 || outChannels % groups != 0) {
            throw new IllegalArgumentException(
                    "Conv2d: expected channels and kernel of at least 1 and channels that are multiples of groups=" + groups
                            + ", but got " + inChannels + " input and " + outChannels + " output channels, kernel " + kh + "x" + kw);
        }
        this.inChannels = inChannels;
        this.outChannels = outChannels;
        this.geometry = geometry;
        Initialization initialization = Initialization.byFanIn(inChannels / groups * kh * kw);
        this.weight = parameter("weight", initialization, outChannels, inChannels / groups, kh, kw);
        this.bias = bias ? parameter("bias", initialization, outChannels) : null;
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = Convolution.conv2d(tape, x, weight.tensor(), bias == null ? null : bias.tensor(), geometry);
        inputSize = new ImageSize(x.shape().size(2), x.shape().size(3));
        return y;
    }

    /// Channels of the input.
    public int inChannels() {
        return inChannels;
    }

    /// Channels of the output.
    public int outChannels() {
        return outChannels;
    }

    /// Strides, padding, dilation, groups and padding mode.
    public Conv2dGeometry geometry() {
        return geometry;
    }

    /// The sizes of the convolution that an input of this shape meets: after padding with anything but zeros, which comes first.
    ///
    /// @throws dev.normlab.engine.tensor.ShapeException if such an input does not fit
    public Conv2dSizes sizes(Shape input) {
        if (geometry.mode() == PadMode.ZERO) {
            return Convolution.sizes(input, weight.shape(), geometry);
        }
        Shape padded = input.with(2, input.size(2) + geometry.padTop() + geometry.padBottom())
                .with(3, input.size(3) + geometry.padLeft() + geometry.padRight());
        return Convolution.sizes(padded, weight.shape(), geometry.unpadded());
    }

    /// The kernel `[o, c/groups, kh, kw]`.
    public Parameter weight() {
        return weight;
    }

    /// The bias `[o]`, if there is one.
    public Optional<Parameter> bias() {
        return Optional.ofNullable(bias);
    }

    /// The size of the input in the latest forward pass (eager, recorded, or replayed by a training step), or the one that was given; empty
    /// before.
    public Optional<ImageSize> inputSize() {
        return Optional.ofNullable(inputSize);
    }

    /// Says what size the input will have, for norms without a forward pass.
    public void inputSize(ImageSize size) {
        this.inputSize = size;
    }
}
