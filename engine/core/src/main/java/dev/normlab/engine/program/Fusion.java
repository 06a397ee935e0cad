package dev.normlab.engine.program;

import dev.normlab.engine.kernel.BatchNormSizes;
import dev.normlab.engine.kernel.BinaryFunction;
import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.Conv2dSizes;
import dev.normlab.engine.kernel.UnaryFunction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Puts one fused operation in the place of several whose intermediate results nobody else reads, so that large tensors are read and
/// written fewer times.
///
/// What is fused: batch norm and ReLU, with a residual added between them or not; a batch norm of given statistics, also with sum and ReLU,
/// with the convolution before it; the statistics of a batch norm with the convolution before it; a sum and a ReLU; the gradients of batch
/// norm and ReLU; and the gradient of a ReLU behind a sum with the parameters' gradients of the batch norm before the sum. Every fused
/// operation gives the bits of those that it replaces. An operation moves only where all that it reads is there already and is not changed
/// in between.
public final class Fusion {

    private final StepProgram program;
    private final @Nullable Operation[] operations;
    // For every value: the operation that makes it, or -1; those that read it; those that change it in place.
    private final int[] makers;
    private final List<List<Integer>> readers = new ArrayList<>();
    private final List<List<Integer>> changers = new ArrayList<>();

    private Fusion(StepProgram program) {
        this.program = program;
        this.operations = program.operations().toArray(new Operation[0]);
        this.makers = new int[program.values().size()];
        for (int value = 0; value < makers.length; value++) {
            readers.add(new ArrayList<>());
            changers.add(new ArrayList<>());
        }
        index();
    }

    /// A program with the same values, feeds and fetches and with fewer operations.
    public static StepProgram fuse(StepProgram program) {
        Fusion fusion = new Fusion(program);
        for (int i = 0; i < fusion.operations.length; i++) {
            fusion.fuseForward(i);
        }
        for (int i = 0; i < fusion.operations.length; i++) {
            fusion.fuseBackward(i);
            fusion.fuseConvolution(i);
        }
        for (int i = 0; i < fusion.operations.length; i++) {
            fusion.takeStatistics(i);
        }
        List<Operation> left = Arrays.stream(fusion.operations).filter(Objects::nonNull).toList();
        return new StepProgram(program.values(), left, program.feeds(), program.fetches());
    }

    // ---- forward ----

    private void fuseForward(int at) {
        Operation relu = operations[at];
        if (relu == null || relu.opcode() != Opcode.UNARY || relu.attributes() != UnaryFunction.RELU) {
            return;
        }
        int before = onlyMaker(relu.inputs()[0], at);
        Operation maker = operationAt(before);
        if (maker == null) {
            return;
        }
        if (isNormalised(maker, relu.inputs()[0])) {
            replace(before, withRelu(maker, -1, relu.outputs()[0]), at);
        } else if (isPlainSum(maker)) {
            fuseSum(before, maker, at, relu);
        }
    }

    // The later of two summands, if a batch norm makes it for this sum alone, takes sum and ReLU in.
    private void fuseSum(int sumAt, Operation sum, int reluAt, Operation relu) {
        int later = makers[sum.inputs()[0]] > makers[sum.inputs()[1]] ? 0 : 1;
        int residual = sum.inputs()[1 - later];
        int normAt = onlyMaker(sum.inputs()[later], sumAt);
        Operation norm = operationAt(normAt);
        if (norm != null && isNormalised(norm, sum.inputs()[later]) && makers[residual] < normAt && isUnchanged(normAt, sumAt, residual)) {
            replace(normAt, withRelu(norm, residual, relu.outputs()[0]), sumAt, reluAt);
        } else {
            replace(sumAt, new Operation(Opcode.ADD_RELU, null, sum.inputs(), relu.outputs()), reluAt);
        }
    }

    // A batch norm of given statistics, and all it took in, goes into the convolution before it.
    private void fuseConvolution(int at) {
        Operation norm = operations[at];
        if (norm == null || norm.opcode() != Opcode.BATCH_NORM_EVAL && norm.opcode() != Opcode.BATCH_NORM_EVAL_RELU
                || !(norm.attributes() instanceof BatchNormSizes sizes)) {
            return;
        }
        int[] given = norm.inputs();
        int before = onlyMaker(given[0], at);
        Operation maker = operationAt(before);
        if (maker == null || maker.opcode() != Opcode.CONV2D || !(maker.attributes() instanceof Conv2dSizes convolution)
                || !isUnchanged(before, at, maker.inputs())) {
            return;
        }
        boolean relu = norm.opcode() == Opcode.BATCH_NORM_EVAL_RELU;
        int[] read = maker.inputs();
        int[] inputs = {read[0], read[1], read[2], given[1], given[2], given[3], given[4], relu ? given[5] : -1};
        replace(at, new Operation(Opcode.CONV2D_BATCH_NORM_EVAL, new Attributes.NormalisedConvolution(convolution, sizes, relu), inputs,
                norm.outputs()), before);
    }

