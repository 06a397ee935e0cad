package dev.normlab.experiments.bench;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.Interpreter;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.program.ProgramCompiler;
import dev.normlab.engine.program.StagedProgram;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// An accelerator that lets the CPU interpret its programs and counts them.
final class InterpretingAccelerator implements ProgramCompiler {

    private final List<StepProgram> compiled = new ArrayList<>();
    private int closed;
    private @Nullable Opcode refused;

    /// Lets programs fail that do this more than once.
    void refuse(Opcode opcode) {
        refused = opcode;
    }

    /// Everything that was compiled.
    List<StepProgram> compiled() {
        return compiled;
    }

    /// How many programs were closed.
    int closed() {
        return closed;
    }

    @Override
    public CompiledProgram compile(StepProgram program, Device device) {
        if (program.operations().size() > 1 && program.operations().getFirst().opcode() == refused) {
            throw new AcceleratorException("no " + refused + " here", new IllegalStateException());
        }
        compiled.add(program);
        Interpreter interpreter = new Interpreter(program, device);
        return new CompiledProgram() {

            @Override
            public StepProgram program() {
                return program;
            }

            @Override
            public Map<String, Tensor> replay(Map<String, Tensor> feeds) {
                return interpreter.replay(feeds);
            }

            @Override
            public void release() {
                interpreter.release();
            }

            @Override
            public void close() {
                closed++;
                interpreter.close();
            }
        };
    }

    @Override
    public StagedProgram compile(StepProgram first, StepProgram second, Device device) {
        throw new IllegalStateException("no stages are timed");
    }

    @Override
    public String describe() {
        return "an interpreter";
    }

    @Override
    public void close() {}
}
