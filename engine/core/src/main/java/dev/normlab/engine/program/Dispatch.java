package dev.normlab.engine.program;

import dev.normlab.engine.kernel.AdaptivePoolSizes;
import dev.normlab.engine.kernel.AxisSizes;
import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.ConvolutionNorm;
import dev.normlab.engine.kernel.CrossEntropySizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.GemmSizes;
import dev.normlab.engine.kernel.Kernels;
import dev.normlab.engine.kernel.PadSizes;
import dev.normlab.engine.kernel.Pool2dSizes;
import dev.normlab.engine.kernel.RandomFill;
import dev.normlab.engine.kernel.ReduceSizes;
import dev.normlab.engine.kernel.SliceLimit;
import dev.normlab.engine.kernel.SliceNormSizes;
import dev.normlab.engine.kernel.StepDirection;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.kernel.Workspace;
import dev.normlab.engine.program.Attributes.ArgExtreme;
import dev.normlab.engine.program.Attributes.ClampRange;
import dev.normlab.engine.program.Attributes.GatherBackward;
import dev.normlab.engine.program.Attributes.NormalisedConvolution;
import dev.normlab.engine.program.Attributes.Permutation;
import dev.normlab.engine.program.Attributes.RunningStatistics;
import dev.normlab.engine.program.Attributes.Slice;
import dev.normlab.engine.program.Attributes.Softmax;
import dev.normlab.engine.program.Attributes.TopK;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The table from opcodes to kernels: unpacks operands and attributes in the order that [Opcode] states, and nothing else.
final class Dispatch {

    private final Kernels kernels;
    private final Workspace ws;

    Dispatch(Device device) {
        this.kernels = device.kernels();
        this.ws = device.workspace();
    }

    void run(Opcode opcode, @Nullable Object attributes, @Nullable Storage[] in, Storage[] out) {
        Operands x = new Operands(in);
        Storage y = out[0];
        switch (opcode) {
            case CONV2D -> kernels.convolutions().conv2dForward((Conv2dSizes) some(attributes), x.at(0), x.at(1), in[2], y, ws);
            case CONV2D_BATCH_NORM_EVAL -> normalisedConvolution((NormalisedConvolution) some(attributes), x, in, y);
            case CONV2D_STATISTICS ->
                kernels.convolutions().conv2dForwardStatistics((Conv2dSizes) some(attributes), x.at(0), x.at(1), in[2], y, out[1], out[2],
                        ws);
            case CONV2D_BACKWARD_INPUT ->
                kernels.convolutions().conv2dBackwardInput((Conv2dSizes) some(attributes), x.at(0), x.at(1), y, ws);
            case CONV2D_BACKWARD_WEIGHT ->
                kernels.convolutions().conv2dBackwardWeight((Conv2dSizes) some(attributes), x.at(0), x.at(1), y, ws);
            case GEMM -> kernels.matrices().gemm((GemmSizes) some(attributes), x.at(0), x.at(1), in[2], y, ws);
            case BATCH_NORM_TRAIN, BATCH_NORM_EVAL, BATCH_NORM_BACKWARD_PARAMETERS, BATCH_NORM_TRAIN_BACKWARD_INPUT,
                    BATCH_NORM_EVAL_BACKWARD_INPUT ->
                batchNorm(opcode, (BatchNormSizes) some(attributes), x, in, out);
            case BATCH_NORM_TRAIN_RELU, BATCH_NORM_EVAL_RELU, BATCH_NORM_TRAIN_RELU_BACKWARD, BATCH_NORM_EVAL_RELU_BACKWARD_INPUT,
                    RELU_BATCH_NORM_BACKWARD_PARAMETERS ->
                fusedBatchNorm(opcode, (BatchNormSizes) some(attributes), x, in, out);
            case MAX_POOL -> kernels.pooling().maxPoolForward((Pool2dSizes) some(attributes), x.at(0), y, out[1], ws);
            case MAX_POOL_BACKWARD -> kernels.pooling().maxPoolBackward((Pool2dSizes) some(attributes), x.at(0), x.at(1), y, ws);
            case AVERAGE_POOL -> kernels.pooling().averagePoolForward((Pool2dSizes) some(attributes), x.at(0), y, ws);
            case AVERAGE_POOL_BACKWARD -> kernels.pooling().averagePoolBackward((Pool2dSizes) some(attributes), x.at(0), y, ws);
            case ADAPTIVE_AVERAGE_POOL ->
                kernels.pooling().adaptiveAveragePoolForward((AdaptivePoolSizes) some(attributes), x.at(0), y, ws);
            case ADAPTIVE_AVERAGE_POOL_BACKWARD ->
                kernels.pooling().adaptiveAveragePoolBackward((AdaptivePoolSizes) some(attributes), x.at(0), y, ws);
            case UNARY, UNARY_BACKWARD, BINARY, CLAMP, CLAMP_BACKWARD, SCALE, BROADCAST, RANDOM ->
                elementwise(opcode, some(attributes), x, y);
            case ADD_RELU -> kernels.elementwise().addRelu(x.at(0), x.at(1), y, ws);
            case EQUAL_INDICES -> kernels.elementwise().equalIndices(x.at(0), x.at(1), y, ws);
            case SELECT -> kernels.arrangements().select(x.at(0), x.at(1), x.at(2), y, ws);
            case REDUCE, CHANNEL_SUM, ARG_EXTREME, TOP_K, SOFTMAX, SOFTMAX_BACKWARD -> reduction(opcode, attributes, x, out);
            case RESHAPE, PERMUTE, PAD, PAD_BACKWARD, CONCATENATE, SLICE, SLICE_BACKWARD, CHANNEL_SHUFFLE, GATHER, GATHER_BACKWARD ->
                arrangement(opcode, attributes, x, y);
            case CROSS_ENTROPY, CROSS_ENTROPY_BACKWARD, NLL, NLL_BACKWARD -> loss(opcode, (CrossEntropySizes) some(attributes), x, in, y);
            case SLICE_NORM -> kernels.updates().sliceNorm((SliceNormSizes) some(attributes), x.at(0), in[1], y, out[1], ws);
            case UPDATE_RUNNING_STATISTICS, SGD, ADAM, ADD_SCALED, ASSIGN, SIGN_STEP, UNIT_STEP, MOMENTUM_STEP, SPARSE_STEP, SLICE_DECAY,
                    PROJECT_SLICES ->
                throw new IllegalArgumentException(opcode + " updates tensors in place and makes no new ones");
        }
    }

