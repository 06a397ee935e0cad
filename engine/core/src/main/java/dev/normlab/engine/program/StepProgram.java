package dev.normlab.engine.program;

import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
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

    /// Copies the collections.
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

    /// This program and another one behind it as one: residents with the same memory are one value, and feeds of the other one are what
    /// this one fetches under their names. Feeds and fetches are those of this program.
    ///
    /// @throws IllegalArgumentException if the other one has a feed that is not fetched here, or fetches anything
    public StepProgram then(StepProgram next) {
        if (!next.fetches.isEmpty()) {
            throw new IllegalArgumentException("the second of two programs fetches nothing, but this one fetches " + next.fetches.keySet());
        }
        List<Value> all = new ArrayList<>(values);
        Map<Storage, Integer> residents = new IdentityHashMap<>();
        for (int id = 0; id < values.size(); id++) {
            Storage storage = values.get(id).storage();
            if (storage != null) {
                residents.put(storage, id);
            }
        }
        int[] ids = new int[next.values.size()];
        for (int id = 0; id < ids.length; id++) {
            Value value = next.values.get(id);
            Integer known = switch (value.role()) {
                case FEED -> fetched(value);
                case RESIDENT -> residents.get(value.storage());
                case INTERMEDIATE -> null;
            };
            if (known == null) {
                all.add(value);
            }
            ids[id] = known == null ? all.size() - 1 : known;
        }
        List<Operation> both = new ArrayList<>(operations);
        for (Operation operation : next.operations) {
            both.add(new Operation(operation.opcode(), operation.attributes(), renumbered(operation.inputs(), ids),
                    renumbered(operation.outputs(), ids)));
        }
        return new StepProgram(all, both, feeds, fetches);
    }

    private Integer fetched(Value feed) {
        Integer id = fetches.get(feed.name());
        if (id == null || !values.get(id).spec().equals(feed.spec())) {
            throw new IllegalArgumentException("the second of two programs feeds on '" + feed.name() + "' " + feed.spec()
                    + ", which the first does not fetch; it fetches " + fetches.keySet());
        }
        return id;
    }

    private static int[] renumbered(int[] old, int[] ids) {
        return Arrays.stream(old).map(id -> id < 0 ? id : ids[id]).toArray();
    }

    /// The program as text, one operation a line, for reading and for tests.
    public String listing() {
        StringBuilder text = new StringBuilder();
        operations.forEach(operation -> text.append(operation).append('\n'));
        return text.toString();
    }
}
