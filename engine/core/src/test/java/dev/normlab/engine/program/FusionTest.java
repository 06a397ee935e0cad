package dev.normlab.engine.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.normlab.engine.autograd.Activations;
import dev.normlab.engine.autograd.Arithmetic;
import dev.normlab.engine.autograd.BatchNorm;
import dev.normlab.engine.autograd.Conv2dGeometry;
import dev.normlab.engine.autograd.Convolution;
import dev.normlab.engine.autograd.Gradients;
import dev.normlab.engine.autograd.Reductions;
import dev.normlab.engine.autograd.Tape;
import dev.normlab.engine.kernel.BinaryFunction;
import dev.normlab.engine.kernel.BroadcastSizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.UnaryFunction;
import dev.normlab.engine.kernel.scalar.ScalarKernels;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Which operations become one, and which must not.
class FusionTest {

    private static final TensorSpec IMAGE = TensorSpec.floats(2, 3, 4, 4);

    private final Device device = Device.of(new ScalarKernels(), 1, true);
    private final Recorder recorder = new Recorder(device);
    private final Tensor x = recorder.feed("x", IMAGE);
    private final Tensor weight = Tensor.full(1f, 3);
    private final Tensor bias = Tensor.zeros(3);
    private final Tensor mean = Tensor.zeros(3);
    private final Tensor var = Tensor.full(1f, 3);

    @AfterEach
    void close() {
        device.close();
    }

    private Tensor norm(Tape tape, Tensor input) {
        return BatchNorm.train(tape, input, weight, bias, mean, var, 0.1f, 1e-5f);
    }

    private List<Opcode> fused() {
        return Fusion.fuse(recorder.program()).operations().stream().map(Operation::opcode).toList();
    }

    private Tensor watchedSum(Tape tape, Tensor y) {
        return Reductions.sum(tape, Arithmetic.square(tape, y), false);
    }

    @Test
    void batchNormAndReluBecomeOneOperationForwardsAndOneBackwards() {
        Tape tape = new Tape(recorder, List.of(x, weight, bias));
        Gradients gradients = tape.backward(watchedSum(tape, Activations.relu(tape, norm(tape, x))));
        recorder.fetch("dx", gradients.of(x));
        recorder.fetch("dWeight", gradients.of(weight));
        List<Opcode> opcodes = fused();
        assertEquals(List.of(Opcode.BATCH_NORM_TRAIN_RELU, Opcode.UPDATE_RUNNING_STATISTICS), opcodes.subList(0, 2));
        assertEquals(Opcode.BATCH_NORM_TRAIN_RELU_BACKWARD, opcodes.getLast());
        assertFalse(opcodes.contains(Opcode.BATCH_NORM_BACKWARD_PARAMETERS));
    }

    @Test
    void theLaterBatchNormTakesTheSumInWhateverTheOrderOfTheSummands() {
        Tape tape = new Tape(recorder, List.of());
        Tensor first = norm(tape, x);
        Tensor second = norm(tape, x);
        recorder.fetch("y", Activations.relu(tape, Arithmetic.add(tape, first, second)));
        Operation last = Fusion.fuse(recorder.program()).operations().get(2);
        assertEquals(Opcode.BATCH_NORM_TRAIN_RELU, last.opcode());
        assertEquals(recorder.program().operations().getFirst().outputs()[0], last.inputs()[3], "the residual is the first batch norm");
        assertEquals(recorder.program().fetches().get("y"), last.outputs()[0]);
        assertEquals(4, fused().size());
    }

    @Test
    void aSumWithoutBatchNormIsFusedWithItsRelu() {
        Tape tape = new Tape(recorder, List.of());
        recorder.fetch("y", Activations.relu(tape, Arithmetic.add(tape, Arithmetic.scale(tape, x, 2f), x)));
        assertEquals(List.of(Opcode.SCALE, Opcode.ADD_RELU), fused());
    }