    void update(Opcode opcode, @Nullable Object attributes, Storage[] targets, @Nullable Storage[] in) {
        Operands x = new Operands(in);
        switch (opcode) {
            case UPDATE_RUNNING_STATISTICS -> {
                RunningStatistics statistics = (RunningStatistics) some(attributes);
                kernels.batchNorms().updateRunningStatistics(statistics.count(), statistics.momentum(), x.at(0), x.at(1), targets[0],
                        targets[1]);
            }
            case SGD -> kernels.updates().sgd(x.at(0), x.at(1), targets[0], targets[1], ws);
            case ADAM -> kernels.updates().adam(x.at(0), x.at(1), targets[0], targets[1], targets[2], ws);
            case ADD_SCALED -> kernels.updates().addScaled(x.at(0), x.at(1), targets[0], ws);
            case ASSIGN -> kernels.updates().assign(x.at(0), targets[0], ws);
            case SIGN_STEP -> kernels.updates().signStep(x.at(0), x.at(1), x.at(2), x.at(3), targets[0], ws);
            case UNIT_STEP -> kernels.updates().unitStep(x.at(0), x.at(1), x.at(2), x.at(3), targets[0], ws);
            case MOMENTUM_STEP ->
                kernels.updates().momentumStep((StepDirection) some(attributes), x.at(0), x.at(1), x.at(2), x.at(3), x.at(4), targets[0],
                        targets[1], ws);
            case SPARSE_STEP -> kernels.updates().sparseStep(x.at(0), x.at(1), x.at(2), x.at(3), x.at(4), targets[0], ws);
            case SLICE_DECAY ->
                kernels.updates().sliceDecay((SliceNormSizes) some(attributes), x.at(0), in[1], x.at(2), x.at(3), targets[0], targets[1],
                        ws);
            case PROJECT_SLICES -> kernels.updates().projectSlices((SliceLimit) some(attributes), in[0], targets[0], ws);
            default -> throw new IllegalArgumentException(opcode + " makes new tensors and updates none in place");
        }
    }

