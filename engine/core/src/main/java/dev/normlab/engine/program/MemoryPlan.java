package dev.normlab.engine.program;

import dev.normlab.engine.program.Lowering.Layouts;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.StoragePool;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Where every intermediate of a program lies: which arrays a replay needs, and which values share one.
///
/// A value lives from the operation that makes it to the last that reads it; a fetched one to the end. A result goes into the memory of an
/// operand that dies with the operation, where the opcode allows it. Then the longest values choose first: each takes the shortest array
/// that is long enough and free all its life, or a new one. Fetched values share arrays with others only if these are hardly longer, since
/// they keep them after the replay.
final class MemoryPlan {

    private final StepProgram program;
    private final Layout[] layouts;
    private final Layouts[] kernelLayouts;
    private final int[] lastUse;
    private final List<Buffer> buffers = new ArrayList<>();
    private final @Nullable Buffer[] ofValue;
    private final @Nullable Buffer[][] copies;
    private final boolean[] inPlace;
    private final List<Slot> slots = new ArrayList<>();

    /// Memory of one value, or of several that follow each other in place.
    private static final class Buffer {

        private final DType dtype;
        private final int length;
        private final int birth;
        private int death;
        private int slot = -1;

        Buffer(DType dtype, int length, int birth, int death) {
            this.dtype = dtype;
            this.length = length;
            this.birth = birth;
            this.death = death;
        }
    }

    /// An array.
    ///
    /// @param length at least
    /// @param kept   whether a fetched value lies in it when the replay is over
    record Slot(DType dtype, int length, boolean kept) {}

    /// @param feeds the layouts of the feeds, by value; null for other values
    MemoryPlan(StepProgram program, Lowering lowering, @Nullable Layout[] feeds) {
        this.program = program;
        int count = program.operations().size();
        this.layouts = new Layout[program.values().size()];
        this.kernelLayouts = new Layouts[count];
        this.ofValue = new Buffer[layouts.length];
        this.copies = new Buffer[count][];
        this.inPlace = new boolean[count];
        this.lastUse = lastUses(program);
        for (int id = 0; id < layouts.length; id++) {
            Layout fed = feeds[id];
            var storage = program.values().get(id).storage();
            layouts[id] = fed != null ? fed : storage != null ? storage.layout() : Layout.PLAIN;
        }
        for (int i = 0; i < count; i++) {
            plan(i, lowering);
        }
        assignSlots();
    }

    /// The arrays, longest first.
    List<Slot> slots() {
        return slots;
    }

    /// The layouts of an operation's operands and results.
    Layouts layouts(int operation) {
        return kernelLayouts[operation];
    }

    /// The slot of a value, or -1 if the program does not make it.
    int slot(int value) {
        Buffer buffer = ofValue[value];
        return buffer == null ? -1 : buffer.slot;
    }

    /// The slot for the copy of an operand in another layout, or -1 if it is read as it lies.
    int copySlot(int operation, int operand) {
        Buffer copy = copies[operation][operand];
        return copy == null ? -1 : copy.slot;
    }

    /// Whether the first result of an operation lies in the memory of an operand.
    boolean isInPlace(int operation) {
        return inPlace[operation];
    }

    private static int[] lastUses(StepProgram program) {
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
        program.fetches().values().forEach(id -> last[id] = operations.size());
        return last;
    }

    private void plan(int index, Lowering lowering) {
        Operation operation = program.operations().get(index);
        int[] read = operation.inputs();
        @Nullable TensorSpec[] specs = new TensorSpec[read.length];
        @Nullable Layout[] given = new Layout[read.length];
        for (int k = 0; k < read.length; k++) {
            specs[k] = read[k] < 0 ? null : program.values().get(read[k]).spec();
            given[k] = read[k] < 0 ? null : layouts[read[k]];
        }
        boolean update = operation.opcode().updatesInPlace();
        List<TensorSpec> made = update
                ? List.of()
                : Arrays.stream(operation.outputs()).mapToObj(id -> program.values().get(id).spec()).toList();
        Layouts wanted = lowering.layouts(operation.opcode(), operation.attributes(), made, specs, given);
        kernelLayouts[index] = wanted;
        copies[index] = new Buffer[read.length];
        for (int k = 0; k < read.length; k++) {
            TensorSpec spec = specs[k];
            Layout layout = wanted.inputs()[k];
            if (spec != null && layout != null && spec.dtype() == DType.FLOAT32 && !layout.equals(given[k])) {
                copies[index][k] = buffer(DType.FLOAT32, layout.length(spec.shape()), index, index);
            }
        }
        for (int k = 0; k < made.size(); k++) {
            place(index, k, operation.outputs()[k], made.get(k), wanted.outputs()[k]);
        }
    }