    @Test
    void theGradientBehindASumIsMaskedOnceForBatchNormAndShortcut() {
        Tape tape = new Tape(recorder, List.of(x, weight));
        Tensor y = Activations.relu(tape, Arithmetic.add(tape, norm(tape, x), x));
        Tensor z = Activations.relu(tape, Arithmetic.add(tape, norm(tape, y), y));
        recorder.fetch("dx", tape.backward(watchedSum(tape, z)).of(x));
        List<Opcode> opcodes = fused();
        assertEquals(2, opcodes.stream().filter(Opcode.RELU_BATCH_NORM_BACKWARD_PARAMETERS::equals).count());
        assertFalse(opcodes.contains(Opcode.UNARY_BACKWARD) && opcodes.indexOf(Opcode.UNARY_BACKWARD) != opcodes.lastIndexOf(
                Opcode.UNARY_BACKWARD), "only the square has a gradient of its own");
        Operation second = Fusion.fuse(recorder.program()).operations().stream()
                .filter(operation -> operation.opcode() == Opcode.RELU_BATCH_NORM_BACKWARD_PARAMETERS).toList().getLast();
        assertTrue(second.inputs()[2] >= 0, "the sum of the two gradients of y is taken in");
    }

    @Test
    void inEvalModeTheWholeBlockIsOneOperationEachWay() {
        Tape tape = new Tape(recorder, List.of(x));
        Tensor y = Activations.relu(tape, BatchNorm.eval(tape, x, weight, bias, mean, var, 1e-5f));
        recorder.fetch("dx", tape.backward(watchedSum(tape, y)).of(x));
        List<Opcode> opcodes = fused();
        assertEquals(Opcode.BATCH_NORM_EVAL_RELU, opcodes.getFirst());
        assertEquals(Opcode.BATCH_NORM_EVAL_RELU_BACKWARD_INPUT, opcodes.getLast());
    }

    @Test
    void aConvolutionTakesInTheBatchNormBehindItUnlessItsOwnResultIsNeeded() {
        Tape tape = new Tape(recorder, List.of());
        Tensor filter = Tensor.full(0.5f, 3, 3, 1, 1);
        Tensor y = Convolution.conv2d(tape, x, filter, null, Conv2dGeometry.of(1, 0, 1));
        Tensor z = BatchNorm.eval(tape, Convolution.conv2d(tape, x, filter, null, Conv2dGeometry.of(1, 0, 1)), weight, bias, mean, var,
                1e-5f);
        recorder.fetch("z", Activations.relu(tape, Arithmetic.add(tape, z, BatchNorm.eval(tape, y, weight, bias, mean, var, 1e-5f))));
        assertEquals(List.of(Opcode.CONV2D_BATCH_NORM_EVAL, Opcode.CONV2D_BATCH_NORM_EVAL), fused());
        recorder.fetch("y", y);
        assertEquals(List.of(Opcode.CONV2D, Opcode.CONV2D_BATCH_NORM_EVAL, Opcode.BATCH_NORM_EVAL_RELU), fused());
    }

    @Test
    void aConvolutionTakesTheStatisticsOfTheBatchNormBehindItWhoeverElseReadsItsResult() {
        Tape tape = new Tape(recorder, List.of());
        Tensor filter = Tensor.full(0.5f, 3, 3, 1, 1);
        Tensor y = Convolution.conv2d(tape, x, filter, null, Conv2dGeometry.of(1, 0, 1));
        recorder.fetch("y", y);
        recorder.fetch("z", Activations.relu(tape, Arithmetic.add(tape, norm(tape, y), x)));
        List<Operation> operations = Fusion.fuse(recorder.program()).operations();
        assertEquals(List.of(Opcode.CONV2D_STATISTICS, Opcode.BATCH_NORM_EVAL_RELU, Opcode.UPDATE_RUNNING_STATISTICS), fused());
        assertEquals(operations.get(0).outputs()[1], operations.get(1).inputs()[3], "the mean");
        assertEquals(operations.get(0).outputs()[2], operations.get(1).inputs()[4], "the variance");
        assertEquals(recorder.program().fetches().get("z"), operations.get(1).outputs()[0]);
    }