    private void batchNorm(Opcode opcode, BatchNormSizes s, Operands x, @Nullable Storage[] in, Storage[] out) {
        var batchNorms = kernels.batchNorms();
        switch (opcode) {
            case BATCH_NORM_TRAIN -> batchNorms.batchNormTrain(s, x.at(0), in[1], in[2], out[0], out[1], out[2], ws);
            case BATCH_NORM_EVAL -> batchNorms.batchNormEval(s, x.at(0), in[1], in[2], x.at(3), x.at(4), out[0], ws);
            case BATCH_NORM_BACKWARD_PARAMETERS ->
                batchNorms.batchNormBackwardParameters(s, x.at(0), x.at(1), x.at(2), x.at(3), out[0], out[1], ws);
            case BATCH_NORM_TRAIN_BACKWARD_INPUT ->
                batchNorms.batchNormTrainBackwardInput(s, x.at(0), x.at(1), in[2], x.at(3), x.at(4), x.at(5), x.at(6),
                        out[0], ws);
            default -> batchNorms.batchNormEvalBackwardInput(s, x.at(0), in[1], x.at(2), out[0], ws);
        }
    }

    private void normalisedConvolution(NormalisedConvolution s, Operands x, @Nullable Storage[] in, Storage y) {
        ConvolutionNorm norm = new ConvolutionNorm(s.norm(), in[3], in[4], x.at(5), x.at(6), in[7], s.relu());
        kernels.convolutions().conv2dForwardNormalised(s.convolution(), x.at(0), x.at(1), in[2], norm, y, ws);
    }

    private void fusedBatchNorm(Opcode opcode, BatchNormSizes s, Operands x, @Nullable Storage[] in, Storage[] out) {
        var batchNorms = kernels.batchNorms();
        switch (opcode) {
            case BATCH_NORM_TRAIN_RELU -> batchNorms.batchNormTrainRelu(s, x.at(0), in[1], in[2], in[3], out[0], out[1], out[2], ws);
            case BATCH_NORM_EVAL_RELU -> batchNorms.batchNormEvalRelu(s, x.at(0), in[1], in[2], x.at(3), x.at(4), in[5], out[0], ws);
            case BATCH_NORM_TRAIN_RELU_BACKWARD ->
                batchNorms.batchNormTrainReluBackward(s, x.at(0), x.at(1), in[2], in[3], x.at(4), x.at(5), out[0], out[1], out[2], ws);
            case BATCH_NORM_EVAL_RELU_BACKWARD_INPUT ->
                batchNorms.batchNormEvalReluBackwardInput(s, x.at(0), x.at(1), in[2], x.at(3), out[0], ws);
            default ->
                batchNorms.reluBatchNormBackwardParameters(s, x.at(0), x.at(1), in[2], x.at(3), x.at(4), x.at(5), out[0], out[1], out[2],
                        ws);
        }
    }

    private void elementwise(Opcode opcode, Object attributes, Operands x, Storage y) {
        var elementwise = kernels.elementwise();
        switch (opcode) {
            case UNARY -> elementwise.unary((UnaryFunction) attributes, x.at(0), y, ws);
            case UNARY_BACKWARD -> elementwise.unaryBackward((UnaryFunction) attributes, x.at(0), x.at(1), y, ws);
            case BINARY -> elementwise.binary((BroadcastSizes) attributes, x.at(0), x.at(1), y, ws);
            case CLAMP -> {
                ClampRange range = (ClampRange) attributes;
                elementwise.clamp(range.low(), range.high(), x.at(0), y, ws);
            }
            case CLAMP_BACKWARD -> {
                ClampRange range = (ClampRange) attributes;
                elementwise.clampBackward(range.low(), range.high(), x.at(0), x.at(1), y, ws);
            }
            case SCALE -> elementwise.scale((Float) attributes, x.at(0), y, ws);
            case BROADCAST -> elementwise.broadcast(x.at(0).shape(), (Shape) attributes, x.at(0), y, ws);
            default -> elementwise.random((RandomFill) attributes, x.at(0), y, ws);
        }
    }

