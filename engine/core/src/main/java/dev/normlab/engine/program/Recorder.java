package dev.normlab.engine.program;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Writes operations down instead of computing them, and makes a [StepProgram] of them.
///
/// Tensors made while recording are virtual. *Feeds* are virtual tensors whose values are given at every replay; tensors that already have
/// values (parameters, running statistics, learning rates, counters) become *residents*: the program reads and writes their memory, so that
/// changing a learning rate between replays needs no new recording. *Fetches* are results that are read after a replay.
public final class Recorder implements Executor {

    private final Device device;
    private final List<StepProgram.Value> values = new ArrayList<>();
    private final Map<Tensor, Integer> ids = new IdentityHashMap<>();
    private final Map<String, Integer> feeds = new LinkedHashMap<>();
    private final Map<String, Integer> fetches = new LinkedHashMap<>();
    private final List<Operation> operations = new ArrayList<>();

    /// A recorder of steps that will run on this device.
    public Recorder(Device device) {
        this.device = device;
    }

    @Override
    public Device device() {
        return device;
    }

    /// A tensor whose values come with every replay.
    ///
    /// @throws IllegalArgumentException if the name is taken
    public Tensor feed(String name, TensorSpec spec) {
        Tensor tensor = Tensor.virtual(spec).named(name);
        if (feeds.putIfAbsent(name, values.size()) != null) {
            throw new IllegalArgumentException("a feed named '" + name + "' was recorded already; names are unique");
        }
        register(tensor, new StepProgram.Value(spec, StepProgram.Role.FEED, name, null));
        return tensor;
    }

    /// Makes a tensor's value readable after every replay.
    ///
    /// @throws IllegalArgumentException if the name is taken
    public void fetch(String name, Tensor tensor) {
        if (fetches.putIfAbsent(name, id(tensor)) != null) {
            throw new IllegalArgumentException("a fetch named '" + name + "' was recorded already; names are unique");
        }
    }

    @Override
    public List<Tensor> run(Opcode opcode, @Nullable Object attributes, List<TensorSpec> outputs, @Nullable Tensor... inputs) {
        int[] read = ids(inputs);
        List<Tensor> tensors = new ArrayList<>(outputs.size());
        int[] written = new int[outputs.size()];
        for (int i = 0; i < written.length; i++) {
            Tensor tensor = Tensor.virtual(outputs.get(i));
            written[i] = register(tensor, new StepProgram.Value(outputs.get(i), StepProgram.Role.INTERMEDIATE, null, null));
            tensors.add(tensor);
        }
        operations.add(new Operation(opcode, attributes, read, written));
        return tensors;
    }

    @Override
    public void update(Opcode opcode, @Nullable Object attributes, List<Tensor> targets, @Nullable Tensor... inputs) {
        int[] written = targets.stream().mapToInt(this::id).toArray();
        operations.add(new Operation(opcode, attributes, ids(inputs), written));
    }

    @Override
    public Tensor alias(Tensor tensor) {
        Tensor alias = Tensor.virtual(tensor.spec());
        ids.put(alias, id(tensor));
        return alias;
    }

    /// Does nothing: results of a program are kept by fetching them.
    @Override
    public Tensor keep(Tensor tensor) {
        return tensor;
    }

    /// This recording: what is needed until when is found out from the whole program.
    @Override
    public Executor nested() {
        return this;
    }

    /// Does nothing: a recording owns no memory.
    @Override
    public void close() {}

    /// The program of everything recorded so far.
    public StepProgram program() {
        return new StepProgram(values, operations, feeds, fetches);
    }

    private int[] ids(@Nullable Tensor[] tensors) {
        int[] result = new int[tensors.length];
        for (int i = 0; i < result.length; i++) {
            Tensor tensor = tensors[i];
            result[i] = tensor == null ? -1 : id(tensor);
        }
        return result;
    }

    private int id(Tensor tensor) {
        Integer known = ids.get(tensor);
        if (known != null) {
            return known;
        }
        if (tensor.isVirtual()) {
            throw new IllegalArgumentException("the tensor " + tensor + " was made by another recording; feed its value instead");
        }
        return register(tensor, new StepProgram.Value(tensor.spec(), StepProgram.Role.RESIDENT, tensor.name(), tensor.storage()));
    }

    private int register(Tensor tensor, StepProgram.Value value) {
        int id = values.size();
        values.add(value);
        ids.put(tensor, id);
        return id;
    }
}
