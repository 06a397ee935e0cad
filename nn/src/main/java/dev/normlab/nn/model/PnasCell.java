package dev.normlab.nn.model;

import dev.normlab.engine.autograd.Activations;
import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Arrangement;
import dev.normlab.engine.autograd.Pool2dGeometry;
import dev.normlab.engine.autograd.Pooling;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.nn.layer.Layer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The cells of [PnasNet]: sums of depthwise convolutions and max pooling.
abstract sealed class PnasCell extends ReferenceBlock {

    /// Which cell.
    enum Kind {
        /// `relu(sep7(x) + pool(x))`.
        A,
        /// `relu(bn2(conv2(concatenate(relu(sep7(x) + sep3(x)), relu(pool(x) + sep5(x))))))`.
        B
    }

    static PnasCell of(Kind kind, int in, int out, int stride) {
        return kind == Kind.A ? new CellA(in, out, stride) : new CellB(in, out, stride);
    }

    /// 3x3 max pooling, and where the cell halves the image a 1x1 convolution to the new number of channels.
    static Tensor pooled(Tape tape, Tensor x, @Nullable ConvNorm projection) {
        Tensor y = Pooling.maxPool2d(tape, x, Pool2dGeometry.of(3, projection == null ? 1 : 2, 1));
        return projection == null ? y : projection.apply(tape, y);
    }

    /// A depthwise convolution with batch norm.
    private static final class Separable extends ReferenceBlock {

        private final ConvNorm conv1;

        Separable(int in, int out, int kernel, int stride) {
            conv1 = convNorm(1, grouped(in, out, kernel, stride, in));
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            return conv1.apply(tape, x);
        }
    }

    private static final class CellA extends PnasCell {

        private final Layer seven;
        private final @Nullable ConvNorm projection;

        CellA(int in, int out, int stride) {
            seven = child("sep_conv1", new Separable(in, out, 7, stride));
            projection = stride == 1 ? null : convNorm(1, conv(in, out, 1, 1));
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            return Activations.relu(tape, Arithmetic.add(tape, seven.forward(tape, x), pooled(tape, x, projection)));
        }
    }

    private static final class CellB extends PnasCell {

        private final Layer seven;
        private final Layer three;
        private final Layer five;
        private final @Nullable ConvNorm projection;
        private final ConvNorm reduce;

        CellB(int in, int out, int stride) {
            seven = child("sep_conv1", new Separable(in, out, 7, stride));
            three = child("sep_conv2", new Separable(in, out, 3, stride));
            five = child("sep_conv3", new Separable(in, out, 5, stride));
            projection = stride == 1 ? null : convNorm(1, conv(in, out, 1, 1));
            reduce = convNorm(2, conv(2 * out, out, 1, 1));
        }

        @Override
        protected Tensor compute(Tape tape, Tensor x) {
            Tensor left = Activations.relu(tape, Arithmetic.add(tape, seven.forward(tape, x), three.forward(tape, x)));
            Tensor right = Activations.relu(tape, Arithmetic.add(tape, pooled(tape, x, projection), five.forward(tape, x)));
            return reduce.relu(tape, Arrangement.concatenate(tape, 1, List.of(left, right)));
        }
    }
}
