package dev.normlab.experiments.bench;

import dev.normlab.engine.kernel.CrossEntropySizes;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.kernel.Pool2dSizes;
import dev.normlab.engine.program.EagerExecutor;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.tensor.DType;
import dev.normlab.engine.tensor.Layout;
import dev.normlab.engine.tensor.Shape;
import dev.normlab.engine.tensor.Storage;
import dev.normlab.engine.tensor.Tensor;
import dev.normlab.engine.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// An operation with operands, ready to run again and again.
///
/// What the memory bounds gets several sets of operands and results and takes them in turn, so that each run finds its operands outside of
/// the caches. Parameters of operations of training count as changed before every run: rearranging
/// them is part of the time.
final class PreparedKernel implements AutoCloseable {

    /// Operands of all sets together are this many times the last-level cache.
    private static final int CACHES = 4;
    private static final int MOST_SETS = 64;

    /// Operations that touch less than this are not rotated.
    static final long SMALL = 1 << 16;

    private final KernelCase kernel;
    private final List<Operands> sets = new ArrayList<>();
    private final @Nullable EagerExecutor[] executors;
    private final boolean cold;
    private int next;

    private record Operands(@Nullable Tensor[] inputs, List<Tensor> targets) {}

    /// @param numbers random numbers to fill operands with
    PreparedKernel(KernelCase kernel, Device device, long cacheBytes, float[] numbers) {
        this.kernel = kernel;
        int count = sets(kernel.work(), cacheBytes);
        this.cold = count * kernel.work().footprint() >= 2 * cacheBytes;
        Fill fill = new Fill(device, numbers);
        for (int i = 0; i < count; i++) {
            sets.add(fill.operands(kernel));
        }
        this.executors = new EagerExecutor[count];
        for (int i = 0; i < count; i++) {
            executors[i] = new EagerExecutor(device);
        }
    }

    /// How many sets of operands a kernel gets.
    static int sets(KernelWork work, long cacheBytes) {
        if (work.isArithmetic() || work.footprint() < SMALL) {
            return 1;
        }
        return Math.clamp((CACHES * cacheBytes + work.footprint() - 1) / work.footprint(), 1, MOST_SETS);
    }

    KernelCase kernel() {
        return kernel;
    }

    /// Whether operands come from memory rather than from a cache.
    boolean cold() {
        return cold;
    }

    /// Runs once on the next set of operands.
    void run() {
        int set = next;
        next = (next + 1) % sets.size();
        Operands operands = sets.get(set);
        boolean inTraining = !kernel.training().isEmpty();
        for (int i = 0; i < operands.inputs.length; i++) {
            Tensor input = operands.inputs[i];
            if (input != null && inTraining && kernel.inputs().get(i).resident() != null) {
                input.storage().touch();
            }
        }
        EagerExecutor executor = Objects.requireNonNull(executors[set]);
        executor.close(); // gives the results of the last run on this set back
        if (kernel.key().opcode().updatesInPlace()) {
            executor.update(kernel.key().opcode(), kernel.key().attributes(), operands.targets, operands.inputs);
        } else {
            executor.run(kernel.key().opcode(), kernel.key().attributes(), kernel.key().outputs(), operands.inputs);
        }
    }

    @Override
    public void close() {
        for (EagerExecutor executor : executors) {
            Objects.requireNonNull(executor).close();
        }
        sets.clear();
    }

    /// Makes operands.
    private record Fill(Device device, float[] numbers) {

        // The vectors of a batch norm, among others the variance, must not be negative; scalars of optimisers are taken from the program.
        private static final int SCALARS = 8;

        Operands operands(KernelCase kernel) {
            KernelCase.Key key = kernel.key();
            @Nullable Tensor[] inputs = new @Nullable Tensor[kernel.inputs().size()];
            for (int i = 0; i < inputs.length; i++) {
                KernelCase.Operand operand = kernel.inputs().get(i);
                TensorSpec spec = operand.spec();
                if (spec == null) {
                    continue;
                }
                Storage resident = operand.resident();
                if (resident != null && spec.shape().elements() <= SCALARS) {
                    inputs[i] = Tensor.of(resident);
                } else if (spec.dtype() == DType.INT32) {
                    inputs[i] = Tensor.ofInts(spec.shape(), labels(key, spec.shape()));
                } else if (key.opcode() == Opcode.MAX_POOL_BACKWARD && i == 1) {
                    inputs[i] = positions((Pool2dSizes) Objects.requireNonNull(key.attributes()));
                } else {
                    inputs[i] = floats(spec.shape(), operand.activation());
                }
            }
            List<Tensor> targets = new ArrayList<>();
            if (key.opcode().updatesInPlace()) {
                key.outputs().forEach(spec -> targets.add(floats(spec.shape(), false)));
            }
            return new Operands(inputs, targets);
        }

        private Tensor floats(Shape shape, boolean activation) {
            Layout layout = activation ? device.kernels().activationLayout(shape) : Layout.PLAIN;
            float[] values = new float[layout.length(shape)];
            for (int at = 0; at < values.length; at += numbers.length) {
                System.arraycopy(numbers, 0, values, at, Math.min(numbers.length, values.length - at));
            }
            if (shape.rank() == 1) {
                for (int i = 0; i < values.length; i++) {
                    values[i] = 0.5f + Math.abs(values[i]);
                }
            }
            clearPadding(layout, shape, values);
            return Tensor.of(Storage.ofFloats(shape, layout, values));
        }

        private static void clearPadding(Layout layout, Shape shape, float[] values) {
            if (!layout.isBlocked() || shape.size(1) % layout.block() == 0) {
                return;
            }
            int block = layout.block(), pixels = shape.size(2) * shape.size(3), blocks = layout.blocks(shape.size(1));
            int first = shape.size(1) % block;
            for (int in = 0; in < shape.size(0); in++) {
                int at = (in * blocks + blocks - 1) * pixels * block;
                for (int i = 0; i < pixels * block; i++) {
                    if (i % block >= first) {
                        values[at + i] = 0;
                    }
                }
            }
        }

        /// Labels below the number of classes.
        private static int[] labels(KernelCase.Key key, Shape shape) {
            int[] values = new int[shape.elements()];
            if (key.attributes() instanceof CrossEntropySizes s) {
                Arrays.setAll(values, i -> i * 7 % s.k());
            }
            return values;
        }

        /// The position of the last pixel of every window, as if it were the maximum.
        private Tensor positions(Pool2dSizes s) {
            float[] values = new float[s.outputShape().elements()];
            for (int i = 0; i < values.length; i++) {
                int pixel = i % (s.oh() * s.ow());
                int row = Math.clamp((pixel / s.ow()) * s.strideH() - s.padH() + s.kh() - 1, 0, s.h() - 1);
                int column = Math.clamp((pixel % s.ow()) * s.strideW() - s.padW() + s.kw() - 1, 0, s.w() - 1);
                values[i] = row * s.w() + column;
            }
            Layout layout = device.kernels().activationLayout(s.outputShape());
            float[] laidOut = new float[layout.length(s.outputShape())];
            layout.pack(s.outputShape(), values, laidOut);
            return Tensor.of(Storage.ofFloats(s.outputShape(), layout, laidOut));
        }
    }
}
