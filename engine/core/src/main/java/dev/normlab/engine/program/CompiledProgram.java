package dev.normlab.engine.program;

import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.tensor.Tensor;
import java.util.Map;

/// A recorded program in the form in which a device runs it: interpreted on a CPU, or compiled for an accelerator.
public interface CompiledProgram extends AutoCloseable {

    /// The program for this device, at best for an accelerator.
    static CompiledProgram of(StepProgram program, Device device) {
        return device.accelerator() instanceof ProgramCompiler compiler
                ? compiler.compile(program, device)
                : new Interpreter(program, device);
    }

    /// The program.
    StepProgram program();

    /// Runs the program once.
    ///
    /// @param feeds the value of every feed; memory is used in place, not copied
    /// @return the fetched tensors; they stay readable until the next replay, [#release()] or [#close()]
    /// @throws IllegalArgumentException if a feed is missing, unknown, or of another shape
    Map<String, Tensor> replay(Map<String, Tensor> feeds);

    /// Hands back the memory of what the last replay fetched.
    void release();

    /// Hands back all memory, also the device's; what only the device knew comes back first. A later replay takes it anew.
    @Override
    void close();
}
