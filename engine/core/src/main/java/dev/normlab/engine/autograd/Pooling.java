package dev.normlab.engine.autograd;

import dev.normlab.engine.kernel.AdaptivePoolSizes;
import dev.normlab.engine.kernel.Pool2dSizes;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.List;

/// Pooling of images `[n, c, h, w]`.
public final class Pooling {

    private Pooling() {}

    /// The largest value of every window; the gradient goes to the first maximum in row-major order. Keeps the positions of the maxima.
    ///
    /// @throws ShapeException if the input is not 4-D, no window fits, or an image has more than [Pool2dSizes#MAX_POSITIONS] pixels
    public static Tensor maxPool2d(Tape tape, Tensor x, Pool2dGeometry geometry) {
        Pool2dSizes s = geometry.sizes(x.shape());
        if ((long) s.h() * s.w() > Pool2dSizes.MAX_POSITIONS) {
            throw new ShapeException("maxPool2d: expected images [n, c, h, w] of at most " + Pool2dSizes.MAX_POSITIONS + " pixels h * w, but got "
                    + x.shape() + ". Cut or scale them first.");
        }
        TensorSpec out = TensorSpec.floats(s.outputShape());
        List<Tensor> outputs = tape.run(Opcode.MAX_POOL, s, List.of(out, out), x);
        Tensor positions = outputs.get(1);
        return tape.onBackward(outputs.get(0), List.of(x),
                (dOut, sink) -> sink.add(x, () -> tape.run(Opcode.MAX_POOL_BACKWARD, s, x.spec(), dOut, positions)));
    }

    /// The average of every window. Keeps nothing.
    ///
    /// @throws ShapeException if the input is not 4-D, no window fits, or the windows are dilated
    public static Tensor averagePool2d(Tape tape, Tensor x, Pool2dGeometry geometry) {
        if (geometry.dilationH() != 1 || geometry.dilationW() != 1) {
            throw new ShapeException("averagePool2d: windows of averages are not dilated, but got dilation [" + geometry.dilationH() + ", "
                    + geometry.dilationW() + "]");
        }
        Pool2dSizes s = geometry.sizes(x.shape());
        Tensor y = tape.run(Opcode.AVERAGE_POOL, s, TensorSpec.floats(s.outputShape()), x);
        return tape.onBackward(y, List.of(x), (dOut, sink) -> sink.add(x, () -> tape.run(Opcode.AVERAGE_POOL_BACKWARD, s, x.spec(), dOut)));
    }

    /// Averages over an even partition into `oh` x `ow` windows, which overlap where the sizes do not divide. Keeps nothing.
    ///
    /// @throws ShapeException if the input is not 4-D or an output size is below 1
    public static Tensor adaptiveAveragePool2d(Tape tape, Tensor x, int oh, int ow) {
        if (x.shape().rank() != 4 || oh < 1 || ow < 1) {
            throw new ShapeException(
                    "adaptiveAveragePool2d: expected input [n, c, h, w] and a positive output size, but got " + x.shape() + " and [" + oh
                            + ", " + ow + "]");
        }
        AdaptivePoolSizes s = new AdaptivePoolSizes(x.shape().size(0), x.shape().size(1), x.shape().size(2), x.shape().size(3), oh, ow);
        Tensor y = tape.run(Opcode.ADAPTIVE_AVERAGE_POOL, s, TensorSpec.floats(s.n(), s.c(), oh, ow), x);
        return tape.onBackward(y, List.of(x),
                (dOut, sink) -> sink.add(x, () -> tape.run(Opcode.ADAPTIVE_AVERAGE_POOL_BACKWARD, s, x.spec(), dOut)));
    }
}
