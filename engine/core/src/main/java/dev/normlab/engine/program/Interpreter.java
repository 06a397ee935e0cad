package dev.normlab.engine.program;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.StoragePool;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Replays a recorded program on a CPU device, bitwise as eager execution computes it, with operations fused by [Fusion].
///
/// Every intermediate goes back to the pool after its last use, so a replay needs the memory of the tensors that are alive together, not of all of them.
public final class Interpreter implements AutoCloseable {

    private final StepProgram program;
    private final List<Operation> operations;
    private final Device device;
    private final Lowering lowering;
    private final @Nullable Storage[] bound;
    private final int[][] lastUsedBy;
    private final List<Storage> fetched = new ArrayList<>();

    /// An interpreter of one program.
    public Interpreter(StepProgram program, Device device) {
        this.program = program;
        this.device = device;
        this.lowering = new Lowering(device);
        this.bound = new Storage[program.values().size()];
        for (int id = 0; id < bound.length; id++) {
            bound[id] = program.values().get(id).storage();
        }
        StepProgram fused = Fusion.fuse(program);
        this.operations = fused.operations();
        this.lastUsedBy = lastUses(fused);
    }

    /// The program.
    public StepProgram program() {
        return program;
    }

    /// Runs the program once.
    ///
    /// @param feeds the value of every feed; memory is used in place, not copied
    /// @return the fetched tensors; they stay readable until the next replay or [#close()]
    /// @throws IllegalArgumentException if a feed is missing, unknown, or of another shape
    public Map<String, Tensor> replay(Map<String, Tensor> feeds) {
        releaseFetched();
        bindFeeds(feeds);
        for (int i = 0; i < operations.size(); i++) {
            execute(operations.get(i));
            for (int id : lastUsedBy[i]) {
                device.pool().giveBack(required(id));
                bound[id] = null;
            }
        }
        Map<String, Tensor> results = new LinkedHashMap<>();
        program.fetches().forEach((name, id) -> results.put(name, Tensor.of(required(id))));
        for (int id = 0; id < bound.length; id++) {
            Storage storage = bound[id];
            if (program.values().get(id).role() == StepProgram.Role.INTERMEDIATE && storage != null) {
                fetched.add(storage);
                bound[id] = null;
            }
        }
        return results;
    }

    private void execute(Operation operation) {
        int[] read = operation.inputs();
        @Nullable Storage[] inputs = new Storage[read.length];
        for (int k = 0; k < read.length; k++) {
            inputs[k] = read[k] < 0 ? null : required(read[k]);
        }
        int[] written = operation.outputs();
        if (operation.opcode().updatesInPlace()) {
            Storage[] targets = new Storage[written.length];
            for (int k = 0; k < written.length; k++) {
                targets[k] = required(written[k]);
            }
            lowering.update(operation.opcode(), operation.attributes(), targets, inputs);
            return;
        }
        List<TensorSpec> specs = new ArrayList<>(written.length);
        for (int id : written) {
            specs.add(program.values().get(id).spec());
        }
        Storage[] outputs = lowering.run(operation.opcode(), operation.attributes(), specs, inputs);
        for (int k = 0; k < written.length; k++) {
            bound[written[k]] = outputs[k];
        }
    }

    private Storage required(int id) {
        Storage storage = bound[id];
        if (storage == null) {
            throw new IllegalStateException(
                    "value %" + id + " " + program.values().get(id).spec() + " of the program is read before it is written");
        }
        return storage;
    }

    private void bindFeeds(Map<String, Tensor> feeds) {
        for (String name : feeds.keySet()) {
            if (!program.feeds().containsKey(name)) {
                throw new IllegalArgumentException("the program has no feed '" + name + "'; it has " + program.feeds().keySet());
            }
        }
        program.feeds().forEach((name, id) -> {
            TensorSpec expected = program.values().get(id).spec();
            Tensor given = feeds.get(name);
            if (given == null || !given.spec().equals(expected)) {
                throw new IllegalArgumentException(
                        "the program's feed '" + name + "' is " + expected + ", but got " + (given == null ? "nothing" : given));
            }
            bound[id] = given.storage();
        });
    }

    private void releaseFetched() {
        StoragePool pool = device.pool();
        fetched.forEach(pool::giveBack);
        fetched.clear();
    }

    /// Hands the fetched tensors of the last replay back to the pool.
    @Override
    public void close() {
        releaseFetched();
    }

    /// For every operation the intermediates that nobody reads after it and that are not fetched.
    private static int[][] lastUses(StepProgram program) {
        int[] last = new int[program.values().size()];
        Arrays.fill(last, -1);
        List<Operation> operations = program.operations();
        for (int i = 0; i < operations.size(); i++) {
            for (int id : operations.get(i).inputs()) {
                if (id >= 0) {
                    last[id] = i;
                }
            }
            for (int id : operations.get(i).outputs()) {
                last[id] = i;
            }
        }
        List<List<Integer>> dying = new ArrayList<>();
        operations.forEach(_ -> dying.add(new ArrayList<>()));
        for (int id = 0; id < last.length; id++) {
            boolean intermediate = program.values().get(id).role() == StepProgram.Role.INTERMEDIATE;
            if (intermediate && last[id] >= 0 && !program.fetches().containsValue(id)) {
                dying.get(last[id]).add(id);
            }
        }
        return dying.stream().map(list -> list.stream().mapToInt(Integer::intValue).toArray()).toArray(int[][]::new);
    }
}
