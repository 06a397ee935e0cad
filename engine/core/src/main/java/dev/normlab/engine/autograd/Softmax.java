package dev.normlab.engine.autograd;

import dev.normlab.engine.program.Attributes;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Tensor;
import java.util.List;

/// Softmax and its logarithm along an axis, with the maximum subtracted first.
public final class Softmax {

    private Softmax() {}

    /// `e^x / Σ e^x` along the axis. Keeps the output.
    public static Tensor softmax(Tape tape, Tensor x, int axis) {
        return run(tape, x, new Attributes.Softmax(Reductions.axis(x.shape(), axis), false));
    }

    /// `x - ln Σ e^x` along the axis. Keeps the output.
    public static Tensor logSoftmax(Tape tape, Tensor x, int axis) {
        return run(tape, x, new Attributes.Softmax(Reductions.axis(x.shape(), axis), true));
    }

    private static Tensor run(Tape tape, Tensor x, Attributes.Softmax softmax) {
        Tensor y = tape.run(Opcode.SOFTMAX, softmax, x.spec(), x);
        return tape.onBackward(y, List.of(x),
                (dOut, sink) -> sink.add(x, () -> tape.run(Opcode.SOFTMAX_BACKWARD, softmax, x.spec(), y, dOut)));
    }
}
