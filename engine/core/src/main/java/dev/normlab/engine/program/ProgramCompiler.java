package dev.normlab.engine.program;

import dev.normlab.engine.kernel.Accelerator;
import dev.normlab.engine.kernel.Device;
import java.util.Optional;

/// An accelerator that runs whole recorded programs, instead of one operation at a time.
public interface ProgramCompiler extends Accelerator {

    /// Makes a program ready to run on this accelerator.
    ///
    /// @param device the device that has this accelerator; computes what is not recorded
    CompiledProgram compile(StepProgram program, Device device);

    /// Makes two programs ready that run one after the other.
    ///
    /// @param second reads residents and takes its feeds from what `first` fetches under their names
    /// @throws IllegalArgumentException if `second` has another feed, or fetches anything
    StagedProgram compile(StepProgram first, StepProgram second, Device device);

    /// Lets programs that run from now on, and were not run before, count what they do on the device, which makes them slower; empty if
    /// this accelerator has no profiler.
    default Optional<DeviceProfile> startProfile() {
        return Optional.empty();
    }
}