    // The convolution before a batch norm takes its statistics, and the batch norm reads its input once.
    private void takeStatistics(int at) {
        Operation norm = operations[at];
        if (norm == null || norm.opcode() != Opcode.BATCH_NORM_TRAIN && norm.opcode() != Opcode.BATCH_NORM_TRAIN_RELU) {
            return;
        }
        int[] given = norm.inputs(), made = norm.outputs();
        int before = makers[given[0]];
        Operation maker = operationAt(before);
        if (maker == null || maker.opcode() != Opcode.CONV2D || maker.outputs()[0] != given[0] || !isUnchanged(before, at, given[0])) {
            return;
        }
        boolean relu = norm.opcode() == Opcode.BATCH_NORM_TRAIN_RELU;
        int[] inputs = relu
                ? new int[] {given[0], given[1], given[2], made[1], made[2], given[3]}
                : new int[] {given[0], given[1], given[2], made[1], made[2]};
        operations[before] = new Operation(Opcode.CONV2D_STATISTICS, maker.attributes(), maker.inputs(),
                new int[] {given[0], made[1], made[2]});
        replace(at, new Operation(relu ? Opcode.BATCH_NORM_EVAL_RELU : Opcode.BATCH_NORM_EVAL, norm.attributes(), inputs,
                new int[] {made[0]}));
    }

    private static Operation withRelu(Operation norm, int residual, int output) {
        int[] inputs = Arrays.copyOf(norm.inputs(), norm.inputs().length + 1);
        inputs[inputs.length - 1] = residual;
        int[] outputs = norm.outputs().clone();
        outputs[0] = output;
        Opcode opcode = norm.opcode() == Opcode.BATCH_NORM_TRAIN ? Opcode.BATCH_NORM_TRAIN_RELU : Opcode.BATCH_NORM_EVAL_RELU;
        return new Operation(opcode, norm.attributes(), inputs, outputs);
    }

    /// Whether a value is what a batch norm makes of its input, and not one of the statistics that it also makes.
    private static boolean isNormalised(Operation operation, int value) {
        return (operation.opcode() == Opcode.BATCH_NORM_TRAIN || operation.opcode() == Opcode.BATCH_NORM_EVAL)
                && operation.outputs()[0] == value;
    }

    /// Whether this is a sum of two tensors of one shape.
    private static boolean isPlainSum(Operation operation) {
        return operation.opcode() == Opcode.BINARY && operation.attributes() instanceof BroadcastSizes s
                && s.function() == BinaryFunction.ADD && s.a().equals(s.out()) && s.b().equals(s.out());
    }

    // ---- backward ----

    private void fuseBackward(int at) {
        Operation relu = operations[at];
        if (relu == null || relu.opcode() != Opcode.UNARY_BACKWARD || relu.attributes() != UnaryFunction.RELU) {
            return;
        }
        if (!fuseTrain(at, relu) && !fuseEval(at, relu)) {
            fuseResidual(at, relu);
        }
    }

    // y = relu(batch norm of x): the gradients of both.
    private boolean fuseTrain(int at, Operation relu) {
        int y = relu.inputs()[0];
        int dOut = relu.inputs()[1];
        Operation norm = operationAt(makers[y]);
        List<Integer> users = List.copyOf(readers.get(relu.outputs()[0]));
        if (norm == null || norm.opcode() != Opcode.BATCH_NORM_TRAIN_RELU || norm.outputs()[0] != y || norm.inputs()[3] >= 0
                || users.size() != 2
                || !isOnlyRead(relu.outputs()[0])) {
            return false;
        }
        int[] from = norm.inputs();
        int mean = norm.outputs()[1];
        int var = norm.outputs()[2];
        int gradient = relu.outputs()[0];
        Operation parameters = operationAt(users.get(0));
        Operation input = operationAt(users.get(1));
        if (parameters == null || input == null
                || !reads(parameters, Opcode.BATCH_NORM_BACKWARD_PARAMETERS, norm.attributes(), from[0], gradient, mean, var)
                || !reads(input, Opcode.BATCH_NORM_TRAIN_BACKWARD_INPUT, norm.attributes(), from[0], gradient, from[1], mean, var,
                        parameters.outputs()[0], parameters.outputs()[1])
                || !isUnchanged(makers[y], users.get(1), y, from[0], from[1], from[2], mean, var, dOut)) {
            return false;
        }
        replace(users.get(0),
                new Operation(Opcode.BATCH_NORM_TRAIN_RELU_BACKWARD, norm.attributes(),
                        new int[] {from[0], dOut, from[1], from[2], mean, var},
                        new int[] {input.outputs()[0], parameters.outputs()[0], parameters.outputs()[1]}),
                at, users.get(1));
        return true;
    }

