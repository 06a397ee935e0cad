package dev.normlab.engine.autograd;

import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.program.Attributes.RunningStatistics;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.ShapeException;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Batch normalisation (Ioffe & Szegedy 2015), exactly as PyTorch's: the biased variance normalises, the unbiased one is recorded.
public final class BatchNorm {

    private BatchNorm() {}

    /// Normalises by the batch's own statistics and, if running statistics are given, updates them in place.
    ///
    /// Shapes: x `[n, c, h, w]` or `[n, c]`, all others `[c]`. Keeps x and the statistics.
    ///
    /// @param momentum the weight of the new statistics in the running ones
    /// @throws ShapeException if shapes do not match, or there is only one value per channel and so no variance
    public static Tensor train(Tape tape, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, @Nullable Tensor runningMean,
            @Nullable Tensor runningVar, float momentum, float eps) {
        BatchNormSizes s = sizes(x, eps, weight, bias, runningMean, runningVar);
        if (s.count() == 1) {
            throw new ShapeException(
                    "batchNorm: training needs more than one value per channel to have a variance, but the input is " + x.shape()
                            + "; use a larger batch or eval mode");
        }
        TensorSpec perChannel = TensorSpec.floats(s.c());
        List<Tensor> outputs = tape.run(Opcode.BATCH_NORM_TRAIN, s, List.of(x.spec(), perChannel, perChannel), x, weight, bias);
        Tensor mean = outputs.get(1);
        Tensor var = outputs.get(2);
        if (runningMean != null && runningVar != null) {
            tape.executor().update(Opcode.UPDATE_RUNNING_STATISTICS, new RunningStatistics(s.count(), momentum),
                    List.of(runningMean, runningVar), mean, var);
        }
        return tape.onBackward(outputs.get(0), Arrays.asList(x, weight, bias), (dOut, sink) -> {
            List<Tensor> sums = tape.run(Opcode.BATCH_NORM_BACKWARD_PARAMETERS, s, List.of(perChannel, perChannel), x, dOut, mean, var);
            sink.add(weight, () -> sums.get(0));
            sink.add(bias, () -> sums.get(1));
            sink.add(x, () -> tape.run(Opcode.BATCH_NORM_TRAIN_BACKWARD_INPUT, s, x.spec(), x, dOut, weight, mean, var, sums.get(0),
                    sums.get(1)));
        });
    }

    /// Normalises by given statistics, which are constants: a diagonal linear map and a shift.
    ///
    /// Shapes as in [#train]. Keeps x if the weight or bias is tracked.
    public static Tensor eval(Tape tape, Tensor x, @Nullable Tensor weight, @Nullable Tensor bias, Tensor mean, Tensor var, float eps) {
        BatchNormSizes s = sizes(x, eps, weight, bias, mean, var);
        TensorSpec perChannel = TensorSpec.floats(s.c());
        Tensor y = tape.run(Opcode.BATCH_NORM_EVAL, s, x.spec(), x, weight, bias, mean, var);
        return tape.onBackward(y, Arrays.asList(x, weight, bias), (dOut, sink) -> {
            if (tape.tracksAny(weight, bias)) {
                List<Tensor> sums = tape.run(Opcode.BATCH_NORM_BACKWARD_PARAMETERS, s, List.of(perChannel, perChannel), x, dOut, mean, var);
                sink.add(weight, () -> sums.get(0));
                sink.add(bias, () -> sums.get(1));
            }
            sink.add(x, () -> tape.run(Opcode.BATCH_NORM_EVAL_BACKWARD_INPUT, s, x.spec(), dOut, weight, var));
        });
    }

    private static BatchNormSizes sizes(Tensor x, float eps, @Nullable Tensor... vectors) {
        Shape shape = x.shape();
        if (shape.rank() != 4 && shape.rank() != 2) {
            throw new ShapeException("batchNorm: expected input [n, c, h, w] or [n, c], but got " + shape);
        }
        int c = shape.size(1);
        for (Tensor vector : vectors) {
            if (vector != null && !vector.shape().equals(Shape.of(c))) {
                throw new ShapeException(
                        "batchNorm: expected weight, bias and statistics [c=" + c + "] to match input " + shape + ", but got " + vector);
            }
        }
        return new BatchNormSizes(shape.size(0), c, shape.rank() == 4 ? shape.size(2) * shape.size(3) : 1, eps);
    }
}