    private void reduction(Opcode opcode, @Nullable Object attributes, Operands x, Storage[] out) {
        var reductions = kernels.reductions();
        Shape shape = x.at(0).shape();
        switch (opcode) {
            case REDUCE -> reductions.reduce((ReduceSizes) some(attributes), x.at(0), out[0], ws);
            case CHANNEL_SUM -> reductions.channelSum(shape.size(0), shape.size(1), shape.size(2) * shape.size(3), x.at(0), out[0], ws);
            case ARG_EXTREME -> {
                ArgExtreme extreme = (ArgExtreme) some(attributes);
                reductions.argExtreme(AxisSizes.of(shape, extreme.axis()), extreme.largest(), x.at(0), out[0], ws);
            }
            case TOP_K -> {
                TopK top = (TopK) some(attributes);
                reductions.topK(AxisSizes.of(shape, top.axis()), top.k(), x.at(0), out[0], out[1], ws);
            }
            case SOFTMAX -> {
                Softmax softmax = (Softmax) some(attributes);
                reductions.softmax(AxisSizes.of(shape, softmax.axis()), softmax.logarithm(), x.at(0), out[0], ws);
            }
            default -> {
                Softmax softmax = (Softmax) some(attributes);
                reductions.softmaxBackward(AxisSizes.of(shape, softmax.axis()), softmax.logarithm(), x.at(0), x.at(1), out[0], ws);
            }
        }
    }

    private void arrangement(Opcode opcode, @Nullable Object attributes, Operands x, Storage y) {
        var arrangements = kernels.arrangements();
        switch (opcode) {
            case RESHAPE -> arrangements.copy(x.at(0), y, ws);
            case PERMUTE -> arrangements.permute(x.at(0).shape(), ((Permutation) some(attributes)).axes(), x.at(0), y, ws);
            case PAD -> arrangements.pad((PadSizes) some(attributes), x.at(0), y, ws);
            case PAD_BACKWARD -> arrangements.padBackward((PadSizes) some(attributes), x.at(0), y, ws);
            case CONCATENATE -> {
                int axis = (Integer) some(attributes);
                AxisSizes sizes = AxisSizes.of(y.shape(), axis);
                int start = 0;
                for (int i = 0; i < x.count(); i++) {
                    int count = x.at(i).shape().size(axis);
                    arrangements.place(sizes, start, count, x.at(i), y, ws);
                    start += count;
                }
            }
            case SLICE -> {
                Slice slice = (Slice) some(attributes);
                arrangements.slice(AxisSizes.of(slice.whole(), slice.axis()), slice.start(), slice.count(), x.at(0), y, ws);
            }
            case SLICE_BACKWARD -> {
                Slice slice = (Slice) some(attributes);
                arrangements.zero(y, ws);
                arrangements.place(AxisSizes.of(slice.whole(), slice.axis()), slice.start(), slice.count(), x.at(0), y, ws);
            }
            case CHANNEL_SHUFFLE -> arrangements.channelShuffle(AxisSizes.of(y.shape(), 1), (Integer) some(attributes), x.at(0), y, ws);
            case GATHER -> {
                int axis = (Integer) some(attributes);
                arrangements.gather(AxisSizes.of(x.at(0).shape(), axis), y.shape().size(axis), x.at(0), x.at(1), y, ws);
            }
            default -> {
                GatherBackward gather = (GatherBackward) some(attributes);
                arrangements.gatherBackward(AxisSizes.of(gather.in(), gather.axis()), x.at(0).shape().size(gather.axis()), x.at(0), x.at(1),
                        y, ws);
            }
        }
    }

    private void loss(Opcode opcode, CrossEntropySizes s, Operands x, @Nullable Storage[] in, Storage y) {
        var losses = kernels.losses();
        switch (opcode) {
            case CROSS_ENTROPY -> losses.crossEntropyForward(s, x.at(0), x.at(1), in[2], y, ws);
            case CROSS_ENTROPY_BACKWARD -> losses.crossEntropyBackward(s, x.at(0), x.at(1), in[2], x.at(3), y, ws);
            case NLL -> losses.nllForward(s, x.at(0), x.at(1), in[2], y, ws);
            default -> losses.nllBackward(s, x.at(0), in[1], x.at(2), y, ws);
        }
    }

    private static Object some(@Nullable Object attributes) {
        return Objects.requireNonNull(attributes, "the operation lacks its attributes");
    }

    private record Operands(@Nullable Storage[] storages) {

        Storage at(int index) {
            return Objects.requireNonNull(storages[index], "a required operand is absent");
        }

        int count() {
            return storages.length;
        }
    }
}
