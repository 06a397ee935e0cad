package dev.normlab.engine.kernel.scalar;

import dev.normlab.engine.kernel.Kernels;
import dev.normlab.engine.kernel.KernelsProvider;
import java.util.Optional;

/// Offers [ScalarKernels] under the name `scalar`; runs on every Java virtual machine.
public final class ScalarProvider implements KernelsProvider {

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public Optional<String> obstacle() {
        return Optional.empty();
    }

    @Override
    public Kernels create() {
        return new ScalarKernels();
    }

    @Override
    public String describe() {
        return "plain loops in double precision sums, row-major activations: the reference, for checking rather than speed";
    }
}
