package dev.normlab.engine.autograd;

import dev.normlab.engine.kernel.CrossEntropySizes;
import dev.normlab.engine.kernel.Reduction;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.List;

/// Losses, with PyTorch's conventions.
public final class Losses {

    private Losses() {}

    /// How a KL divergence is reduced: PyTorch's `batchmean` divides the sum by the batch size alone.
    public enum KlReduction {
        /// The sum over everything.
        SUM,
        /// The sum divided by the size of the first dimension: the divergence in the mathematical sense.
        BATCH_MEAN
    }

    /// The mean cross entropy of logits `[n, k]` and int labels `[n]`; a scalar `[]`.
    public static Tensor crossEntropy(Tape tape, Tensor logits, Tensor labels) {
        return crossEntropy(tape, logits, labels, CrossEntropyOptions.of(Reduction.MEAN));
    }

    /// `-z_y + ln Σ e^z` of logits `[n, k]` and int labels `[n]`: a scalar `[]`, or `[n]` without reduction. Labels must lie in `0 .. k-1`
    /// or be the ignored index: data sets are checked when they are loaded. Keeps the logits.
    ///
    /// @throws ShapeException if shapes do not match
    public static Tensor crossEntropy(Tape tape, Tensor logits, Tensor labels, CrossEntropyOptions options) {
        CrossEntropySizes s = sizes("crossEntropy", logits, labels, options);
        Tensor weight = options.classWeight();
        Tensor loss = tape.run(Opcode.CROSS_ENTROPY, s, lossSpec(s), logits, labels, weight);
        return tape.onBackward(loss, List.of(logits), (dOut, sink) -> sink.add(logits,
                () -> tape.run(Opcode.CROSS_ENTROPY_BACKWARD, s, logits.spec(), logits, labels, weight, dOut)));
    }

    /// `-p_y` of log-probabilities `[n, k]` and int labels `[n]`.
    ///
    /// @throws ShapeException           if shapes do not match
    /// @throws IllegalArgumentException if label smoothing is asked for, which needs logits
    public static Tensor nll(Tape tape, Tensor logProbabilities, Tensor labels, CrossEntropyOptions options) {
        if (options.smoothing() != 0) {
            throw new IllegalArgumentException("nll: label smoothing needs logits; use crossEntropy");
        }
        CrossEntropySizes s = sizes("nll", logProbabilities, labels, options);
        Tensor weight = options.classWeight();
        Tensor loss = tape.run(Opcode.NLL, s, lossSpec(s), logProbabilities, labels, weight);
        return tape.onBackward(loss, List.of(logProbabilities), (dOut, sink) -> sink.add(logProbabilities,
                () -> tape.run(Opcode.NLL_BACKWARD, s, logProbabilities.spec(), labels, weight, dOut)));
    }

    /// The squared error `(a - b)²`.
    ///
    /// @throws ShapeException if the shapes differ
    public static Tensor mse(Tape tape, Tensor a, Tensor b, Reduction reduction) {
        if (!a.shape().equals(b.shape())) {
            throw new ShapeException("mse: expected two tensors of one shape, but got " + a.shape() + " and " + b.shape());
        }
        Tensor squares = Arithmetic.square(tape, Arithmetic.subtract(tape, a, b));
        return switch (reduction) {
            case MEAN -> Reductions.mean(tape, squares, false);
            case SUM -> Reductions.sum(tape, squares, false);
            case NONE -> squares;
        };
    }

    /// The Kullback-Leibler divergence `Σ t (ln t - input)` of a target distribution from log-probabilities `input`, as PyTorch's `kl_div`.
    ///
    /// @param target    probabilities, or log-probabilities if `logTarget`; gradients flow to it too
    /// @throws ShapeException if the shapes differ
    public static Tensor klDiv(Tape tape, Tensor input, Tensor target, boolean logTarget, KlReduction reduction) {
        if (!input.shape().equals(target.shape()) || input.shape().rank() < 1) {
            throw new ShapeException(
                    "klDiv: expected two tensors of one shape with a batch dimension, but got " + input.shape() + " and " + target.shape());
        }
        Tensor pointwise = logTarget
                ? Arithmetic.multiply(tape, Arithmetic.exp(tape, target), Arithmetic.subtract(tape, target, input))
                : Arithmetic.subtract(tape, Arithmetic.xLogX(tape, target), Arithmetic.multiply(tape, target, input));
        Tensor sum = Reductions.sum(tape, pointwise, false);
        return reduction == KlReduction.SUM ? sum : Arithmetic.scale(tape, sum, 1f / input.shape().size(0));
    }

    private static TensorSpec lossSpec(CrossEntropySizes s) {
        return s.reduction() == Reduction.NONE ? TensorSpec.floats(s.n()) : TensorSpec.floats();
    }

    private static CrossEntropySizes sizes(String operation, Tensor scores, Tensor labels, CrossEntropyOptions options) {
        Shape shape = scores.shape();
        if (shape.rank() != 2 || labels.dtype() != DType.INT32 || !labels.shape().equals(Shape.of(shape.size(0)))) {
            throw new ShapeException(
                    operation + ": expected scores [n, k] and int labels [n], but got scores " + scores + " and labels " + labels);
        }
        Tensor weight = options.classWeight();
        if (weight != null && !weight.shape().equals(Shape.of(shape.size(1)))) {
            throw new ShapeException(operation + ": expected class weights [k=" + shape.size(1) + "], but got " + weight.shape());
        }
        return new CrossEntropySizes(shape.size(0), shape.size(1), options.smoothing(), options.ignoreIndex(), options.reduction());
    }
}
