package dev.normlab.experiments.bench;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.EagerExecutor;
import dev.normlab.engine.tensor.Tensor;
import java.util.ArrayList;
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
    private final List<KernelOperands> sets = new ArrayList<>();
    private final @Nullable EagerExecutor[] executors;
    private final boolean cold;
    private int next;

    /// @param numbers random numbers to fill operands with
    PreparedKernel(KernelCase kernel, Device device, long cacheBytes, float[] numbers) {
        this.kernel = kernel;
        int count = sets(kernel.work(), cacheBytes);
        this.cold = count * kernel.work().footprint() >= 2 * cacheBytes;
        for (int i = 0; i < count; i++) {
            sets.add(KernelOperands.of(kernel, device, numbers));
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

    /// Sets of operands that are taken in turn.
    int sets() {
        return sets.size();
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
        KernelOperands operands = sets.get(set);
        boolean inTraining = !kernel.training().isEmpty();
        for (int i = 0; i < operands.inputs().length; i++) {
            Tensor input = operands.inputs()[i];
            if (input != null && inTraining && kernel.inputs().get(i).resident() != null) {
                input.storage().touch();
            }
        }
        EagerExecutor executor = Objects.requireNonNull(executors[set]);
        executor.close(); // gives the results of the last run on this set back
        if (kernel.key().opcode().updatesInPlace()) {
            executor.update(kernel.key().opcode(), kernel.key().attributes(), operands.targets(), operands.inputs());
        } else {
            executor.run(kernel.key().opcode(), kernel.key().attributes(), kernel.key().outputs(), operands.inputs());
        }
    }

    @Override
    public void close() {
        for (EagerExecutor executor : executors) {
            Objects.requireNonNull(executor).close();
        }
        sets.clear();
    }
}
