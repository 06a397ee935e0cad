package dev.normlab.experiments.bench;

import dev.normlab.engine.kernel.AcceleratorException;
import dev.normlab.engine.kernel.Device;
import dev.normlab.engine.program.CompiledProgram;
import dev.normlab.engine.program.DeviceProfile;
import dev.normlab.engine.program.Interpreter;
import dev.normlab.engine.program.Opcode;
import dev.normlab.engine.program.ProgramCompiler;
import dev.normlab.engine.program.StagedProgram;
import dev.normlab.engine.program.StepProgram;
import dev.normlab.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// An accelerator that lets the CPU interpret its programs and counts them.
final class InterpretingAccelerator implements ProgramCompiler {

    private final List<StepProgram> compiled = new ArrayList<>();
    private final Work profile = new Work();
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
        return new Interpreted(program, null, device);
    }

    @Override
    public StagedProgram compile(StepProgram first, StepProgram second, Device device) {
        compiled.add(first);
        compiled.add(second);
        return new Interpreted(first, second, device);
    }

    /// A program, or two of which the second takes its feeds from what the first fetches. Every run "takes" a microsecond in kernels, and
    /// "moves" what is fed and fetched.
    private final class Interpreted implements StagedProgram {

        private final StepProgram program;
        private final Interpreter first;
        private final @Nullable Interpreter second;
        private Map<String, Tensor> fetched = Map.of();

        Interpreted(StepProgram program, @Nullable StepProgram then, Device device) {
            this.program = program;
            this.first = new Interpreter(program, device);
            this.second = then == null ? null : new Interpreter(then, device);
        }

        @Override
        public StepProgram program() {
            return program;
        }

        @Override
        public Map<String, Tensor> replay(Map<String, Tensor> feeds) {
            fetched = first.replay(feeds);
            profile.nanos += 1000;
            feeds.values().forEach(feed -> profile.in += 4L * feed.shape().elements());
            fetched.keySet().stream().filter(name -> !held().containsKey(name)).forEach(_ -> profile.out += 4);
            return fetched;
        }

        @Override
        public boolean heldIsFinite() {
            return true;
        }

        @Override
        public Map<String, Tensor> held() {
            Map<String, Tensor> held = new LinkedHashMap<>(fetched);
            held.keySet().retainAll(second == null ? Set.of() : second.program().feeds().keySet());
            return held;
        }

        @Override
        public void finish() {
            Objects.requireNonNull(second).replay(held());
        }

        @Override
        public void release() {
            first.release();
        }

        @Override
        public void close() {
            closed++;
            first.close();
            if (second != null) {
                second.close();
            }
        }
    }

    /// Counts made-up work.
    private static final class Work implements DeviceProfile {

        private long nanos;
        private long in;
        private long out;

        @Override
        public void clear() {
            nanos = 0;
            in = 0;
            out = 0;
        }

        @Override
        public long kernelNanos() {
            return nanos;
        }

        @Override
        public long bytesIn() {
            return in;
        }

        @Override
        public long bytesOut() {
            return out;
        }
    }

    @Override
    public Optional<DeviceProfile> startProfile() {
        return Optional.of(profile);
    }

    @Override
    public String describe() {
        return "an interpreter";
    }

    @Override
    public void close() {}
}
