package dev.normlab.engine.program;

import static dev.normlab.engine.program.LayoutRule.ACTIVATION;
import static dev.normlab.engine.program.LayoutRule.CHANNELS;
import static dev.normlab.engine.program.LayoutRule.ELEMENTWISE;
import static dev.normlab.engine.program.LayoutRule.PLAIN;
import static dev.normlab.engine.program.LayoutRule.UPDATE;

/// Everything the engine can compute, as data: the operations of a recorded program and the contract between autograd and the backends.
///
/// Each line says: operands in order (`?` = may be absent), the attributes record, and the outputs. Marks name the operands that are
/// activations, one character an operand: `a` activation, `.` other; the numbers behind them are inputs that the first output may
/// overwrite. Gradients are ordinary operations, so a training step is one list of these. *Fused* operations are recorded by nobody:
/// [Fusion] puts them in the place of several others, whose results they give bit for bit.
public enum Opcode {

    /// x, weight, bias?; `Conv2dSizes` → y.
    CONV2D(ACTIVATION, "a..", "a"),
    /// x, weight, bias?, norm weight?, norm bias?, mean, var, residual?; `NormalisedConvolution` → y. Fused: convolution, batch norm of
    /// given statistics, sum, ReLU.
    CONV2D_BATCH_NORM_EVAL(ACTIVATION, "a......a", "a"),
    /// x, weight, bias?; `Conv2dSizes` → y, mean, var. Fused: convolution, statistics of the batch norm behind it.
    CONV2D_STATISTICS(ACTIVATION, "a..", "a.."),
    /// dOut, weight; `Conv2dSizes` → dx.
    CONV2D_BACKWARD_INPUT(ACTIVATION, "a.", "a"),
    /// x, dOut; `Conv2dSizes` → dWeight.
    CONV2D_BACKWARD_WEIGHT(ACTIVATION, "aa", "."),
    /// a, b, bias?; `GemmSizes` → c.
    GEMM(PLAIN),

    /// x, weight?, bias?; `BatchNormSizes` → y, mean, var.
    BATCH_NORM_TRAIN(ACTIVATION, "a..", "a..", 0),
    /// x, weight?, bias?, mean, var; `BatchNormSizes` → y.
    BATCH_NORM_EVAL(ACTIVATION, "a....", "a", 0),
    /// x, dOut, mean, var; `BatchNormSizes` → dWeight, dBias.
    BATCH_NORM_BACKWARD_PARAMETERS(ACTIVATION, "aa..", ".."),
    /// x, dOut, weight?, mean, var, dWeight, dBias; `BatchNormSizes` → dx.
    BATCH_NORM_TRAIN_BACKWARD_INPUT(ACTIVATION, "aa.....", "a", 0, 1),
    /// dOut, weight?, var; `BatchNormSizes` → dx.
    BATCH_NORM_EVAL_BACKWARD_INPUT(ACTIVATION, "a..", "a", 0),
    /// x, weight?, bias?, residual?; `BatchNormSizes` → y, mean, var. Fused: batch norm, sum, ReLU.
    BATCH_NORM_TRAIN_RELU(ACTIVATION, "a..a", "a..", 0, 3),
    /// x, weight?, bias?, mean, var, residual?; `BatchNormSizes` → y. Fused: batch norm, sum, ReLU.
    BATCH_NORM_EVAL_RELU(ACTIVATION, "a....a", "a", 0, 5),
    /// x, dOut, weight?, bias?, mean, var; `BatchNormSizes` → dx, dWeight, dBias. Fused: the gradients of batch norm and ReLU.
    BATCH_NORM_TRAIN_RELU_BACKWARD(ACTIVATION, "aa....", "a..", 0, 1),
    /// y, dOut, weight?, var; `BatchNormSizes` → dx. Fused: the gradients of batch norm and ReLU.
    BATCH_NORM_EVAL_RELU_BACKWARD_INPUT(ACTIVATION, "aa..", "a", 0, 1),
    /// y, dOut, more?, x, mean, var; `BatchNormSizes` → dSum, dWeight, dBias. Fused: the gradient of a ReLU, and with it the parameters'
    /// gradients of the batch norm of x.
    RELU_BATCH_NORM_BACKWARD_PARAMETERS(ACTIVATION, "aaaa..", "a..", 0, 1, 2),
    /// In place: runningMean, runningVar; mean, var; `RunningStatistics`.
    UPDATE_RUNNING_STATISTICS(UPDATE),

    /// x; `Pool2dSizes` → y, positions.
    MAX_POOL(ACTIVATION, "a", "aa"),
    /// dOut, positions; `Pool2dSizes` → dx.
    MAX_POOL_BACKWARD(ACTIVATION, "aa", "a"),
    /// x; `Pool2dSizes` → y.
    AVERAGE_POOL(ACTIVATION, "a", "a"),
    /// dOut; `Pool2dSizes` → dx.
    AVERAGE_POOL_BACKWARD(ACTIVATION, "a", "a"),
    /// x; `AdaptivePoolSizes` → y.
    ADAPTIVE_AVERAGE_POOL(ACTIVATION, "a", "a"),
    /// dOut; `AdaptivePoolSizes` → dx.
    ADAPTIVE_AVERAGE_POOL_BACKWARD(ACTIVATION, "a", "a"),

