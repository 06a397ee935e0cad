package dev.normlab.engine.autograd;

import dev.normlab.engine.kernel.BinaryFunction;
import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.PadMode;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// 2-D convolution and its transpose.
public final class Convolution {

    private Convolution() {}

    /// 2-D convolution (cross-correlation, as in PyTorch).
    ///
    /// Shapes: input `[n, c, h, w]`, weight `[o, c/groups, kh, kw]`, bias `[o]` or absent; output `[n, o, oh, ow]` with
    /// `oh = (h + padTop + padBottom - dilation*(kh - 1) - 1) / stride + 1`, rounded down. Keeps `input` and `weight` for the backward
    /// pass. Circular, reflected and replicated borders are padded first; then the convolution has no padding of its own.
    ///
    /// @throws ShapeException if the input is not 4-D, channels do not match the weight and groups, or the kernel does not fit
    public static Tensor conv2d(Tape tape, Tensor input, Tensor weight, @Nullable Tensor bias, Conv2dGeometry geometry) {
        if (geometry.mode() != PadMode.ZERO && geometry.isPadded()) {
            Tensor padded = Arrangement.pad(tape, input, geometry.padTop(), geometry.padBottom(), geometry.padLeft(), geometry.padRight(),
                    geometry.mode());
            return conv2d(tape, padded, weight, bias, geometry.unpadded());
        }
        Conv2dSizes s = sizes(input.shape(), weight.shape(), geometry);
        requireBias("conv2d", bias, s.o());
        Tensor y = tape.run(Opcode.CONV2D, s, TensorSpec.floats(s.outputShape()), input, weight, bias);
        return tape.onBackward(y, Arrays.asList(input, weight, bias), (dOut, sink) -> {
            sink.add(input, () -> tape.run(Opcode.CONV2D_BACKWARD_INPUT, s, input.spec(), dOut, weight));
            sink.add(weight, () -> tape.run(Opcode.CONV2D_BACKWARD_WEIGHT, s, weight.spec(), input, dOut));
            sink.add(bias, () -> tape.run(Opcode.CHANNEL_SUM, null, TensorSpec.floats(s.o()), dOut));
        });
    }

    /// Transposed 2-D convolution: the adjoint of [#conv2d] in its input, as a forward operation.
    ///
    /// Shapes: input `[n, c, h, w]`, weight `[c, o/groups, kh, kw]`, bias `[o]` or absent; output `[n, o, oh, ow]` with
    /// `oh = (h - 1)*stride - padTop - padBottom + dilation*(kh - 1) + outputPaddingH + 1`. Zero padding only.
    ///
    /// @throws ShapeException if shapes do not match, the output would be empty, or an output padding is not below stride or dilation
    public static Tensor convTranspose2d(Tape tape, Tensor input, Tensor weight, @Nullable Tensor bias, Conv2dGeometry geometry,
            int outputPaddingH, int outputPaddingW) {
        Conv2dSizes s = transposedSizes(input.shape(), weight.shape(), geometry, outputPaddingH, outputPaddingW);
        requireBias("convTranspose2d", bias, s.c());
        Tensor y = tape.run(Opcode.CONV2D_BACKWARD_INPUT, s, TensorSpec.floats(s.inputShape()), input, weight);
        if (bias != null) {
            Shape perChannel = Shape.of(1, s.c(), 1, 1);
            Tensor stretched = tape.run(Opcode.RESHAPE, null, TensorSpec.floats(perChannel), bias);
            y = tape.run(Opcode.BINARY, new BroadcastSizes(BinaryFunction.ADD, y.shape(), perChannel, y.shape()), y.spec(), y, stretched);
        }
        return tape.onBackward(y, Arrays.asList(input, weight, bias), (dOut, sink) -> {
            sink.add(input, () -> tape.run(Opcode.CONV2D, s, input.spec(), dOut, weight, null));
            sink.add(weight, () -> tape.run(Opcode.CONV2D_BACKWARD_WEIGHT, s, weight.spec(), dOut, input));
            sink.add(bias, () -> tape.run(Opcode.CHANNEL_SUM, null, TensorSpec.floats(s.c()), dOut));
        });
    }

