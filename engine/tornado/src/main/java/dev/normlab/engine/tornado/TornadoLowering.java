package dev.normlab.engine.tornado;

import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.DType;

/// The table from opcodes to launches of kernels.
final class TornadoLowering {

    private TornadoLowering() {}

    /// Adds the launches of the operation at hand.
    static void lower(Launches l, DType dtype) {
        Opcode opcode = l.operation().opcode();
        switch (opcode) {
            case CONV2D -> TornadoConvolutions.forward(l);
            case CONV2D_BATCH_NORM_EVAL -> TornadoConvolutions.forwardNormalised(l);
            case CONV2D_STATISTICS -> {
                TornadoConvolutions.forward(l);
                TornadoBatchNorms.statistics(l, l.out(0), BatchNormSizes.behind(l.attributes(Conv2dSizes.class)));
            }
            case CONV2D_BACKWARD_INPUT -> TornadoConvolutions.backwardInput(l);
            case CONV2D_BACKWARD_WEIGHT -> TornadoConvolutions.backwardWeight(l);
            case GEMM -> TornadoMatrices.gemm(l);
            case BATCH_NORM_TRAIN -> TornadoBatchNorms.train(l);
            case BATCH_NORM_EVAL -> TornadoBatchNorms.eval(l);
            case BATCH_NORM_TRAIN_RELU -> TornadoBatchNorms.trainRelu(l);
            case BATCH_NORM_EVAL_RELU -> TornadoBatchNorms.evalRelu(l);
            case BATCH_NORM_BACKWARD_PARAMETERS -> TornadoBatchNormGradients.parameters(l);
            case BATCH_NORM_TRAIN_BACKWARD_INPUT -> TornadoBatchNormGradients.trainInput(l);
            case BATCH_NORM_EVAL_BACKWARD_INPUT -> TornadoBatchNormGradients.evalInput(l);
            case BATCH_NORM_TRAIN_RELU_BACKWARD -> TornadoBatchNormGradients.trainRelu(l);
            case BATCH_NORM_EVAL_RELU_BACKWARD_INPUT -> TornadoBatchNormGradients.evalReluInput(l);
            case RELU_BATCH_NORM_BACKWARD_PARAMETERS -> TornadoBatchNormGradients.reluParameters(l);
            case UPDATE_RUNNING_STATISTICS ->
                throw new IllegalArgumentException("running statistics are lowered for several layers at once");
            case MAX_POOL -> TornadoPooling.max(l);
            case MAX_POOL_BACKWARD -> TornadoPooling.maxBackward(l);
            case AVERAGE_POOL -> TornadoPooling.average(l);
            case AVERAGE_POOL_BACKWARD -> TornadoPooling.averageBackward(l);
            case ADAPTIVE_AVERAGE_POOL -> TornadoPooling.adaptive(l);
            case ADAPTIVE_AVERAGE_POOL_BACKWARD -> TornadoPooling.adaptiveBackward(l);
            case UNARY -> TornadoElementwise.unary(l);
            case UNARY_BACKWARD -> TornadoElementwise.unaryBackward(l);
            case BINARY -> TornadoElementwise.binary(l);
            case ADD_RELU -> TornadoElementwise.addRelu(l);
            case CLAMP -> TornadoElementwise.clamp(l);
            case CLAMP_BACKWARD -> TornadoElementwise.clampBackward(l);
            case SCALE -> TornadoElementwise.scale(l);
            case BROADCAST -> TornadoElementwise.broadcast(l);
            case EQUAL_INDICES -> TornadoElementwise.equalIndices(l);
            case RANDOM -> TornadoElementwise.random(l);
            case SELECT -> TornadoElementwise.select(l);
            case REDUCE -> TornadoReductions.reduce(l);
            case CHANNEL_SUM -> TornadoReductions.channelSum(l);
            case ARG_EXTREME -> TornadoReductions.argExtreme(l);
            case TOP_K -> TornadoReductions.topK(l);
            case SOFTMAX -> TornadoReductions.softmax(l);
            case SOFTMAX_BACKWARD -> TornadoReductions.softmaxBackward(l);
            case RESHAPE, ASSIGN -> TornadoArrangements.copy(l, l.name(), l.in(0), l.out(0), dtype);
            case PERMUTE -> TornadoArrangements.permute(l);
            case PAD -> TornadoArrangements.pad(l);
            case PAD_BACKWARD -> TornadoArrangements.padBackward(l);
            case CONCATENATE -> TornadoArrangements.concatenate(l);
            case SLICE -> TornadoArrangements.slice(l);
            case SLICE_BACKWARD -> TornadoArrangements.sliceBackward(l);
            case CHANNEL_SHUFFLE -> TornadoArrangements.channelShuffle(l);
            case GATHER -> TornadoArrangements.gather(l);
            case GATHER_BACKWARD -> TornadoArrangements.gatherBackward(l);
            case CROSS_ENTROPY -> TornadoLosses.crossEntropy(l);
            case CROSS_ENTROPY_BACKWARD -> TornadoLosses.crossEntropyBackward(l);
            case NLL -> TornadoLosses.nll(l);
            case NLL_BACKWARD -> TornadoLosses.nllBackward(l);
            case SGD -> throw new IllegalArgumentException("SGD is lowered for all parameters at once");
            case ADAM -> TornadoUpdates.adam(l);
            case ADD_SCALED -> TornadoUpdates.addScaled(l);
            case SIGN_STEP -> TornadoAttackSteps.signStep(l);
            case UNIT_STEP -> TornadoAttackSteps.unitStep(l);
            case MOMENTUM_STEP -> TornadoAttackSteps.momentumStep(l);
            case SPARSE_STEP -> TornadoAttackSteps.sparseStep(l);
            case SLICE_NORM -> TornadoUpdates.sliceNorm(l);
            case SLICE_DECAY -> TornadoUpdates.sliceDecay(l);
            case PROJECT_SLICES -> TornadoProjections.slices(l);
        }
    }
}
