package dev.normlab.testkit;

import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// One operation with sizes, operands and the values it should give: a line of the contract of a backend.
///
/// @param name       what is special about it
/// @param opcode     the operation
/// @param attributes its attributes, or null
/// @param outputs    what it makes; empty for an update in place
/// @param targets    what it updates in place, before the update; empty for others
/// @param inputs     the operands, plain; null for an absent one
/// @param expected   the outputs, or the targets after the update
public record OperationCase(String name, Opcode opcode, @Nullable Object attributes, List<TensorSpec> outputs, List<Tensor> targets,
        List<@Nullable Tensor> inputs, Supplier<List<Expected>> expected) {

    public OperationCase {
        outputs = List.copyOf(outputs);
        targets = List.copyOf(targets);
        inputs = Collections.unmodifiableList(new ArrayList<>(inputs));
    }

    /// An operation with one output.
    public static OperationCase of(String name, Opcode opcode, @Nullable Object attributes, TensorSpec output, Supplier<Expected> expected,
            @Nullable Tensor... inputs) {
        return new OperationCase(name, opcode, attributes, List.of(output), List.of(), Arrays.asList(inputs),
                () -> List.of(expected.get()));
    }

    /// An operation with several outputs.
    public static OperationCase of(String name, Opcode opcode, @Nullable Object attributes, List<TensorSpec> outputs,
            Supplier<List<Expected>> expected,
            @Nullable Tensor... inputs) {
        return new OperationCase(name, opcode, attributes, outputs, List.of(), Arrays.asList(inputs), expected);
    }

    /// An update in place.
    public static OperationCase update(String name, Opcode opcode, @Nullable Object attributes, List<Tensor> targets,
            Supplier<List<Expected>> expected,
            @Nullable Tensor... inputs) {
        return new OperationCase(name, opcode, attributes, List.of(), targets, Arrays.asList(inputs), expected);
    }

    /// Opcode and name.
    @Override
    public String toString() {
        return opcode + " " + name;
    }
}
