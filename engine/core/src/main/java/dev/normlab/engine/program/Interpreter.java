package dev.normlab.engine.program;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.StoragePool;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Replays a recorded program on a CPU device, bitwise as eager execution computes it, with operations fused by [Fusion].
///
/// Layouts and memory are planned at the first replay ([MemoryPlan]). Between replays a program holds no memory but its fetched tensors:
/// all arrays come from the device's pool and go back to it, so that the programs of a device share them.
public final class Interpreter implements CompiledProgram {

    private final StepProgram program;
    private final StepProgram fused;
    private final Device device;
    private final Lowering lowering;
    private final @Nullable Storage[] bound;
    private final @Nullable Layout[] feedLayouts;
    private final List<Step> steps = new ArrayList<>();
    private final List<Storage> fetched = new ArrayList<>();
    private @Nullable MemoryPlan plan;
    private float[] @Nullable [] floats = {};
    private int[] @Nullable [] ints = {};

    /// An operation with room for its operands and results.
    private record Step(Operation operation, @Nullable Storage[] operands, Storage[] results) {}

    /// An interpreter of one program.
    public Interpreter(StepProgram program, Device device) {
        this.program = program;
        this.fused = Fusion.fuse(program);
        this.device = device;
        this.lowering = new Lowering(device);
        this.bound = new Storage[program.values().size()];
        this.feedLayouts = new Layout[bound.length];
        for (int id = 0; id < bound.length; id++) {
            bound[id] = program.values().get(id).storage();
        }
        for (Operation operation : fused.operations()) {
            steps.add(new Step(operation, new Storage[operation.inputs().length], new Storage[operation.outputs().length]));
        }
    }

    @Override
    public StepProgram program() {
        return program;
    }

    @Override
    public Map<String, Tensor> replay(Map<String, Tensor> feeds) {
        release();
        MemoryPlan current = bindFeeds(feeds);
        takeArrays(current);
        boolean done = false;
        try {
            for (int i = 0; i < steps.size(); i++) {
                execute(i, steps.get(i), current);
            }
            done = true;
        } finally {
            giveBackArrays(current, done);
        }
        Map<String, Tensor> results = new LinkedHashMap<>();
        program.fetches().forEach((name, id) -> results.put(name, Tensor.of(required(id))));
        keepFetched();
        return results;
    }

    private void execute(int index, Step step, MemoryPlan current) {
        Operation operation = step.operation;
        int[] read = operation.inputs();
        for (int k = 0; k < read.length; k++) {
            step.operands[k] = read[k] < 0 ? null : operand(index, k, required(read[k]), current);
        }
        int[] written = operation.outputs();
        if (operation.opcode().updatesInPlace()) {
            for (int k = 0; k < written.length; k++) {
                step.results[k] = required(written[k]);
            }
            lowering.executeUpdate(operation.opcode(), operation.attributes(), step.results, step.operands);
            return;
        }
        Layout[] layouts = current.layouts(index).outputs();
        for (int k = 0; k < written.length; k++) {
            Storage result = storage(current.slot(written[k]), program.values().get(written[k]).spec(), layouts[k], current);
            if (k > 0 || !current.isInPlace(index)) {
                device.pool().poison(result);
            }
            step.results[k] = result;
            bound[written[k]] = result;
        }
        lowering.execute(operation.opcode(), operation.attributes(), step.operands, step.results);
    }

    /// The operand as it lies, or a copy in the layout that the kernel wants.
    private Storage operand(int index, int k, Storage given, MemoryPlan current) {
        int slot = current.copySlot(index, k);
        Layout wanted = current.layouts(index).inputs()[k];
        if (slot < 0 || wanted == null) {
            return given;
        }
        Storage copy = storage(slot, new TensorSpec(given.shape(), given.dtype()), wanted, current);
        device.pool().poison(copy);
        lowering.repack(given, copy);
        return copy;
    }

    private Storage storage(int slot, TensorSpec spec, Layout layout, MemoryPlan current) {
        if (current.slots().get(slot).dtype() == DType.INT32) {
            int[] array = ints[slot];
            if (array != null) {
                return Storage.ofInts(spec.shape(), array);
            }
        } else {
            float[] array = floats[slot];
            if (array != null) {
                return Storage.ofFloats(spec.shape(), layout, array);
            }
        }
        throw new IllegalStateException("the program has no memory for " + spec);
    }

    private void takeArrays(MemoryPlan current) {
        List<MemoryPlan.Slot> slots = current.slots();
        StoragePool pool = device.pool();
        for (int i = 0; i < slots.size(); i++) {
            MemoryPlan.Slot slot = slots.get(i);
            if (slot.dtype() == DType.INT32) {
                ints[i] = pool.takeInts(slot.length(), slot.kept());
            } else {
                floats[i] = pool.takeFloats(slot.length(), slot.kept());
            }
        }
    }

    /// All arrays, or all but those in which fetched tensors lie.
    private void giveBackArrays(MemoryPlan current, boolean butKept) {
        List<MemoryPlan.Slot> slots = current.slots();
        for (int i = 0; i < slots.size(); i++) {
            float[] floatArray = floats[i];
            int[] intArray = ints[i];
            if (!(butKept && slots.get(i).kept())) {
                if (floatArray != null) {
                    device.pool().giveBack(floatArray);
                }
                if (intArray != null) {
                    device.pool().giveBack(intArray);
                }
            }
            floats[i] = null;
            ints[i] = null;
        }
    }

    private void keepFetched() {
        List<StepProgram.Value> values = program.values();
        for (int id : program.fetches().values()) {
            Storage storage = bound[id];
            if (storage != null && values.get(id).role() == StepProgram.Role.INTERMEDIATE && !fetched.contains(storage)) {
                fetched.add(storage);
            }
        }
        for (int id = 0; id < bound.length; id++) {
            if (values.get(id).role() != StepProgram.Role.RESIDENT) {
                bound[id] = null;
            }
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

    /// Binds the feeds, and plans for their layouts if they are new.
    private MemoryPlan bindFeeds(Map<String, Tensor> feeds) {
        for (String name : feeds.keySet()) {
            if (!program.feeds().containsKey(name)) {
                throw new IllegalArgumentException("the program has no feed '" + name + "'; it has " + program.feeds().keySet());
            }
        }
        for (Map.Entry<String, Integer> feed : program.feeds().entrySet()) {
            int id = feed.getValue();
            TensorSpec expected = program.values().get(id).spec();
            Tensor given = feeds.get(feed.getKey());
            if (given == null || !given.spec().equals(expected)) {
                throw new IllegalArgumentException(
                        "the program's feed '" + feed.getKey() + "' is " + expected + ", but got " + (given == null ? "nothing" : given));
            }
            Storage storage = given.storage();
            bound[id] = storage;
            if (!storage.layout().equals(feedLayouts[id])) {
                feedLayouts[id] = storage.layout();
                plan = null; // at once, so that a later feed that is refused leaves no plan for other layouts behind
            }
        }
        MemoryPlan known = plan;
        if (known == null) {
            known = new MemoryPlan(fused, lowering, feedLayouts);
            floats = new float[known.slots().size()][];
            ints = new int[known.slots().size()][];
            plan = known;
        }
        return known;
    }

    @Override
    public void release() {
        StoragePool pool = device.pool();
        fetched.forEach(pool::giveBack);
        fetched.clear();
    }

    @Override
    public void close() {
        release();
    }
}
