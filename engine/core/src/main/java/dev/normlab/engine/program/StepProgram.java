package dev.normlab.engine.program;

import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A recorded step: operations on logical tensors, with its feeds and fetches. Says what is computed; an interpreter or compiler decides
/// how.
///
/// @param values     the logical tensors; an operation's ids index this list
/// @param operations in order of execution
/// @param feeds      names of values given at every replay, in recorded order, with their ids
/// @param fetches    names of values read after every replay, in recorded order, with their ids
public record StepProgram(List<Value> values, List<Operation> operations, Map<String, Integer> feeds, Map<String, Integer> fetches) {

    public StepProgram {
        values = List.copyOf(values);
        operations = List.copyOf(operations);
        feeds = Collections.unmodifiableMap(new LinkedHashMap<>(feeds));
        fetches = Collections.unmodifiableMap(new LinkedHashMap<>(fetches));
    }

    /// What a logical tensor is to the program.
    public enum Role {
        /// Given at every replay.
        FEED,
        /// Lives outside and survives replays: parameters, buffers, scalars.
        RESIDENT,
        /// Made and used up within a replay.
        INTERMEDIATE
    }

    /// A logical tensor.
    ///
    /// @param name    of a feed, or of a resident that has one
    /// @param storage of a resident
    public record Value(TensorSpec spec, Role role, @Nullable String name, @Nullable Storage storage) {}

    /// The program as text, one operation a line, for reading and for tests.
    public String listing() {
        StringBuilder text = new StringBuilder();
        operations.forEach(operation -> text.append(operation).append('\n'));
        return text.toString();
    }
}
