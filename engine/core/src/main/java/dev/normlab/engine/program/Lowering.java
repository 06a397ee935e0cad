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

/// Brings one operation to a device's kernels: decides layouts by the opcode's [LayoutRule], repacks inputs that lie otherwise, takes output memory from the
/// pool, and calls the kernel. Eager execution and replay both come through here, which is why they agree bitwise.
final class Lowering {

    private final Device device;
    private final Dispatch dispatch;

    Lowering(Device device) {
        this.device = device;
        this.dispatch = new Dispatch(device);
    }

    /// Runs an operation with new outputs, which are taken from the pool.
    Storage[] run(Opcode opcode, @Nullable Object attributes, List<TensorSpec> specs, @Nullable Storage[] inputs) {
        Layout[] inputLayouts = new Layout[inputs.length];
        Layout[] outputLayouts = new Layout[specs.size()];
        plan(opcode, attributes, specs, inputs, inputLayouts, outputLayouts);
        @Nullable Storage[] operands = repack(inputs, inputLayouts);
        Storage[] outputs = new Storage[specs.size()];
        for (int i = 0; i < outputs.length; i++) {
            outputs[i] = device.pool().take(specs.get(i).dtype(), specs.get(i).shape(), outputLayouts[i]);
        }
        device.countCall(opcode.name());
        dispatch.run(opcode, attributes, operands, outputs);
        giveBackCopies(inputs, operands);
        return outputs;
    }

    /// Runs an operation that changes its targets in place.
    void update(Opcode opcode, @Nullable Object attributes, Storage[] targets, @Nullable Storage[] inputs) {
        Layout[] inputLayouts = new Layout[inputs.length];
        for (int i = 0; i < inputs.length; i++) {
            inputLayouts[i] = Layout.PLAIN;
        }
        @Nullable Storage[] operands = repack(inputs, inputLayouts);
        device.countCall(opcode.name());
        dispatch.update(opcode, attributes, targets, operands);
        for (Storage target : targets) {
            target.touch();
        }
        giveBackCopies(inputs, operands);
    }

    private void plan(Opcode opcode, @Nullable Object attributes, List<TensorSpec> specs, @Nullable Storage[] inputs, Layout[] inputLayouts,
            Layout[] outputLayouts) {
        Layout common = switch (opcode.rule()) {
            case ELEMENTWISE -> elementwiseLayout(specs.getFirst().shape(), inputs);
            case CHANNELS -> channelsLayout(attributes, specs, inputs);
            case PLAIN, ACTIVATION, UPDATE -> Layout.PLAIN;
        };
        for (int i = 0; i < inputs.length; i++) {
            Storage input = inputs[i];
            inputLayouts[i] = input == null ? Layout.PLAIN : operandLayout(opcode.inputIsActivation(i), common, input.shape());
        }
        for (int i = 0; i < outputLayouts.length; i++) {
            outputLayouts[i] = specs.get(i).dtype() == DType.INT32
                    ? Layout.PLAIN
                    : operandLayout(opcode.outputIsActivation(i), common, specs.get(i).shape());
        }
    }

    private Layout operandLayout(boolean activation, Layout common, Shape shape) {
        if (activation && shape.rank() == 4) {
            return device.kernels().activationLayout(shape);
        }
        return common.isBlocked() && shape.rank() == 4 && shape.elements() > 1 ? common : Layout.PLAIN;
    }

    private static Layout elementwiseLayout(Shape out, @Nullable Storage[] inputs) {
        Layout blocked = Layout.PLAIN;
        for (Storage input : inputs) {
            if (input != null && input.layout().isBlocked() && input.shape().equals(out)) {
                blocked = input.layout();
                break;
            }
        }
        if (!blocked.isBlocked()) {
            return Layout.PLAIN;
        }
        for (Storage input : inputs) {
            boolean fits = input == null || input.shape().elements() == 1
                    || input.shape().rank() == 4 && input.shape().size(1) == out.size(1);
            if (!fits) {
                return Layout.PLAIN;
            }
        }
        return blocked;
    }

    private static Layout channelsLayout(@Nullable Object attributes, List<TensorSpec> specs, @Nullable Storage[] inputs) {
        Storage first = inputs[0];
        if (first == null || !first.layout().isBlocked()) {
            return Layout.PLAIN;
        }
        int block = first.layout().block();
        int axis = attributes instanceof Attributes.Slice slice ? slice.axis() : (Integer) Objects.requireNonNull(attributes);
        if (axis != 1) {
            return first.layout();
        }
        boolean whole = !(attributes instanceof Attributes.Slice slice) || slice.start() % block == 0;
        for (Storage input : inputs) {
            whole &= input == null || input.shape().size(1) % block == 0;
        }
        for (TensorSpec spec : specs) {
            whole &= spec.shape().size(1) % block == 0;
        }
        return whole ? first.layout() : Layout.PLAIN;
    }

    private @Nullable Storage[] repack(@Nullable Storage[] inputs, Layout[] layouts) {
        @Nullable Storage[] operands = inputs.clone();
        for (int i = 0; i < inputs.length; i++) {
            Storage input = inputs[i];
            if (input != null && input.dtype() == DType.FLOAT32 && !input.layout().equals(layouts[i])) {
                Storage copy = device.pool().take(DType.FLOAT32, input.shape(), layouts[i]);
                device.kernels().arrangements().repack(input, copy, device.workspace());
                device.countRepack();
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
