package dev.normlab.testkit;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.Executor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The cases of all families, and how one is run.
public final class OperationCases {

    private OperationCases() {}

    /// Every case of the contract.
    public static List<OperationCase> all() {
        List<OperationCase> cases = new ArrayList<>(ConvolutionCases.convolutions());
        cases.addAll(ConvolutionCases.matrixProducts());
        cases.addAll(BatchNormCases.all());
        cases.addAll(PoolingCases.all());
        cases.addAll(ElementwiseCases.all());
        cases.addAll(ReductionCases.all());
        cases.addAll(ArrangementCases.all());
        cases.addAll(LossCases.all());
        cases.addAll(UpdateCases.all());
        cases.addAll(AttackCases.all());
        cases.addAll(AutoPgdCases.all());
        return cases;
    }

    /// A few cases of every opcode, spread over its list, none with an operand of more than `maxElements` elements.
    ///
    /// @param each how many of every opcode, if there are as many
    public static List<OperationCase> fewOfEveryOpcode(int each, int maxElements) {
        Map<Opcode, List<OperationCase>> byOpcode = new EnumMap<>(Opcode.class);
        for (OperationCase operation : all()) {
            if (largestOperand(operation) <= maxElements) {
                byOpcode.computeIfAbsent(operation.opcode(), _ -> new ArrayList<>()).add(operation);
            }
        }
        List<OperationCase> few = new ArrayList<>();
        for (List<OperationCase> list : byOpcode.values()) {
            int count = Math.min(each, list.size());
            for (int i = 0; i < count; i++) {
                few.add(list.get(i * list.size() / count));
            }
        }
        return few;
    }

    private static int largestOperand(OperationCase operation) {
        int largest = 0;
        for (Tensor input : operation.inputs()) {
            largest = Math.max(largest, input == null ? 0 : input.shape().elements());
        }
        return operation.outputs().stream().mapToInt(output -> output.shape().elements()).reduce(largest, Math::max);
    }

    /// Runs a case: its new tensors, or its targets after the update.
    ///
    /// @param inputs  the operands, in the case's order
    /// @param targets what an update changes
    public static List<Tensor> run(OperationCase operation, Executor executor, @Nullable Tensor[] inputs, List<Tensor> targets) {
        if (operation.opcode().updatesInPlace()) {
            executor.update(operation.opcode(), operation.attributes(), targets, inputs);
            return targets;
        }
        return executor.run(operation.opcode(), operation.attributes(), operation.outputs(), inputs);
    }

    /// A copy of a tensor in the layout in which the engine would have it: images in the activation layout if `blocked`, all others plain.
    public static Tensor place(Tensor tensor, Device device, boolean blocked) {
        Shape shape = tensor.shape();
        if (tensor.dtype() == DType.INT32) {
            return Tensor.ofInts(shape, tensor.toIntArray());
        }
        Layout layout = blocked && shape.rank() == 4 ? device.kernels().activationLayout(shape) : Layout.PLAIN;
        float[] values = new float[layout.length(shape)];
        layout.pack(shape, tensor.toArray(), values);
        return Tensor.of(Storage.ofFloats(shape, layout, values));
    }

    /// The bits of a tensor's values in row-major order: what two equal results share.
    public static int[] bits(Tensor tensor) {
        return tensor.dtype() == DType.INT32 ? tensor.toIntArray() : bits(tensor.toArray());
    }

    /// The bits of floats.
    public static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bits;
    }
}
