package dev.normlab.engine.autograd;

import dev.normlab.engine.kernel.RandomFill;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.List;

/// Random zeros in training. The randomness comes from a counter tensor, int `[4]` = `{seed low, seed high, stream, position}`: the same
/// counter gives the same mask, and a replayed program draws new ones when the counter is changed between replays.
public final class Dropout {

    private Dropout() {}

    /// Sets each element to zero with probability `p` and divides the others by `1 - p` (Srivastava et al. 2014, inverted). Keeps the mask.
    ///
    /// @throws IllegalArgumentException unless `0 <= p < 1`
    public static Tensor dropout(Tape tape, Tensor x, float p, Tensor counter) {
        return p == 0 ? x : Arithmetic.multiply(tape, x, mask(tape, x.shape(), p, counter));
    }

    /// Sets each example `x[i]` to zero as a whole with probability `p` and divides the others by `1 - p` (stochastic depth, Huang et al.
    /// 2016).
    ///
    /// @param x `[n, c, h, w]`
    /// @throws IllegalArgumentException unless `0 <= p < 1`
    public static Tensor dropConnect(Tape tape, Tensor x, float p, Tensor counter) {
        if (x.shape().rank() != 4) {
            throw new ShapeException("dropConnect: expected images [n, c, h, w], but got " + x.shape());
        }
        if (p == 0) {
            return x;
        }
        Tensor perImage = mask(tape, Shape.of(x.shape().size(0), 1, 1, 1), p, counter);
        Shape perChannel = Shape.of(x.shape().size(0), x.shape().size(1), 1, 1);
        return Arithmetic.multiply(tape, x, tape.run(Opcode.BROADCAST, perChannel, TensorSpec.floats(perChannel), perImage));
    }

    private static Tensor mask(Tape tape, Shape shape, float p, Tensor counter) {
        if (!(p >= 0 && p < 1)) {
            throw new IllegalArgumentException("dropout: the probability lies in [0, 1), but got " + p);
        }
        return random(tape, new RandomFill(RandomFill.Kind.KEEP, 1 - p), shape, counter);
    }

    /// A tensor of random numbers.
    ///
    /// @param counter int `[4]`
    /// @throws ShapeException if the counter is not int `[4]`
    public static Tensor random(Tape tape, RandomFill fill, Shape shape, Tensor counter) {
        if (counter.dtype() != DType.INT32 || !counter.shape().equals(Shape.of(4))) {
            throw new ShapeException("random: expected an int counter [4], but got " + counter);
        }
        return tape.run(Opcode.RANDOM, fill, List.of(TensorSpec.floats(shape)), counter).getFirst();
    }
}
