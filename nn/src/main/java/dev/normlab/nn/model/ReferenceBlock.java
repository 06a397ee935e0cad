package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Activations;
import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Pooling;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.BatchNorm2d;
import dev.normlab.nn.layer.Conv2d;
import dev.normlab.nn.layer.Layer;

/// A network of the reference or a block of one: its convolutions and batch norms are numbered `conv1`, `bn1`, `conv2`, `bn2`, ..
abstract class ReferenceBlock extends Layer {

    /// A convolution and the batch norm behind it.
    record ConvNorm(Conv2d conv, BatchNorm2d norm) {

        Tensor apply(Tape tape, Tensor x) {
            return norm.forward(tape, conv.forward(tape, x));
        }

        /// With ReLU behind the batch norm.
        Tensor relu(Tape tape, Tensor x) {
            return Activations.relu(tape, apply(tape, x));
        }

        /// With SiLU behind the batch norm.
        Tensor silu(Tape tape, Tensor x) {
            return Activations.silu(tape, apply(tape, x));
        }
    }

    /// A batch norm and, behind it, ReLU and a convolution.
    record NormConv(BatchNorm2d norm, Conv2d conv) {

        Tensor apply(Tape tape, Tensor x) {
            return conv.forward(tape, activated(tape, x));
        }

        /// The convolution's input.
        Tensor activated(Tape tape, Tensor x) {
            return Activations.relu(tape, norm.forward(tape, x));
        }
    }

    /// Registers a convolution as `conv<number>` and its batch norm as `bn<number>`.
    final ConvNorm convNorm(int number, Conv2d conv) {
        return new ConvNorm(child("conv" + number, conv), child("bn" + number, new BatchNorm2d(conv.outChannels())));
    }

    /// Registers a batch norm as `bn<number>` and the convolution behind it as `conv<number>`.
    final NormConv normConv(int number, Conv2d conv) {
        return new NormConv(child("bn" + number, new BatchNorm2d(conv.inChannels())), child("conv" + number, conv));
    }

    /// A convolution without bias whose padding keeps the size of the image, but for the stride.
    static Conv2d conv(int in, int out, int kernel, int stride) {
        return grouped(in, out, kernel, stride, 1);
    }

    /// As [#conv], in groups.
    static Conv2d grouped(int in, int out, int kernel, int stride, int groups) {
        return new Conv2d(in, out, kernel, kernel, Conv2dGeometry.of(stride, kernel / 2, groups), false);
    }

    /// The average over each channel's image, `[n, c, h, w]` to `[n, c]`. The reference averages over windows of a fixed size, which cover
    /// the whole image if the network's input has 32x32 pixels; this works for other sizes, too.
    static Tensor features(Tape tape, Tensor x) {
        return Arrangement.flatten(tape, Pooling.adaptiveAveragePool2d(tape, x, 1, 1));
    }
}