    /// x; `UnaryFunction` → y.
    UNARY(ELEMENTWISE, "", "", 0),
    /// x or y, dOut; `UnaryFunction` → dx.
    UNARY_BACKWARD(ELEMENTWISE, "", "", 0, 1),
    /// a, b; `BroadcastSizes` → y.
    BINARY(ELEMENTWISE, "", "", 0, 1),
    /// a, b of one shape; no attributes → y. Fused: sum and ReLU.
    ADD_RELU(ELEMENTWISE, "", "", 0, 1),
    /// x; `ClampRange` → y.
    CLAMP(ELEMENTWISE, "", "", 0),
    /// x, dOut; `ClampRange` → dx.
    CLAMP_BACKWARD(ELEMENTWISE, "", "", 0, 1),
    /// x; `Float` factor → y.
    SCALE(ELEMENTWISE, "", "", 0),
    /// x; `Shape` → y.
    BROADCAST(PLAIN),
    /// int a, int b of one shape; no attributes → y, 1 where they agree and 0 elsewhere.
    EQUAL_INDICES(PLAIN),
    /// counter int `[4]`; `RandomFill` → y.
    RANDOM(PLAIN),

    /// x; `ReduceSizes` → y.
    REDUCE(PLAIN),
    /// x `[n, c, h, w]`; no attributes → `[c]`.
    CHANNEL_SUM(ACTIVATION, "a", "."),
    /// x; `ArgExtreme` → int indices.
    ARG_EXTREME(PLAIN),
    /// x; `TopK` → values, int indices.
    TOP_K(PLAIN),
    /// x; `Softmax` → y.
    SOFTMAX(PLAIN),
    /// y, dOut; `Softmax` → dx.
    SOFTMAX_BACKWARD(PLAIN),

    /// x; no attributes; same elements in another shape → y.
    RESHAPE(PLAIN, "", "", 0),
    /// x; `Permutation` → y.
    PERMUTE(PLAIN),
    /// x; `PadSizes` → y.
    PAD(PLAIN),
    /// dOut; `PadSizes` → dx.
    PAD_BACKWARD(PLAIN),
    /// x1, x2, ..; `Integer` axis → y.
    CONCATENATE(CHANNELS),
    /// x; `Slice` → y.
    SLICE(CHANNELS),
    /// dOut; `Slice` → dx.
    SLICE_BACKWARD(CHANNELS),
    /// x; `Integer` groups → y.
    CHANNEL_SHUFFLE(PLAIN),
    /// x, int indices; `Integer` axis → y.
    GATHER(PLAIN),
    /// dOut, int indices; `GatherBackward` → dx.
    GATHER_BACKWARD(PLAIN),
    /// mask `[n]`, a `[n, ..]`, b `[n, ..]`; no attributes → y, the examples of a where the mask is not 0 and of b elsewhere.
    SELECT(PLAIN),

    /// logits, int labels, classWeight?; `CrossEntropySizes` → loss.
    CROSS_ENTROPY(PLAIN),
    /// logits, int labels, classWeight?, dLoss; `CrossEntropySizes` → dLogits.
    CROSS_ENTROPY_BACKWARD(PLAIN),
    /// logProbabilities, int labels, classWeight?; `CrossEntropySizes` → loss.
    NLL(PLAIN),
    /// int labels, classWeight?, dLoss; `CrossEntropySizes` → dLogProbabilities.
    NLL_BACKWARD(PLAIN),

    /// In place: parameter, velocity; grad, scalars.
    SGD(UPDATE),
    /// In place: parameter, firstMoment, secondMoment; grad, scalars.
    ADAM(UPDATE),
    /// In place: target; x, factor.
    ADD_SCALED(UPDATE),
    /// In place: target; x.
    ASSIGN(UPDATE),
    /// In place: point; gradient, clean, stepSize, eps; no attributes.
    SIGN_STEP(UPDATE),
    /// In place: point `[n, ..]`; gradient, clean, stepSize, eps; no attributes.
    UNIT_STEP(UPDATE),
    /// In place: point `[n, ..]`, previous; gradient, clean, stepSize `[n]`, eps, share; `StepDirection`.
    MOMENTUM_STEP(UPDATE),
    /// In place: point `[n, ..]`; gradient, clean, int rank `[n]`, stepSize `[n]`, eps; no attributes.
    SPARSE_STEP(UPDATE),
    /// weight, channelScale?; `SliceNormSizes` → norm, int argMax.
    SLICE_NORM(PLAIN),
    /// In place: trace, grad; weight, channelScale?, argMax, scalars; `SliceNormSizes`.
    SLICE_DECAY(UPDATE),
    /// In place: weight; channelVariance?; `SliceLimit`.
    PROJECT_SLICES(UPDATE);

    private final LayoutRule rule;
    private final String inputMarks;
    private final String outputMarks;
    private final int[] overwritable;

    Opcode(LayoutRule rule) {
        this(rule, "", "");
    }

    Opcode(LayoutRule rule, String inputMarks, String outputMarks, int... overwritable) {
        this.rule = rule;
        this.inputMarks = inputMarks;
        this.outputMarks = outputMarks;
        this.overwritable = overwritable;
    }

    /// How operands lie in memory.
    public LayoutRule rule() {
        return rule;
    }

    /// Whether input number `index` is an activation.
    public boolean inputIsActivation(int index) {
        return index < inputMarks.length() && inputMarks.charAt(index) == 'a';
    }

    /// Whether output number `index` is an activation.
    public boolean outputIsActivation(int index) {
        return index < outputMarks.length() && outputMarks.charAt(index) == 'a';
    }

    /// Whether the first output may lie in the memory of input number `index`, if both have the same shape and layout: kernels read an
    /// element of it before they write that element, and not afterwards.
    public boolean mayOverwrite(int index) {
        for (int each : overwritable) {
            if (each == index) {
                return true;
            }
        }
        return false;
    }

    /// Whether the operation changes existing tensors instead of making new ones.
    public boolean updatesInPlace() {
        return rule == UPDATE;
    }
}
