package dev.normlab.experiments.bench;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Recorder;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.tensor.Tensor;
import java.util.Map;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// An operation on a device that runs nothing but whole programs: one that does it once, and one that does it [#MORE] times more. What the
/// second takes longer is the operation itself with its launches, without what a program's start and its transfers take. (Updates of many
/// parameters by SGD are one launch, so that what is left of them is the work.)
///
/// All operands stay on the device. What is read is the same every time, what is made goes to the same place, and what is updated in place
/// has a place of its own each time. Caches are not emptied in between.
final class ProgramKernel implements AutoCloseable {

    /// How many times more.
    static final int MORE = 8;

    private static final int WARMUP = 2;

    private final CompiledProgram once;
    private final CompiledProgram often;

    /// The programs of a case.
    ///
    /// @param numbers random numbers to fill operands with
    static ProgramKernel of(KernelCase kernel, Device device, float[] numbers) {
        @Nullable Tensor[] inputs = KernelOperands.of(kernel, device, numbers).inputs();
        return new ProgramKernel(device, times -> program(kernel, device, numbers, inputs, times));
    }

    /// Compiles both programs and runs them for the first time.
    ///
    /// @param program that does the operation so many times
    ProgramKernel(Device device, IntFunction<StepProgram> program) {
        this.once = CompiledProgram.of(program.apply(1), device);
        try {
            this.often = CompiledProgram.of(program.apply(1 + MORE), device);
        } catch (RuntimeException | Error failure) {
            once.close();
            throw failure;
        }
        try {
            for (int run = 0; run < WARMUP; run++) {
                seconds(once);
                seconds(often);
            }
        } catch (RuntimeException | Error failure) {
            close();
            throw failure;
        }
    }

    private static StepProgram program(KernelCase kernel, Device device, float[] numbers, @Nullable Tensor[] inputs, int times) {
        Recorder recorder = new Recorder(device);
        KernelCase.Key key = kernel.key();
        for (int i = 0; i < times; i++) {
            if (key.opcode().updatesInPlace()) {
                recorder.update(key.opcode(), key.attributes(), KernelOperands.targets(kernel, device, numbers), inputs);
            } else {
                recorder.run(key.opcode(), key.attributes(), key.outputs(), inputs);
            }
        }
        return recorder.program();
    }

    /// Seconds of every round; not above 0 where the operation takes less than the programs' times vary.
    double[] seconds(int rounds) {
        double[] differences = new double[rounds];
        for (int round = 0; round < rounds; round++) {
            double one = seconds(once);
            differences[round] = (seconds(often) - one) / MORE;
        }
        return differences;
    }

    private static double seconds(CompiledProgram program) {
        long start = System.nanoTime();
        program.replay(Map.of());
        return (System.nanoTime() - start) / 1e9;
    }

    @Override
    public void close() {
        once.close();
        often.close();
    }
}
