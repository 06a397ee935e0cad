package dev.normlab.nn.layer;

import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.init.Initialization;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Transposed 2-D convolution: the map whose matrix is the transpose of a convolution's, as in PyTorch.
///
/// Shapes: input `[n, c, h, w]`, weight `[c, o/groups, kh, kw]`, bias `[o]` or absent; output `[n, o, oh, ow]` with
/// `oh = (h - 1)*stride - padTop - padBottom + dilation*(kh - 1) + outputPadding + 1`. Remembers the size of its input.
public final class ConvTranspose2d extends Layer {

    private final Conv2dGeometry geometry;
    private final int outputPaddingH;
    private final int outputPaddingW;
    private final Parameter weight;
    private final @Nullable Parameter bias;
    private @Nullable ImageSize inputSize;

    /// A square kernel with the same stride and padding on both axes and no output padding.
    public ConvTranspose2d(int inChannels, int outChannels, int kernel, int stride, int padding, boolean bias) {
        this(inChannels, outChannels, kernel, kernel, Conv2dGeometry.of(stride, padding), 0, 0, bias);
    }

    /// A transposed convolution of any geometry with zero padding.
    ///
    /// @param outputPaddingH rows that are added to the output at the bottom
    /// @param outputPaddingW columns that are added to the output at the right
    /// @throws IllegalArgumentException if a size is below 1 or a channel count is no multiple of the groups
    public ConvTranspose2d(int inChannels, int outChannels, int kh, int kw, Conv2dGeometry geometry, int outputPaddingH, int outputPaddingW,
            boolean bias) {
        int groups = geometry.groups();
        if (inChannels < 1 || outChannels < 1 || kh < 1 || kw < 1 || inChannels % groups != 0 || outChannels % groups != 0) {
            throw new IllegalArgumentException(
                    "ConvTranspose2d: expected channels and kernel of at least 1 and channels that are multiples of groups="
                            + groups + ", but got " + inChannels + " input and " + outChannels + " output channels, kernel " + kh + "x"
                            + kw);
        }
        this.geometry = geometry;
        this.outputPaddingH = outputPaddingH;
        this.outputPaddingW = outputPaddingW;
        Initialization initialization = Initialization.byFanIn(outChannels / groups * kh * kw);
        this.weight = parameter("weight", initialization, inChannels, outChannels / groups, kh, kw);
        this.bias = bias ? parameter("bias", initialization, outChannels) : null;
    }

    @Override
    protected Tensor compute(Tape tape, Tensor x) {
        Tensor y = Convolution.convTranspose2d(tape, x, weight.tensor(), bias == null ? null : bias.tensor(), geometry, outputPaddingH,
                outputPaddingW);
        inputSize = new ImageSize(x.shape().size(2), x.shape().size(3));
        return y;
    }

    /// Strides, padding, dilation and groups of the convolution whose transpose this is.
    public Conv2dGeometry geometry() {
        return geometry;
    }

    /// Rows added to the output at the bottom.
    public int outputPaddingH() {
        return outputPaddingH;
    }

    /// Columns added to the output at the right.
    public int outputPaddingW() {
        return outputPaddingW;
    }

    /// The kernel `[c, o/groups, kh, kw]`.
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
