package dev.normlab.attacks;

import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.tensor.Tensor;
import java.util.List;

/// The losses of a batch and their gradient to the images, in a recorded program: one forward and one backward pass.
///
/// The gradient is that of the sum over the batch, so that an image's gradient does not depend on the others. With several draws
/// (expectation over transformation, Athalye et al. 2018, arXiv:1707.07397) losses, logits and gradients are means over as many passes;
/// that is for models with random numbers of their own.
///
/// @param losses   `[n]`
/// @param logits   `[n, k]`
/// @param gradient `[n, c, h, w]`
record LossPass(Tensor losses, Tensor logits, Tensor gradient) {

    /// Records the passes.
    ///
    /// @param images `[n, c, h, w]`, of the program or a resident
    /// @param draws  passes whose mean is taken, at least 1
    static LossPass record(Recorder recorder, Victim victim, AttackLoss loss, AttackLoss.Goal goal, Tensor images, int draws) {
        LossPass total = once(recorder, victim, loss, goal, images);
        if (draws == 1) {
            return total;
        }
        for (int draw = 1; draw < draws; draw++) {
            total = plus(recorder, total, once(recorder, victim, loss, goal, images));
        }
        try (Tape tape = new Tape(recorder, List.of())) {
            Tensor count = Tensor.scalar(draws);
            return new LossPass(Arithmetic.divide(tape, total.losses, count), Arithmetic.divide(tape, total.logits, count),
                    Arithmetic.divide(tape, total.gradient, count));
        }
    }

    private static LossPass once(Recorder recorder, Victim victim, AttackLoss loss, AttackLoss.Goal goal, Tensor images) {
        try (Tape tape = new Tape(recorder, List.of(images))) {
            Tensor logits = victim.model().forward(tape, images);
            Victim.requireClasses(logits.shape());
            Tensor losses = loss.of(tape, logits, goal);
            return new LossPass(losses, logits, tape.backward(Reductions.sum(tape, losses, false)).of(images));
        }
    }

    private static LossPass plus(Recorder recorder, LossPass a, LossPass b) {
        try (Tape tape = new Tape(recorder, List.of())) {
            return new LossPass(Arithmetic.add(tape, a.losses, b.losses), Arithmetic.add(tape, a.logits, b.logits),
                    Arithmetic.add(tape, a.gradient, b.gradient));
        }
    }
}