    // Constant statistics: one factor per channel, where the ReLU lets the gradient through.
    private boolean fuseEval(int at, Operation relu) {
        int gradient = relu.outputs()[0];
        List<Integer> users = List.copyOf(readers.get(gradient));
        Operation input = users.size() == 1 ? operationAt(users.getFirst()) : null;
        if (input == null || input.opcode() != Opcode.BATCH_NORM_EVAL_BACKWARD_INPUT || !isOnlyRead(gradient)
                || !isUnchanged(at, users.getFirst(), relu.inputs())) {
            return false;
        }
        replace(users.getFirst(), new Operation(Opcode.BATCH_NORM_EVAL_RELU_BACKWARD_INPUT, input.attributes(),
                new int[] {relu.inputs()[0], relu.inputs()[1], input.inputs()[1], input.inputs()[2]}, input.outputs()), at);
        return true;
    }

    // The gradient of a ReLU that several operations read, among them a batch norm that wants its parameters' gradients.
    private void fuseResidual(int at, Operation relu) {
        int gradient = relu.outputs()[0];
        for (int user : List.copyOf(readers.get(gradient))) {
            Operation parameters = operationAt(user);
            if (parameters != null && parameters.opcode() == Opcode.BATCH_NORM_BACKWARD_PARAMETERS && parameters.inputs()[1] == gradient) {
                int[] read = parameters.inputs();
                if (existBefore(at, read[0], read[2], read[3]) && isUnchanged(at, user, gradient, read[0], read[2], read[3])
                        && parameters.attributes() instanceof BatchNormSizes) {
                    takeIn(at, relu, user, parameters);
                    return;
                }
            }
        }
    }

    private void takeIn(int at, Operation relu, int user, Operation parameters) {
        int dOut = relu.inputs()[1];
        int more = -1;
        int sumAt = onlyMaker(dOut, at);
        Operation sum = operationAt(sumAt);
        boolean fused = sum != null && isPlainSum(sum) && isUnchanged(sumAt, at, sum.inputs());
        if (fused && sum != null) {
            dOut = sum.inputs()[0];
            more = sum.inputs()[1];
        }
        int[] read = parameters.inputs();
        Operation all = new Operation(Opcode.RELU_BATCH_NORM_BACKWARD_PARAMETERS, parameters.attributes(),
                new int[] {relu.inputs()[0], dOut, more, read[0], read[2], read[3]},
                new int[] {relu.outputs()[0], parameters.outputs()[0], parameters.outputs()[1]});
        if (fused) {
            replace(at, all, user, sumAt);
        } else {
            replace(at, all, user);
        }
    }

    private static boolean reads(Operation operation, Opcode opcode, @Nullable Object attributes, int... inputs) {
        return operation.opcode() == opcode && Objects.equals(operation.attributes(), attributes)
                && Arrays.equals(operation.inputs(), inputs);
    }

    // ---- who makes and reads what ----

    private @Nullable Operation operationAt(int index) {
        return index < 0 ? null : operations[index];
    }

    /// The operation that makes a value which only `reader` reads and nobody fetches, or -1.
    private int onlyMaker(int value, int reader) {
        return isOnlyRead(value) && readers.get(value).equals(List.of(reader)) ? makers[value] : -1;
    }

    /// Whether a value is made by the program, not fetched, and never changed in place.
    private boolean isOnlyRead(int value) {
        return program.values().get(value).role() == StepProgram.Role.INTERMEDIATE && !program.fetches().containsValue(value)
                && isUnchanged(-1, operations.length, value);
    }

    private boolean existBefore(int index, int... values) {
        return Arrays.stream(values).allMatch(value -> makers[value] < index);
    }

    /// Whether no operation between these two (exclusive) changes one of the values in place; absent ones do not count.
    private boolean isUnchanged(int from, int to, int... values) {
        for (int value : values) {
            if (value >= 0 && changers.get(value).stream().anyMatch(change -> from < change && change < to)) {
                return false;
            }
        }
        return true;
    }

    private void replace(int at, Operation fused, int... absorbed) {
        for (int index : absorbed) {
            operations[index] = null;
        }
        operations[at] = fused;
        index();
    }

    private void index() {
        Arrays.fill(makers, -1);
        readers.forEach(List::clear);
        changers.forEach(List::clear);
        for (int i = 0; i < operations.length; i++) {
            Operation operation = operations[i];
            if (operation == null) {
                continue;
            }
            for (int input : operation.inputs()) {
                if (input >= 0 && (readers.get(input).isEmpty() || readers.get(input).getLast() != i)) {
                    readers.get(input).add(i);
                }
            }
            for (int output : operation.outputs()) {
                if (operation.opcode().updatesInPlace()) {
                    changers.get(output).add(i);
                } else {
                    makers[output] = i;
                }
            }
        }
    }
}
