package dev.normlab.engine.tornado;

import dev.normlab.engine.program.Operation;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// What the lowering of one operation sees: its operands by position, room for scratch, and the list of launches it adds to.
///
/// Arrays and offsets are known when the graph is built, not when an operation is lowered: tasks ask for them when they are added.
final class Launches {

    /// The arrays of a library's products: two factors and the result.
    static final int A = 0, B = 1, C = 2;

    /// What every kernel gets to ask for its thread.
    final KernelContext context = new KernelContext();

    private final StepProgram program;
    private final Memory memory;
    private final Tasks tasks;
    private final int[] blockOfValue;
    private final @Nullable MatrixLibrary library;
    private final List<IntSupplier> table = new ArrayList<>();
    private int index;
    private int tableBlock = -1;

    /// @param blockOfValue the memory of every value of the program
    /// @param library      what computes matrix products, or null for our own kernels
    Launches(StepProgram program, Memory memory, Tasks tasks, int[] blockOfValue, @Nullable MatrixLibrary library) {
        this.library = library;
        this.program = program;
        this.memory = memory;
        this.tasks = tasks;
        this.blockOfValue = blockOfValue;
    }

    /// An operand of the operation of this number.
    Operand in(int operation, int position) {
        return operand(program.operations().get(operation).inputs()[position]);
    }

    /// A target or result of the operation of this number.
    Operand out(int operation, int position) {
        return operand(program.operations().get(operation).outputs()[position]);
    }

    /// Goes on to the operation of this number.
    void begin(int operation) {
        index = operation;
    }

    Tasks tasks() {
        return tasks;
    }

    /// The operation that is lowered.
    Operation operation() {
        return program.operations().get(index);
    }

    String name() {
        return operation().opcode().name().toLowerCase(Locale.ROOT);
    }

    /// The attributes of the operation.
    <T> T attributes(Class<T> type) {
        return attributes(index, type);
    }

    /// The attributes of the operation of this number.
    <T> T attributes(int operation, Class<T> type) {
        return type.cast(Objects.requireNonNull(program.operations().get(operation).attributes(), "the operation lacks its attributes"));
    }

    /// An operand.
    Operand in(int position) {
        return operand(operation().inputs()[position]);
    }

    /// Whether an operand is given.
    boolean has(int position) {
        return operation().inputs().length > position && operation().inputs()[position] >= 0;
    }

    /// An operand, or another one in its place where it is absent: kernels get a flag that says so.
    Operand inOr(int position, Operand other) {
        return has(position) ? in(position) : other;
    }

    /// A result, or a target of an update.
    Operand out(int position) {
        return operand(operation().outputs()[position]);
    }

    private Operand operand(int value) {
        if (value < 0) {
            throw new IllegalArgumentException("a required operand of " + operation() + " is absent");
        }
        TensorSpec spec = program.values().get(value).spec();
        return new Operand(memory, blockOfValue[value], spec.shape());
    }

    /// Memory for this operation alone.
    Operand scratch(int elements) {
        return new Operand(memory, memory.add(Memory.Region.WORK, DType.FLOAT32, elements, index, index), Shape.of(elements));
    }

    /// A table of integers that kernels of this operation read; returns where it begins.
    int table(List<Integer> values) {
        return lateTable(values.stream().map(value -> (IntSupplier) () -> value).toList());
    }

    /// [#table] of numbers that are known when memory is allocated: where tensors lie.
    int lateTable(List<IntSupplier> values) {
        table.addAll(values);
        return table.size() - values.size();
    }

    /// All tables, once memory is allocated.
    int[] tables() {
        return table.stream().mapToInt(IntSupplier::getAsInt).toArray();
    }

    /// Where the tables begin on the device.
    int tableAt() {
        return memory.at(tableBlock);
    }

    /// Takes memory for the tables, once all operations are lowered; returns its number.
    int placeTables() {
        tableBlock = memory.add(Memory.Region.STATE, DType.INT32, table.size(), 0, 0);
        return tableBlock;
    }

    /// What computes matrix products, or null for our own kernels.
    @Nullable
    MatrixLibrary library() {
        return library;
    }

    /// Makes one of the arrays of a library's products at least this long.
    void needMatrix(int which, int elements) {
        memory.needMatrix(which, elements);
    }

    /// One of the arrays of a library's products.
    FloatArray matrix(int which) {
        return memory.matrices().get(which);
    }

    /// All floats of the device.
    FloatArray floats() {
        return memory.floats();
    }

    /// All ints of the device.
    IntArray ints() {
        return memory.ints();
    }

    /// A tensor on the device.
    record Operand(Memory memory, int block, Shape shape) {

        /// Where it begins.
        int at() {
            return memory.at(block);
        }

        int elements() {
            return shape.elements();
        }
    }
}
