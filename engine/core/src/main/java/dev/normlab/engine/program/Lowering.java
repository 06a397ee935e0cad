package dev.normlab.engine.program;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Brings one operation to a device's kernels: decides layouts by the opcode's [LayoutRule], repacks inputs that lie otherwise, takes
/// output memory from the pool, and calls the kernel. Eager execution and replay both come through here, which is why they agree bitwise; a
/// replay has made the decisions beforehand ([MemoryPlan]).
final class Lowering {

    private final Device device;
    private final Dispatch dispatch;

    Lowering(Device device) {
        this.device = device;
        this.dispatch = new Dispatch(device);
    }

    /// The layouts in which an operation's kernel wants its operands (null for absent ones) and makes its results.
    record Layouts(@Nullable Layout[] inputs, Layout[] outputs) {}

    /// Runs an operation with new outputs, which are taken from the pool.
    Storage[] run(Opcode opcode, @Nullable Object attributes, List<TensorSpec> specs, @Nullable Storage[] inputs) {
        Layouts layouts = layouts(opcode, attributes, specs, inputs);
        @Nullable Storage[] operands = repack(inputs, layouts);
        Storage[] outputs = new Storage[specs.size()];
        for (int i = 0; i < outputs.length; i++) {
            outputs[i] = device.pool().take(specs.get(i).dtype(), specs.get(i).shape(), layouts.outputs[i]);
        }
        execute(opcode, attributes, operands, outputs);
        giveBackCopies(inputs, operands);
        return outputs;
    }

    /// Runs an operation that changes its targets in place.
    void update(Opcode opcode, @Nullable Object attributes, Storage[] targets, @Nullable Storage[] inputs) {
        @Nullable Storage[] operands = repack(inputs, layouts(opcode, attributes, List.of(), inputs));
        executeUpdate(opcode, attributes, targets, operands);
        giveBackCopies(inputs, operands);
    }

    /// Calls the kernel of an operation whose operands and results lie as [#layouts] says.
    void execute(Opcode opcode, @Nullable Object attributes, @Nullable Storage[] operands, Storage[] results) {
        device.countCall(opcode.name());
        dispatch.run(opcode, attributes, operands, results);
    }

    /// Calls the kernel of an operation in place.
    void executeUpdate(Opcode opcode, @Nullable Object attributes, Storage[] targets, @Nullable Storage[] operands) {
        device.countCall(opcode.name());
        dispatch.update(opcode, attributes, targets, operands);
        for (Storage target : targets) {
            target.touch();
        }
    }

    /// Copies a tensor into another layout.
    void repack(Storage from, Storage to) {
        device.kernels().arrangements().repack(from, to, device.workspace());
        device.countRepack();
    }

    private Layouts layouts(Opcode opcode, @Nullable Object attributes, List<TensorSpec> specs, @Nullable Storage[] inputs) {
        @Nullable TensorSpec[] inputSpecs = new TensorSpec[inputs.length];
        @Nullable Layout[] given = new Layout[inputs.length];
        for (int i = 0; i < inputs.length; i++) {
            Storage input = inputs[i];
            inputSpecs[i] = input == null ? null : new TensorSpec(input.shape(), input.dtype());
            given[i] = input == null ? null : input.layout();
        }
        return layouts(opcode, attributes, specs, inputSpecs, given);
    }

    /// Decides the layouts of an operation.
    ///
    /// @param specs  of the results; none for an operation in place
    /// @param inputs the operands, null for absent ones
    /// @param given  the layouts in which the operands lie now
    Layouts layouts(Opcode opcode, @Nullable Object attributes, List<TensorSpec> specs, @Nullable TensorSpec[] inputs,
            @Nullable Layout[] given) {
        Layout common = switch (opcode.rule()) {
            case ELEMENTWISE -> elementwiseLayout(specs.getFirst().shape(), inputs, given);
            case CHANNELS -> channelsLayout(attributes, specs, inputs, given[0]);
            case PLAIN, ACTIVATION, UPDATE -> Layout.PLAIN;
        };
        @Nullable Layout[] wanted = new Layout[inputs.length];
        for (int i = 0; i < inputs.length; i++) {
            TensorSpec input = inputs[i];
            wanted[i] = input == null ? null : layout(opcode.inputIsActivation(i), common, input);
        }
        Layout[] made = new Layout[specs.size()];
        for (int i = 0; i < made.length; i++) {
            made[i] = layout(opcode.outputIsActivation(i), common, specs.get(i));
        }
        return new Layouts(wanted, made);
    }

    private Layout layout(boolean activation, Layout common, TensorSpec spec) {
        return spec.dtype() == DType.INT32 ? Layout.PLAIN : operandLayout(activation, common, spec.shape());
    }

    private Layout operandLayout(boolean activation, Layout common, Shape shape) {
        if (activation && shape.rank() == 4) {
            return device.kernels().activationLayout(shape);
        }
        return common.isBlocked() && shape.rank() == 4 && shape.elements() > 1 ? common : Layout.PLAIN;
    }

    private static Layout elementwiseLayout(Shape out, @Nullable TensorSpec[] inputs, @Nullable Layout[] given) {
        Layout blocked = Layout.PLAIN;
        for (int i = 0; i < inputs.length && !blocked.isBlocked(); i++) {
            TensorSpec input = inputs[i];
            Layout layout = given[i];
            if (input != null && layout != null && layout.isBlocked() && input.shape().equals(out)) {
                blocked = layout;
            }
        }
        if (!blocked.isBlocked()) {
            return Layout.PLAIN;
        }
        for (TensorSpec input : inputs) {
            boolean fits = input == null || input.shape().elements() == 1
                    || input.shape().rank() == 4 && input.shape().size(1) == out.size(1);
            if (!fits) {
                return Layout.PLAIN;
            }
        }
        return blocked;
    }

    private static Layout channelsLayout(@Nullable Object attributes, List<TensorSpec> specs, @Nullable TensorSpec[] inputs,
            @Nullable Layout first) {
        if (first == null || !first.isBlocked()) {
            return Layout.PLAIN;
        }
        int block = first.block();
        int axis = attributes instanceof Attributes.Slice slice ? slice.axis() : (Integer) Objects.requireNonNull(attributes);
        if (axis != 1) {
            return first;
        }
        boolean whole = !(attributes instanceof Attributes.Slice slice) || slice.start() % block == 0;
        for (TensorSpec input : inputs) {
            whole &= input == null || input.shape().size(1) % block == 0;
        }
        for (TensorSpec spec : specs) {
            whole &= spec.shape().size(1) % block == 0;
        }
        return whole ? first : Layout.PLAIN;
    }

    private @Nullable Storage[] repack(@Nullable Storage[] inputs, Layouts layouts) {
        @Nullable Storage[] operands = inputs.clone();
        for (int i = 0; i < inputs.length; i++) {
            Storage input = inputs[i];
            Layout wanted = layouts.inputs[i];
            if (input != null && wanted != null && input.dtype() == DType.FLOAT32 && !input.layout().equals(wanted)) {
                Storage copy = device.pool().take(DType.FLOAT32, input.shape(), wanted);
                repack(input, copy);
                operands[i] = copy;
            }
        }
        return operands;
    }

    private void giveBackCopies(@Nullable Storage[] inputs, @Nullable Storage[] operands) {
        for (int i = 0; i < inputs.length; i++) {
            Storage operand = operands[i];
            if (operand != null && operand != inputs[i]) {
                device.pool().giveBack(operand);
            }
        }
    }
}
