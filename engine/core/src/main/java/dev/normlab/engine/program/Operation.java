package dev.normlab.engine.program;

import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// One step of a recorded program: an opcode, its attributes, and the logical ids of the tensors it reads and writes.
///
/// @param attributes the record that [Opcode] names, or null
/// @param inputs     ids of the operands; -1 for an absent one
/// @param outputs    ids of the new tensors, or of those updated in place
public record Operation(Opcode opcode, @Nullable Object attributes, int[] inputs, int[] outputs) {

    /// Copies the arrays.
    public Operation {
        inputs = inputs.clone();
        outputs = outputs.clone();
    }

    /// For example `%7, %8 = MAX_POOL(%6) Pool2dSizes[..]`.
    @Override
    public String toString() {
        return ids(outputs) + (opcode.updatesInPlace() ? " <- " : " = ") + opcode + "(" + ids(inputs) + ")"
                + (attributes == null ? "" : " " + attributes);
    }

    private static String ids(int[] ids) {
        return Arrays.stream(ids).mapToObj(id -> id < 0 ? "-" : "%" + id).collect(Collectors.joining(", "));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Operation that && opcode == that.opcode && Objects.equals(attributes, that.attributes)
                && Arrays.equals(inputs, that.inputs) && Arrays.equals(outputs, that.outputs);
    }

    @Override
    public int hashCode() {
        return Objects.hash(opcode, attributes, Arrays.hashCode(inputs), Arrays.hashCode(outputs));
    }
}