    @Test
    void aResultThatIsChangedBeforeItsBatchNormKeepsItsStatisticsThere() {
        Tape tape = new Tape(recorder, List.of());
        Tensor y = Convolution.conv2d(tape, x, Tensor.full(0.5f, 3, 3, 1, 1), null, Conv2dGeometry.of(1, 0, 1));
        recorder.update(Opcode.ADD_SCALED, null, List.of(y), x, Tensor.scalar(1f));
        recorder.fetch("z", norm(tape, y));
        assertEquals(Opcode.CONV2D, fused().getFirst());
    }

    @Test
    void whatIsFetchedOrReadTwiceStays() {
        Tape tape = new Tape(recorder, List.of());
        Tensor y = norm(tape, x);
        recorder.fetch("normalised", y);
        recorder.fetch("relu", Activations.relu(tape, y));
        Tensor z = norm(tape, x);
        recorder.fetch("sum", Arithmetic.add(tape, Activations.relu(tape, z), z));
        assertFalse(fused().contains(Opcode.BATCH_NORM_TRAIN_RELU));
    }

    @Test
    void nothingMovesAcrossAChangeInPlace() {
        Tape tape = new Tape(recorder, List.of());
        Tensor state = Tensor.zeros(2, 3, 4, 4).named("state");
        Tensor y = norm(tape, x);
        recorder.update(Opcode.ASSIGN, null, List.of(state), x);
        recorder.fetch("y", Activations.relu(tape, Arithmetic.add(tape, y, state)));
        assertTrue(fused().contains(Opcode.ADD_RELU), "the state of after the assignment is meant");
        assertFalse(fused().contains(Opcode.BATCH_NORM_TRAIN_RELU));
    }

    @Test
    void theStatisticsOfABatchNormAreNotTakenForItsResult() {
        Tape tape = new Tape(recorder, List.of());
        norm(tape, x);
        StepProgram program = recorder.program();
        Operation made = program.operations().getFirst();
        int first = program.values().size();
        List<StepProgram.Value> values = new ArrayList<>(program.values());
        StepProgram.Value statistic = values.get(made.outputs()[1]);
        for (int i = 0; i < 3; i++) {
            values.add(new StepProgram.Value(statistic.spec(), StepProgram.Role.INTERMEDIATE, null, null));
        }
        int otherMean = values.size();
        values.add(new StepProgram.Value(statistic.spec(), StepProgram.Role.INTERMEDIATE, null, null));
        int y = made.outputs()[0];
        values.add(values.get(y));
        values.add(new StepProgram.Value(statistic.spec(), StepProgram.Role.INTERMEDIATE, null, null));
        Operation second = new Operation(made.opcode(), made.attributes(), made.inputs(),
                new int[] {otherMean + 1, otherMean, otherMean + 2});
        BroadcastSizes sum = new BroadcastSizes(BinaryFunction.ADD, statistic.spec().shape(), statistic.spec().shape(),
                statistic.spec().shape());
        List<Operation> operations = List.of(made, second,
                new Operation(Opcode.UNARY, UnaryFunction.RELU, new int[] {made.outputs()[1]}, new int[] {first}),
                new Operation(Opcode.BINARY, sum, new int[] {first, otherMean}, new int[] {first + 1}),
                new Operation(Opcode.UNARY, UnaryFunction.RELU, new int[] {first + 1}, new int[] {first + 2}));
        StepProgram handmade = new StepProgram(values, operations, program.feeds(), Map.of("relu of a mean", first + 2));
        List<Opcode> opcodes = Fusion.fuse(handmade).operations().stream().map(Operation::opcode).toList();
        assertEquals(List.of(Opcode.BATCH_NORM_TRAIN, Opcode.BATCH_NORM_TRAIN, Opcode.UNARY, Opcode.ADD_RELU), opcodes);
    }
}