    /// The sizes of a zero-padded convolution of these shapes.
    ///
    /// @throws ShapeException if they do not fit together
    public static Conv2dSizes sizes(Shape input, Shape weight, Conv2dGeometry g) {
        if (input.rank() != 4 || weight.rank() != 4) {
            throw new ShapeException("conv2d: expected input [n, c, h, w] and weight [o, c/groups, kh, kw], but got input " + input
                    + " and weight " + weight);
        }
        int c = input.size(1);
        int o = weight.size(0);
        if (c != weight.size(1) * g.groups() || o % g.groups() != 0) {
            throw new ShapeException(channelMismatch(input, weight, g));
        }
        int oh = g.outputRows(input.size(2), weight.size(2));
        int ow = g.outputColumns(input.size(3), weight.size(3));
        if (oh < 1 || ow < 1) {
            throw new ShapeException(
                    "conv2d: the kernel does not fit: input " + input + " with padding top " + g.padTop() + ", bottom " + g.padBottom()
                            + ", left " + g.padLeft() + ", right " + g.padRight() + " is smaller than weight " + weight + " with dilation ["
                            + g.dilationH() + ", "
                            + g.dilationW() + "]");
        }
        return new Conv2dSizes(input.size(0), c, input.size(2), input.size(3), o, weight.size(2), weight.size(3), g.strideH(), g.strideW(),
                g.padTop(), g.padBottom(), g.padLeft(), g.padRight(), g.dilationH(), g.dilationW(), g.groups(), oh, ow);
    }

    private static String channelMismatch(Shape input, Shape weight, Conv2dGeometry g) {
        int c = weight.size(1) * g.groups();
        String expected = "conv2d: expected input [n, c=" + c + ", h, w] to match weight [o=" + weight.size(0) + ", c"
                + (g.groups() > 1 ? "/" + g.groups() : "") + "=" + weight.size(1) + ", kh=" + weight.size(2) + ", kw=" + weight.size(3)
                + "]";
        if (weight.size(0) % g.groups() != 0) {
            return expected + ", and o to be a multiple of the " + g.groups() + " groups";
        }
        String hint = input.size(3) == c ? ". Images are channels first here: permute [n, h, w, c] to [n, c, h, w]." : "";
        return expected + ", but got input " + input + " (dimension 1 is " + input.size(1) + ", not " + c + ")" + hint;
    }

    /// The sizes of the convolution whose input adjoint is a transposed convolution of these shapes: its output is our input
    /// `[n, c, h, w]`.
    ///
    /// @throws ShapeException if they do not fit together
    public static Conv2dSizes transposedSizes(Shape input, Shape weight, Conv2dGeometry g, int outputPaddingH, int outputPaddingW) {
        if (input.rank() != 4 || weight.rank() != 4 || input.size(1) != weight.size(0) || input.size(1) % g.groups() != 0) {
            throw new ShapeException(
                    "convTranspose2d: expected input [n, c, h, w] and weight [c, o/groups, kh, kw] with c a multiple of " + g.groups()
                            + " groups, but got input " + input + " and weight " + weight);
        }
        if (g.mode() != PadMode.ZERO) {
            throw new ShapeException("convTranspose2d: only zero padding has a transpose here, but got " + g.mode());
        }
        if (outputPaddingH < 0 || outputPaddingW < 0 || outputPaddingH >= Math.max(g.strideH(), g.dilationH())
                || outputPaddingW >= Math.max(g.strideW(), g.dilationW())) {
            throw new ShapeException(
                    "convTranspose2d: output padding is at least 0 and smaller than stride or dilation, but got [" + outputPaddingH + ", "
                            + outputPaddingW + "] with stride [" + g.strideH() + ", " + g.strideW() + "], dilation [" + g.dilationH() + ", "
                            + g.dilationW() + "]");
        }
        int kh = weight.size(2);
        int kw = weight.size(3);
        int h = (input.size(2) - 1) * g.strideH() - g.padTop() - g.padBottom() + g.dilationH() * (kh - 1) + outputPaddingH + 1;
        int w = (input.size(3) - 1) * g.strideW() - g.padLeft() - g.padRight() + g.dilationW() * (kw - 1) + outputPaddingW + 1;
        if (h < 1 || w < 1) {
            throw new ShapeException(
                    "convTranspose2d: the output would be [" + h + ", " + w + "] for input " + input + "; use less padding");
        }
        return new Conv2dSizes(input.size(0), weight.size(1) * g.groups(), h, w, input.size(1), kh, kw, g.strideH(), g.strideW(),
                g.padTop(), g.padBottom(), g.padLeft(), g.padRight(), g.dilationH(), g.dilationW(), g.groups(), input.size(2),
                input.size(3));
    }

    private static void requireBias(String operation, @Nullable Tensor bias, int o) {
        if (bias != null && !bias.shape().equals(Shape.of(o))) {
            throw new ShapeException(operation + ": expected bias [o=" + o + "], but got " + bias.shape());
        }
    }
}