    private void place(int index, int output, int value, TensorSpec spec, Layout layout) {
        layouts[value] = layout;
        int length = layout.length(spec.shape());
        Buffer dying = output == 0 && spec.dtype() == DType.FLOAT32 ? overwritten(index, spec, layout) : null;
        if (dying != null) {
            dying.death = lastUse[value];
            ofValue[value] = dying;
            inPlace[index] = true;
        } else {
            ofValue[value] = buffer(spec.dtype(), length, index, lastUse[value]);
        }
    }

    /// The memory of an operand in which the first result may lie, or null.
    private @Nullable Buffer overwritten(int index, TensorSpec spec, Layout layout) {
        Operation operation = program.operations().get(index);
        for (int k = 0; k < operation.inputs().length; k++) {
            int value = operation.inputs()[k];
            Buffer buffer = value < 0 ? null : ofValue[value];
            if (buffer != null && lastUse[value] == index && mayOverwrite(operation, value) && copies[index][k] == null
                    && layouts[value].equals(layout) && fits(operation.opcode(), program.values().get(value).spec(), spec)) {
                return buffer;
            }
        }
        return null;
    }

    private static boolean mayOverwrite(Operation operation, int value) {
        for (int k = 0; k < operation.inputs().length; k++) {
            if (operation.inputs()[k] == value && !operation.opcode().mayOverwrite(k)) {
                return false;
            }
        }
        return true;
    }

    private static boolean fits(Opcode opcode, TensorSpec operand, TensorSpec result) {
        return opcode == Opcode.RESHAPE ? operand.shape().elements() == result.shape().elements() : operand.equals(result);
    }

    private Buffer buffer(DType dtype, int length, int birth, int death) {
        Buffer buffer = new Buffer(dtype, length, birth, death);
        buffers.add(buffer);
        return buffer;
    }

    private void assignSlots() {
        List<Buffer> longestFirst = new ArrayList<>(buffers);
        longestFirst.sort(Comparator.comparingInt((Buffer buffer) -> buffer.length).reversed());
        List<List<Buffer>> tenants = new ArrayList<>();
        int end = program.operations().size();
        for (Buffer buffer : longestFirst) {
            for (int slot = slots.size() - 1; slot >= 0 && buffer.slot < 0; slot--) {
                if (slots.get(slot).dtype == buffer.dtype && isFree(tenants.get(slot), buffer)
                        && (buffer.death < end || fitsTightly(buffer.length, slots.get(slot)))) {
                    buffer.slot = slot;
                }
            }
            if (buffer.slot < 0) {
                buffer.slot = slots.size();
                slots.add(new Slot(buffer.dtype, buffer.length, false));
                tenants.add(new ArrayList<>());
            }
            tenants.get(buffer.slot).add(buffer);
            if (buffer.death == end) {
                Slot slot = slots.get(buffer.slot);
                slots.set(buffer.slot, new Slot(slot.dtype, slot.length, true));
            }
        }
    }

    /// Whether an array may be kept for a fetched value of this length when the replay is over: the loss must not keep the memory of an
    /// activation.
    private static boolean fitsTightly(int length, Slot slot) {
        return slot.length <= length * StoragePool.SLACK;
    }

    private static boolean isFree(List<Buffer> tenants, Buffer buffer) {
        for (Buffer tenant : tenants) {
            if (tenant.birth <= buffer.death && buffer.birth <= tenant.death) {
                return false;
            }
        }
        return true;
    }
}
